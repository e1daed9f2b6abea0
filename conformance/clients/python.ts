import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Json } from "../protos.ts";
import type { Client, ClientCall, ClientKind, ClientTls, Outcome } from "./client.ts";
import { pythonStubs, requirePython } from "./python/stubs.ts";

/** Debian's `python3-grpcio`: gRPC's C core. One process makes all the calls, each in a thread of its own. */
export const python: ClientKind = {
  name: "python",
  abilities: ["any-name", "repeated"],
  async connect(address, tls) {
    return new PythonClient(address, tls);
  },
};

const script = fileURLToPath(new URL("python/client.py", import.meta.url));

/** A line of the child's: an answer, or the end of a call. */
interface Line {
  readonly id: number;
  readonly answer?: Json;
  readonly broken?: string;
  readonly code?: number;
  readonly message?: string;
  readonly reason?: string;
  readonly domain?: string;
  readonly retry?: number;
  readonly quota?: string;
}

interface Pending {
  readonly call: ClientCall;
  readonly answers: Json[];
  readonly resolve: (outcome: Outcome) => void;
  readonly reject: (error: Error) => void;
}

class PythonClient implements Client {
  readonly #child;
  readonly #pending = new Map<number, Pending>();
  #count = 0;

  constructor(address: string, tls: ClientTls | undefined) {
    const files = [tls?.authority, tls?.key, tls?.certificate].filter((path) => path !== undefined);
    this.#child = spawn(requirePython(), [script, address, pythonStubs(), ...files], {
      stdio: ["pipe", "pipe", "inherit"],
    });
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

  call(call: ClientCall): Promise<Outcome> {
    const { procedure, requests, headers = [], take = null, timeoutMs = 5000 } = call;
    const id = this.#count++;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { call, answers: [], resolve, reject });
      const order = { id, procedure, requests, headers, take, timeout: timeoutMs / 1000 };
      this.#child.stdin.write(`${JSON.stringify(order)}\n`);
    });
  }

  #read({ id, answer, broken, ...end }: Line): void {
    const pending = this.#pending.get(id);
    if (pending === undefined) return;
    if (answer !== undefined) {
      pending.answers.push(answer);
      pending.call.onAnswer?.(answer);
      return;
    }
    this.#pending.delete(id);
    if (broken !== undefined) {
      pending.reject(new Error(`the Python client: ${broken}`));
      return;
    }
    const { code = 2, message = "", reason, domain, retry, quota } = end;
    const info = reason === undefined || domain === undefined ? {} : { reason, domain };
    const more = {
      ...(retry !== undefined && { retryAfterSeconds: retry }),
      ...(quota !== undefined && { quota }),
    };
    pending.resolve({ code, message, answers: pending.answers, ...info, ...more });
  }
}
