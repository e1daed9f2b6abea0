import { type ChildProcessByStdio, spawn } from "node:child_process";
import { createHash, hkdfSync } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { killAtExit } from "../tools/at-exit.ts";
import { programFile } from "../tools/program-file.ts";
import { within } from "./deadline.ts";
import { scratchFolder } from "./scratch.ts";

/** How the program ended: an exit code, or the signal that killed it. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface ServerOptions {
  /** The text of a configuration file. Default: none, and the program does without. */
  readonly config?: string;
  /** Default: `dev`, which makes its own accounts and secrets. */
  readonly command?: "dev" | "serve";
  /** A data folder. Default: a new one. */
  readonly data?: string;
  readonly env?: Readonly<Record<string, string>>;
  /**
   * `configured`: a secret that `developmentSecrets` tells, so that a test can sign what it likes. `managed`: what a new
   * installation does. Default: `configured`.
   */
  readonly signing?: "configured" | "managed";
  /** Node's own arguments, such as `--import`. */
  readonly nodeArguments?: readonly string[];
}

/** The program, serving. */
export interface ServerProcess {
  /** `127.0.0.1:PORT` */
  readonly grpc: string;
  readonly http: string;
  readonly data: string;
  /** alice's key. Empty on a second start, which shows no secret. */
  readonly apiKey: string;
  readonly users: readonly { readonly username: string; readonly password: string }[];
  readonly pid: number;
  /** What stood on its standard error so far. */
  stderr(): string;
  /** Sends a signal and waits for the end. Default: SIGTERM. */
  stop(signal?: NodeJS.Signals): Promise<Exit>;
  /** Sends a signal and does not wait. */
  signal(signal: NodeJS.Signals): void;
  readonly ended: Promise<Exit>;
}

/** Halves the time that a start takes. */
const compileCache = fileURLToPath(new URL("../node_modules/.cache/conformance", import.meta.url));
// Of a test that hangs, and no measure of anything: the machine may be busy with others.
const startDeadlineMs = 45_000;
const stopDeadlineMs = 30_000;

type Child = ChildProcessByStdio<null, Readable, Readable>;

/** Starts `countersign dev --json`, or `serve`, on free ports of the loopback address, and waits until it serves. */
export async function startServer(options: ServerOptions = {}): Promise<ServerProcess> {
  const data = options.data ?? join(scratchFolder(), "data");
  const configured = options.signing === "managed" ? {} : { COUNTERSIGN_JWT_SECRET: jwtSecretOf(data) };
  const running = run([options.command ?? "dev", "--json"], {
    ...options,
    data,
    env: { ...configured, ...options.env },
  });
  const line = await within(startDeadlineMs, "the program's start", firstLine(running)).catch((error) => {
    running.child.kill("SIGKILL");
    throw error;
  });
  const ready = JSON.parse(line) as Pick<ServerProcess, "grpc" | "http"> &
    Partial<Pick<ServerProcess, "users" | "apiKey">>;
  const { child, ended } = running;
  return {
    grpc: ready.grpc,
    http: ready.http,
    users: ready.users ?? [],
    apiKey: ready.apiKey ?? "",
    data,
    ended,
    pid: child.pid ?? 0,
    stderr: running.stderr,
    signal: (signal) => void child.kill(signal),
    stop(signal = "SIGTERM") {
      child.kill(signal);
      return within(stopDeadlineMs, "the program's end", ended);
    },
  };
}

/** What a command that ends by itself did. */
export interface Ran extends Exit {
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command of the program to its end. Fails if that takes longer than the deadline. */
export async function runProgram(
  args: readonly string[],
  options: ServerOptions & { deadlineMs: number },
): Promise<Ran> {
  const running = run(args, { ...options, data: options.data ?? join(scratchFolder(), "data") });
  try {
    const exit = await within(options.deadlineMs, `the end of countersign ${args.join(" ")}`, running.ended);
    return { ...exit, stdout: running.stdout(), stderr: running.stderr() };
  } finally {
    running.child.kill("SIGKILL");
  }
}

interface Running {
  readonly child: Child;
  readonly ended: Promise<Exit>;
  readonly stdout: () => string;
  readonly stderr: () => string;
}

function run(
  args: readonly string[],
  { config, data, env, nodeArguments = [] }: ServerOptions & { data: string },
): Running {
  const folder = scratchFolder();
  const more: string[] = [];
  if (config !== undefined) {
    const file = join(folder, "configuration.yaml");
    writeFileSync(file, config);
    more.push("--config", file);
  }
  const child = spawn(
    process.execPath,
    ["--conditions=countersign-source", ...nodeArguments, programFile, ...args, ...more],
    {
      // A folder of its own: no configuration that happens to lie about is picked up.
      cwd: folder,
      env: {
        ...cleanEnvironment(),
        ...addresses,
        NODE_COMPILE_CACHE: compileCache,
        COUNTERSIGN_DATA: data,
        ...env,
      },
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  killAtExit(child);
  const ended = new Promise<Exit>((resolve) => {
    child.once("close", (code, signal) => {
      resolve({ code, signal });
    });
  });
  return { child, ended, stdout: collect(child.stdout), stderr: collect(child.stderr) };
}

const addresses = { COUNTERSIGN_GRPC_LISTEN: "127.0.0.1:0", COUNTERSIGN_HTTP_LISTEN: "127.0.0.1:0" };

function cleanEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => !/^(COUNTERSIGN_|NODE_OPTIONS$|NODE_TEST_CONTEXT$)/.test(name),
    ),
  );
}

function collect(stream: Readable): () => string {
  let text = "";
  stream.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
  return () => text;
}

function firstLine({ child, ended, stdout, stderr }: Running): Promise<string> {
  return new Promise((resolve, reject) => {
    const look = (): void => {
      const [line, ...rest] = stdout().split("\n");
      if (line !== undefined && rest.length > 0) resolve(line);
    };
    child.stdout.on("data", look);
    void ended.then(({ code }) =>
      reject(new Error(`the program ended with ${code} before it served: ${stderr()}`)),
    );
  });
}

/** The secrets of a server: what tokens are signed with, what is mixed into keys, and what seals the audit log. */
export function developmentSecrets(data: string): {
  readonly jwtSecret: Uint8Array;
  readonly pepper: Uint8Array;
  readonly auditKey: Uint8Array;
} {
  const text = readFileSync(join(data, "development-secrets.json"), "utf8");
  const { pepper, master_key: master } = JSON.parse(text) as { pepper: string; master_key: string };
  return {
    jwtSecret: Buffer.from(jwtSecretOf(data)),
    pepper: Buffer.from(pepper, "base64url"),
    auditKey: auditKeyOf(Buffer.from(master, "base64url")),
  };
}

/** As the program derives it (HKDF, RFC 5869). */
function auditKeyOf(masterKey: Uint8Array): Uint8Array {
  return new Uint8Array(hkdfSync("sha256", masterKey, new Uint8Array(0), "countersign audit log", 32));
}

/** The same for every start on the same data. */
function jwtSecretOf(data: string): string {
  return createHash("sha512").update(data).digest("hex");
}
