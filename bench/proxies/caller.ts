import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

/** What `caller.go` is asked for. Bodies are base64. */
export interface Order {
  readonly kind: "grpc" | "http";
  readonly address: string;
  readonly path: string;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly calls: readonly {
    readonly body?: string;
    readonly headers?: Readonly<Record<string, string>>;
    readonly expected: string;
  }[];
  readonly rate: number;
  readonly milliseconds: number;
}

export interface Result {
  /** Milliseconds of each call. */
  readonly took: readonly number[];
  readonly wrong: number;
}

/** Debian's packages of Go's libraries. */
const environment = { GO111MODULE: "off", GOFLAGS: "", CGO_ENABLED: "0", GOPATH: "/usr/share/gocode" };

/** The caller, compiled and started. */
export class Caller {
  readonly #folder = mkdtempSync(join(tmpdir(), "countersign-caller-"));
  readonly #child: ChildProcess;
  readonly #answers: AsyncIterator<string>;

  constructor() {
    const program = join(this.#folder, "caller");
    const source = join(import.meta.dirname, "caller.go");
    execFileSync("go", ["build", "-o", program, source], {
      env: { ...process.env, ...environment },
      stdio: ["ignore", "inherit", "inherit"],
    });
    const child = spawn(program, { stdio: ["pipe", "pipe", "inherit"] });
    this.#child = child;
    this.#answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  }

  async run(order: Order): Promise<Result> {
    this.#child.stdin?.write(JSON.stringify(order));
    const { done, value } = await this.#answers.next();
    if (done) throw new Error("the caller has ended");
    return JSON.parse(value) as Result;
  }

  close(): void {
    this.#child.stdin?.end();
    rmSync(this.#folder, { recursive: true });
  }
}
