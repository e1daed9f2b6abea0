import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const script = fileURLToPath(new URL("store-child.suite.ts", import.meta.url));

/** A process that runs a job of `store-child.suite.ts`. */
export class TestChild {
  readonly #process: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly exit: Promise<number | null>;

  constructor(job: string, path: string) {
    const args = ["--conditions=countersign-source", script, job, path];
    const child = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "inherit"] });
    this.#process = child;
    assert.ok(child.stdout);
    this.#lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    this.exit = new Promise((resolve) => child.on("exit", resolve));
  }

  /** The next line that it prints; undefined when it has ended. */
  async line(): Promise<string | undefined> {
    const { value, done } = await this.#lines.next();
    return done === true ? undefined : value;
  }

  /** What it printed and nobody has read. Call it when it has ended. */
  async rest(): Promise<string[]> {
    const rest: string[] = [];
    for (let line = await this.line(); line !== undefined; line = await this.line()) rest.push(line);
    return rest;
  }

  goOn(): void {
    this.#process.stdin?.write("\n");
  }

  kill(): void {
    this.#process.kill("SIGKILL");
  }
}
