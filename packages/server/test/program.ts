import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Store } from "countersign/store";
import { killAtExit, temporaryFolder } from "../../../tools/at-exit.ts";
import { programFile } from "../../../tools/program-file.ts";

const deadlineMs = 60_000;
/** A start takes half the time with what the ones before have compiled. */
const compiled = join(tmpdir(), "countersign-test-compiled");

/** A folder of a test's own, with a data folder in it that is not there yet. Gone when this process ends. */
export function scratchFolder(): string {
  return temporaryFolder("cli");
}

export interface RunOptions {
  /** Where it runs: `countersign.yaml` is looked for here, and `.countersign` is made here. */
  readonly folder: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Standard input. Default: empty. */
  readonly input?: string;
}

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command of the real program to its end. */
export async function run(args: readonly string[], { folder, env, input = "" }: RunOptions): Promise<Ran> {
  const child = start(args, folder, env);
  child.stdin?.end(input);
  const [stdout, stderr] = [collect(child, "stdout"), collect(child, "stderr")];
  const code = await ended(child);
  return { code, stdout: stdout(), stderr: stderr() };
}

/** Runs a command that has to succeed, and answers with its standard output. */
export async function good(args: readonly string[], options: RunOptions): Promise<string> {
  const { code, stdout, stderr } = await run(args, options);
  assert.equal(code, 0, `countersign ${args.join(" ")}: ${stderr}`);
  return stdout;
}

/** The same with `-o json`, parsed. */
export async function json<T>(args: readonly string[], options: RunOptions): Promise<T> {
  return JSON.parse(await good([...args, "-o", "json"], options)) as T;
}

/** Runs a command that has to fail with this code, in one line on standard error. Answers with that line. */
export async function bad(code: number, args: readonly string[], options: RunOptions): Promise<string> {
  const ran = await run(args, options);
  assert.equal(ran.code, code, `countersign ${args.join(" ")}: ${ran.stdout}${ran.stderr}`);
  assert.match(ran.stderr, /^[^\n]+\n$/, "one line");
  return ran.stderr.trimEnd();
}

/** Opens the store of a folder of `dev`'s, with its secrets. */
export async function openDevStore(folder: string): Promise<Store> {
  // Only here: most tests do without, and it takes a while to load.
  const [{ loadConfig }, { openStore }] = await Promise.all([
    import("../src/config/config.ts"),
    import("../src/database.ts"),
  ]);
  const env = { COUNTERSIGN_DATA: join(folder, ".countersign") };
  return openStore(loadConfig({ environment: "development", env }));
}

export interface DevServer {
  readonly grpc: string;
  readonly http: string;
  readonly apiKey: string;
  readonly users: readonly { readonly username: string; readonly password: string }[];
  /** What stood on its standard error so far. */
  stderr(): string;
  signal(signal: NodeJS.Signals): void;
  stop(): Promise<void>;
}

/** `countersign dev`, serving on free ports with the data of this folder. */
export async function startDev(folder: string): Promise<DevServer> {
  return startServer(["dev", "--json"], folder);
}

/** A server that prints its line of JSON. */
export async function startServer(args: readonly string[], folder: string): Promise<DevServer> {
  const child = start(args, folder, {});
  child.stdin?.end();
  const [stdout, stderr] = [collect(child, "stdout"), collect(child, "stderr")];
  const over = ended(child);
  await new Promise<void>((resolve, reject) => {
    child.stdout?.on("data", () => stdout().includes("\n") && resolve());
    void over.then((code) => reject(new Error(`the server ended with ${code}: ${stderr()}`)));
  });
  const ready = JSON.parse(stdout()) as Omit<DevServer, "stop" | "stderr" | "signal">;
  return {
    ...ready,
    stderr,
    signal: (signal) => void child.kill(signal),
    async stop() {
      child.kill("SIGTERM");
      await over;
    },
  };
}

function start(
  args: readonly string[],
  folder: string,
  env: Readonly<Record<string, string>> = {},
): ChildProcess {
  const inherited = Object.entries(process.env).filter(([name]) => !/^(COUNTERSIGN_|NODE_)/.test(name));
  const listen = { COUNTERSIGN_GRPC_LISTEN: "127.0.0.1:0", COUNTERSIGN_HTTP_LISTEN: "127.0.0.1:0" };
  return spawn(process.execPath, ["--conditions=countersign-source", programFile, ...args], {
    cwd: folder,
    env: { ...Object.fromEntries(inherited), NODE_COMPILE_CACHE: compiled, ...listen, ...env },
    stdio: ["pipe", "pipe", "pipe"],
  });
}

function collect(child: ChildProcess, name: "stdout" | "stderr"): () => string {
  let text = "";
  child[name]?.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
  return () => text;
}

/** The exit code, when all that it wrote has been read. Whatever hangs is killed, and by its own id alone. */
function ended(child: ChildProcess): Promise<number | null> {
  killAtExit(child);
  // A server may run for as long as its test does; what a test waits for has the deadline of the test.
  const timer = setTimeout(() => child.kill("SIGKILL"), 4 * deadlineMs);
  return new Promise((resolve) => {
    child.stdin?.on("error", () => {});
    child.once("close", (code) => {
      clearTimeout(timer);
      resolve(code);
    });
  });
}

/** Asks until the answer is yes. For what another process does on its own. Answers with how long that took. */
export async function until(ms: number, what: string, ask: () => Promise<boolean>): Promise<number> {
  const began = performance.now();
  while (!(await ask())) {
    if (performance.now() - began > ms) assert.fail(`${what}: not within ${ms} ms`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return performance.now() - began;
}

export interface UserJson {
  readonly id: string;
  readonly username: string;
  readonly email: string;
  readonly is_staff: boolean;
  readonly is_superuser: boolean;
  readonly is_active: boolean;
  readonly roles: readonly string[];
}

export interface KeyJson {
  readonly id: string;
  readonly name: string;
  readonly type: string;
  readonly status: string;
  readonly total_requests: string;
  readonly scopes: readonly string[];
  readonly user: { readonly id: string; readonly username: string };
  readonly expires_at?: string;
  readonly revoked_reason: string;
}

export interface ErrorJson {
  readonly error: {
    readonly status: string;
    readonly reason?: string;
    readonly message: string;
    readonly violations: readonly { readonly field: string; readonly description: string }[];
  };
}
