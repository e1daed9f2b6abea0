import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import type { Client, ClientCall, ClientKind, Outcome } from "./client.ts";
import { outcomeOf } from "./json-answer.ts";
import { requirePython } from "./python/stubs.ts";

/** Python's own HTTP client and JSON, and no gRPC anywhere. */
export const pythonHttp: ClientKind = {
  name: "Python with JSON over HTTP",
  listener: "http",
  abilities: ["any-name", "repeated", "two-authorizations"],
  carries: ({ requestStream, responseStream }) => !requestStream && !responseStream,
  async connect(address) {
    return new PythonHttpClient(address);
  },
};

const script = fileURLToPath(new URL("python/http_client.py", import.meta.url));

interface Line {
  readonly id: number;
  readonly status?: number;
  readonly body?: string;
  readonly broken?: string;
}

interface Pending {
  readonly resolve: (outcome: Outcome) => void;
  readonly reject: (error: Error) => void;
}

class PythonHttpClient implements Client {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #pending = new Map<number, Pending>();
  #count = 0;

  constructor(address: string) {
    this.#child = spawn(requirePython(), [script, address], { stdio: ["pipe", "pipe", "inherit"] });
    createInterface(this.#child.stdout).on("line", (line) => this.#read(JSON.parse(line) as Line));
    this.#child.once("exit", () => {
      for (const { reject } of this.#pending.values()) reject(new Error("the Python client has ended"));
    });
  }

  async close(): Promise<void> {
    const exit = once(this.#child, "exit");
    this.#child.stdin.end();
    await exit;
  }

  call({ procedure, requests, headers = [], timeoutMs = 5000 }: ClientCall): Promise<Outcome> {
    const id = this.#count++;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
      this.#child.stdin.write(
        `${JSON.stringify({ id, procedure, requests, headers, timeout: timeoutMs / 1000 })}\n`,
      );
    });
  }

  #read({ id, status = 0, body = "", broken }: Line): void {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    if (broken !== undefined) pending?.reject(new Error(`the Python client: ${broken}`));
    else pending?.resolve(outcomeOf(status, body));
  }
}
