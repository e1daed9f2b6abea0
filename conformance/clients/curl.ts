import { spawn } from "node:child_process";
import type { ClientCall, ClientKind, Outcome } from "./client.ts";
import { outcomeOf } from "./json-answer.ts";

/** `curl -d`, as the README has it: JSON, and no word about its type. */
export const curl: ClientKind = kindOf("curl", []);

/** `curl` as frameworks want it. */
export const curlWithType: ClientKind = kindOf("curl", ["-H", "content-type: application/json"]);

function kindOf(name: string, more: readonly string[]): ClientKind {
  return {
    name,
    listener: "http",
    abilities: ["any-name", "repeated"],
    slow: true,
    carries: ({ requestStream, responseStream }) => !requestStream && !responseStream,
    async connect(address) {
      const call = async ({ procedure, requests, headers }: ClientCall): Promise<Outcome> => {
        const [request = {}] = requests;
        const args = ["-d", "@-", "-w", "\n%{http_code}", `http://${address}${procedure}`];
        const output = (
          await run([...more, ...headerArgs(headers), ...args], JSON.stringify(request))
        ).toString();
        const end = output.lastIndexOf("\n");
        return outcomeOf(Number(output.slice(end + 1)), output.slice(0, end));
      };
      return { call, close: async () => {} };
    },
  };
}

function headerArgs(headers: ClientCall["headers"] = []): readonly string[] {
  // A header without a value is written with a semicolon.
  return headers.flatMap(([name, value]) => ["-H", value === "" ? `${name};` : `${name}: ${value}`]);
}

function run(args: readonly string[], input: string | Uint8Array): Promise<Buffer> {
  const child = spawn("curl", ["--silent", "--show-error", "--max-time", "10", ...args], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const chunks: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
  child.stdin.on("error", () => {});
  child.stdin.end(input);
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) =>
      code === 0 ? resolve(Buffer.concat(chunks)) : reject(new Error(`curl ended with ${code}`)),
    );
  });
}
