import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { goEnvironment } from "../../tools/ensure-tools.ts";

/** A file of this folder, compiled and started: a line of JSON for an order, and one for what came of it. */
export class GoProgram<Order, Result> {
  readonly #folder = mkdtempSync(join(tmpdir(), "countersign-go-"));
  readonly #child: ChildProcess;
  readonly #answers: AsyncIterator<string>;

  constructor(file: string) {
    const program = join(this.#folder, "program");
    execFileSync("go", ["build", "-o", program, file, "orders.go"], {
      cwd: import.meta.dirname,
      env: { ...process.env, ...goEnvironment },
      stdio: ["ignore", "inherit", "inherit"],
    });
    const child = spawn(program, { stdio: ["pipe", "pipe", "inherit"] });
    this.#child = child;
    this.#answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  }

  async run(order: Order): Promise<Result> {
    this.#child.stdin?.write(JSON.stringify(order));
    const { done, value } = await this.#answers.next();
    if (done) throw new Error("a program of the benchmark has ended");
    return JSON.parse(value) as Result;
  }

  close(): void {
    this.#child.stdin?.end();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
