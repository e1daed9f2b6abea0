import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { errorInfoOf, type JsonDetail } from "../error-info.ts";
import type { Json } from "../protos.ts";
import type { ClientCall, ClientKind, ClientTls, Outcome } from "./client.ts";
import { binFolder } from "./python/stubs.ts";

/** `buf curl`, the grpcurl-like client: it learns the schema by reflection, and sends messages as JSON. */
export const buf: ClientKind = {
  name: "buf curl",
  abilities: ["any-name"],
  slow: true,
  async connect(address, tls) {
    return { call: (call) => callOnce(address, call, tls), close: async () => {} };
  },
};

/** Runs `buf curl` with more arguments, to its end. */
export function bufCurl(args: readonly string[]): {
  readonly child: ChildProcess;
  readonly ended: Promise<BufResult>;
} {
  const child = spawn(join(binFolder, "buf"), ["curl", "--protocol", "grpc", ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const output = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (chunk: string) => (output[name] += chunk));
  }
  const ended = new Promise<BufResult>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (exitCode) => resolve({ exitCode: exitCode ?? -1, ...output }));
  });
  return { child, ended };
}

export interface BufResult {
  /** Eight times the gRPC status; 0 for a call that went well. */
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

interface BufError {
  readonly message: string;
  readonly details?: readonly JsonDetail[];
}

async function callOnce(address: string, call: ClientCall, tls?: ClientTls): Promise<Outcome> {
  const headers = (call.headers ?? []).flatMap(([name, value]) => ["-H", `${name}: ${value}`]);
  const data = call.requests.map((request) => JSON.stringify(request)).join("");
  const { child, ended } = bufCurl([
    ...headers,
    ...transport(tls),
    ...["-d", data, `${tls === undefined ? "http" : "https"}://${address}${call.procedure}`],
  ]);
  let left = false;
  let seen = "";
  child.stdout?.on("data", (chunk: string) => {
    seen += chunk;
    if (call.take === undefined || left || parseMessages(seen).length < call.take) return;
    left = true;
    child.kill("SIGTERM");
  });
  const { exitCode, stdout, stderr } = await ended;
  const answers = parseMessages(stdout);
  if (left || exitCode === 0) return { code: 0, message: "", answers };
  const error = JSON.parse(stderr) as BufError;
  return { code: exitCode / 8, message: error.message, answers, ...errorInfoOf(error.details) };
}

function transport(tls: ClientTls | undefined): readonly string[] {
  if (tls === undefined) return ["--http2-prior-knowledge"];
  const { authority, certificate, key } = tls;
  const own = certificate === undefined || key === undefined ? [] : ["--cert", certificate, "--key", key];
  return ["--cacert", authority, ...own];
}

/** The messages that stand one after another, each an indented object. */
function parseMessages(text: string): Json[] {
  return text
    .split(/^(?=\{)/m)
    .filter((part) => part.trimEnd().endsWith("\n}") || part.trim() === "{}")
    .map((part) => snakeCased(JSON.parse(part)) as Json);
}

/** buf writes JSON's names; everything else here has the proto's. */
function snakeCased(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(snakeCased);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [
      name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      snakeCased(inner),
    ]),
  );
}
