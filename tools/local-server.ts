import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { existsSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import type { Readable } from "node:stream";

export interface LocalServerOptions {
  /** Names it in errors. */
  readonly name: string;
  /** A scratch folder, which goes when the server is stopped. */
  readonly folder: string;
  /** What ends it at once, like a crash. */
  readonly signal: NodeJS.Signals;
  /** Where it writes what is wrong. */
  readonly complaints: "stdout" | "stderr";
  readonly startsWithinMs: number;
  /** How long its folder may be in use after its end. */
  readonly lingersMs: number;
}

export interface Launch extends Pick<SpawnOptions, "uid" | "gid" | "env"> {
  readonly command: readonly [program: string, ...args: string[]];
}

const setpriv = "/usr/bin/setpriv";

import { atExit } from "./at-exit.ts";

/** A server of a test's own: one process at a time, gone with the process that started it. */
export abstract class LocalServer {
  readonly #options: LocalServerOptions;
  #child: ChildProcess | undefined;
  #output = "";

  constructor(options: LocalServerOptions) {
    this.#options = options;
  }

  /** What is to be run. */
  protected abstract launch(): Launch;
  /** What is done once, before the first start. */
  protected prepare(): void {}
  /** Throws while it does not answer. */
  protected abstract ask(): Promise<unknown>;

  /** The first start, with an end for every way in which this process may end. */
  async begin(): Promise<this> {
    atExit(() => this.#killAtExit());
    // What node --test does to a file that takes too long: without a listener, nothing of the above would happen.
    process.once("SIGTERM", () => process.exit(143));
    try {
      this.prepare();
      await this.start();
      return this;
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  async start(): Promise<void> {
    const { folder, signal, complaints } = this.#options;
    const { command, ...owner } = this.launch();
    // Where the system can do that, the server ends with this process also if that is killed.
    const [program = "", ...args] = [
      ...(existsSync(setpriv) ? [setpriv, "--pdeathsig", signal.replace("SIG", "")] : []),
      ...command,
    ];
    const piped = (name: string): "pipe" | "ignore" => (name === complaints ? "pipe" : "ignore");
    const stdio: SpawnOptions["stdio"] = ["ignore", piped("stdout"), piped("stderr")];
    const child = spawn(program, args, { ...owner, cwd: folder, stdio });
    child.unref();
    const output = child[complaints] as Readable & { unref(): void };
    output.setEncoding("utf8").on("data", (text: string) => (this.#output += text));
    output.unref();
    this.#child = child;
    await this.#answers(child);
  }

  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    child.ref();
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill(this.#options.signal);
    await ended;
  }

  async restart(): Promise<void> {
    await this.kill();
    await this.start();
  }

  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.#options.folder, { recursive: true, force: true });
  }

  /** Whatever happened before. */
  #killAtExit(): void {
    const { folder, signal, lingersMs } = this.#options;
    // Nothing else can be waited for any more; what it still writes would be in the way of removing it.
    if (this.#child?.kill(signal) && lingersMs > 0)
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, lingersMs);
    rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
  }

  async #answers(child: ChildProcess): Promise<void> {
    const { name, startsWithinMs } = this.#options;
    const end = performance.now() + startsWithinMs;
    for (;;) {
      try {
        await this.ask();
        return;
      } catch (error) {
        if (child.exitCode !== null || performance.now() > end)
          throw new Error(`${name} does not start: ${(error as Error).message}\n${this.#output}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

/**
 * A port of the loopback address that nobody has. Not one of those that systems give to whoever asks for any: it would be
 * somebody else's before it is used.
 */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < 100; tries += 1) {
    const port = randomInt(15_000, 32_000);
    if (await isFree(port)) return port;
  }
  throw new Error("no port is free");
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer().once("error", () => resolve(false));
    probe.listen(port, "127.0.0.1", () => probe.close(() => resolve(true)));
  });
}
