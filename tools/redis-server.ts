import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { redisProgram } from "./ensure-tools.ts";
import { freePort } from "./postgres-server.ts";

/** A Redis server of a test's own: on a free port, in a scratch folder, gone when the process ends. */
export interface RedisServer {
  readonly port: number;
  /** With the password. */
  readonly url: string;
  /** Runs one command. */
  command(name: string, ...args: readonly string[]): Promise<unknown>;
  /** Ends the server like a crash. What it held is gone, unless it is durable. */
  kill(): Promise<void>;
  /** Starts it after `kill()`, on the same port. */
  start(): Promise<void>;
  restart(): Promise<void>;
  /** Ends it and removes its folder. */
  stop(): Promise<void>;
}

export interface RedisServerOptions {
  /** Write every change to the disk. Default: false. */
  readonly durable?: boolean;
  /** Certificate, key and authority in PEM: the server speaks TLS, and nothing else. */
  readonly tls?: { readonly certificate: string; readonly key: string; readonly authority: string };
}

export const redisPassword = "only-for-tests/+@:#";

const setpriv = "/usr/bin/setpriv";

/** Starts a server. It takes a tenth of a second. */
export async function startRedis(options: RedisServerOptions = {}): Promise<RedisServer> {
  const program = redisProgram();
  if (program === undefined) throw new Error("Redis is not installed: node tools/ensure-tools.js");
  const folder = mkdtempSync(join(tmpdir(), "countersign-redis-"));
  const server = new LocalServer({ program, folder, port: await freePort(), options });
  process.once("exit", () => server.killAtExit());
  // What node --test does to a file that takes too long: without a listener, nothing of the above would happen.
  process.once("SIGTERM", () => process.exit(143));
  try {
    await server.start();
    return server;
  } catch (error) {
    await server.stop();
    throw error;
  }
}

interface Place {
  readonly program: string;
  readonly folder: string;
  readonly port: number;
  readonly options: RedisServerOptions;
}

class LocalServer implements RedisServer {
  readonly #place: Place;
  #child: ChildProcess | undefined;
  #output = "";

  constructor(place: Place) {
    this.#place = place;
  }

  get port(): number {
    return this.#place.port;
  }

  get url(): string {
    const scheme = this.#place.options.tls === undefined ? "redis" : "rediss";
    return `${scheme}://:${encodeURIComponent(redisPassword)}@127.0.0.1:${this.port}`;
  }

  async command(name: string, ...args: readonly string[]): Promise<unknown> {
    const { port, options } = this.#place;
    const client = new Redis({
      port,
      host: "127.0.0.1",
      password: redisPassword,
      lazyConnect: true,
      retryStrategy: () => null,
      ...(options.tls !== undefined && { tls: { rejectUnauthorized: false } }),
    });
    client.on("error", () => {});
    try {
      await client.connect();
      return await client.call(name, ...args);
    } finally {
      client.disconnect();
    }
  }

  async start(): Promise<void> {
    const { program, folder, port, options } = this.#place;
    const settings = {
      bind: "127.0.0.1",
      port: options.tls === undefined ? port : 0,
      dir: folder,
      save: '""',
      appendonly: options.durable ? "yes" : "no",
      appendfsync: "always",
      requirepass: `"${redisPassword}"`,
      ...(options.tls !== undefined && {
        "tls-port": port,
        "tls-cert-file": options.tls.certificate,
        "tls-key-file": options.tls.key,
        "tls-ca-cert-file": options.tls.authority,
        "tls-auth-clients": "no",
      }),
    };
    // In a file: arguments can be seen by every user of the machine.
    const file = join(folder, "redis.conf");
    const lines = Object.entries(settings).map(([name, value]) => `${name} ${value}\n`);
    writeFileSync(file, lines.join(""), { mode: 0o600 });
    // Where the system can do that, the server ends with this process also if that is killed.
    const [first = "", ...rest] = [
      ...(existsSync(setpriv) ? [setpriv, "--pdeathsig", "KILL"] : []),
      ...[program, file],
    ];
    const child = spawn(first, rest, { cwd: folder, stdio: ["ignore", "pipe", "ignore"] });
    child.unref();
    child.stdout.setEncoding("utf8").on("data", (text: string) => (this.#output += text));
    // @ts-expect-error: a pipe is a socket, though its type does not say so.
    child.stdout.unref();
    this.#child = child;
    await this.#answers(child);
  }

  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    child.ref();
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await ended;
  }

  async restart(): Promise<void> {
    await this.kill();
    await this.start();
  }

  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.#place.folder, { recursive: true, force: true });
  }

  /** Whatever happened before. */
  killAtExit(): void {
    this.#child?.kill("SIGKILL");
    rmSync(this.#place.folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 20 });
  }

  async #answers(child: ChildProcess): Promise<void> {
    const end = performance.now() + 15_000;
    for (;;) {
      try {
        await this.command("PING");
        return;
      } catch (error) {
        if (child.exitCode !== null || performance.now() > end)
          throw new Error(`Redis does not start: ${(error as Error).message}\n${this.#output}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
