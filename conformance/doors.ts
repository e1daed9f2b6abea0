import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { killAtExit } from "../tools/at-exit.ts";
import { chromiumConnect, chromiumGrpcWeb } from "./clients/browser.ts";
import { buf } from "./clients/buf.ts";
import type { ClientKind } from "./clients/client.ts";
import { connectBinary, connectGrpc, connectJson, grpcWeb } from "./clients/connect.ts";
import { curl, curlWithType } from "./clients/curl.ts";
import { fetchJson } from "./clients/fetch.ts";
import { grpcJs } from "./clients/grpc-js.ts";
import { python } from "./clients/python.ts";
import { pythonHttp } from "./clients/python-http.ts";
import { raw } from "./clients/raw.ts";
import { within } from "./deadline.ts";
import { openExtAuthz } from "./doors/ext-authz.ts";
import { openForwardAuth } from "./doors/forward-auth.ts";
import type { OpenProxy } from "./doors/proxy.ts";
import { outsidePolicy, outsideServer } from "./outside.ts";
import { scratchFolder } from "./scratch.ts";
import { type ServerProcess, startServer } from "./server-process.ts";

/** A way into the same accounts, keys and tokens, and the clients that come by it. */
export interface Door {
  readonly name: string;
  readonly of: "program" | "framework" | "proxy";
  /** Asked the whole table. */
  readonly clients: readonly ClientKind[];
  /** Asked what they alone can send, and what is brief: the same code has answered the rest to others. */
  readonly others: readonly ClientKind[];
  /** Is a second `authorization` seen? grpc-js keeps the first. */
  readonly seesTwice: boolean;
  /** Serves the rows that no credential leads to, as `doors/kit.ts` has them. */
  readonly hasRows: boolean;
  open(server: ServerProcess): Promise<OpenDoor>;
}

export interface OpenDoor {
  readonly address: string;
  close(): Promise<void>;
}

const ofFrameworks = {
  http: { clients: [fetchJson], others: [pythonHttp, curlWithType] },
  grpc: { clients: [grpcJs], others: [python, raw, connectGrpc] },
} as const;

/** Behind a real proxy, Python asks in nginx.test.ts. */
const ofProxies = {
  http: { clients: [fetchJson], others: [pythonHttp] },
  grpc: { clients: [grpcJs], others: [raw] },
} as const;

/** Every door. A new adapter is a file in `doors/` and a line here. */
export const doors: readonly Door[] = [
  program("grpc-js", "grpc", [grpcJs, python, raw, connectGrpc, buf]),
  program("connect", "http", [connectJson, connectBinary, chromiumConnect, fetchJson, pythonHttp, curl]),
  program("grpc-web", "http", [grpcWeb, chromiumGrpcWeb]),
  framework("node"),
  framework("fetch"),
  framework("express"),
  framework("fastify"),
  framework("hono"),
  framework("nestjs"),
  framework("nestjs", "grpc"),
  proxy("ext_authz", "grpc", openExtAuthz),
  proxy("forward-auth", "http", openForwardAuth),
];

/** A listener of the program itself. */
function program(name: string, listener: "grpc" | "http", clients: readonly ClientKind[]): Door {
  return {
    name,
    of: "program",
    clients,
    others: [],
    seesTwice: listener === "http",
    hasRows: false,
    open: async (server) => ({ address: server[listener], close: async () => {} }),
  };
}

/** The demo service with the library and a framework, in a process of its own, on the program's data. */
function framework(file: string, listener: "http" | "grpc" = "http"): Door {
  return {
    name: listener === "http" ? file : `${file} (${listener})`,
    of: "framework",
    ...ofFrameworks[listener],
    seesTwice: listener === "http",
    hasRows: listener === "http",
    async open({ data }) {
      const { addresses, close } = await openChild(file, data);
      return { address: addresses[listener] ?? "", close };
    },
  };
}

/** The demo service behind a proxy that asks another node of the program, which does not serve it. */
function proxy(name: string, listener: "http" | "grpc", open: OpenProxy): Door {
  return {
    name,
    of: "proxy",
    ...ofProxies[listener],
    seesTwice: true,
    hasRows: false,
    async open({ data }) {
      const policy = join(scratchFolder(), "policy.yaml");
      writeFileSync(policy, outsidePolicy);
      const [asked, behind] = await Promise.all([
        startServer({ ...outsideServer(policy), data }),
        openChild("behind", data),
      ]);
      const door = await open({ asked, behind: behind.addresses[listener] ?? "" });
      return {
        address: door.address,
        async close() {
          await door.close();
          await Promise.all([behind.close(), asked.stop()]);
        },
      };
    },
  };
}

/** A file of `doors/` in a process of its own. */
async function openChild(file: string, data: string) {
  const child = spawnDoor(file, data);
  const line = await within(20_000, `the door ${file}`, firstLine(child, file));
  return {
    addresses: JSON.parse(line) as Readonly<Record<string, string>>,
    async close() {
      const ended = once(child, "close");
      child.stdin?.end();
      await within(10_000, `the end of the door ${file}`, ended);
    },
  };
}

function spawnDoor(file: string, data: string): ChildProcess {
  const script = fileURLToPath(new URL("doors/serve.ts", import.meta.url));
  // Room for a credential that is too long to be told so.
  const flags = ["--conditions=countersign-source", "--max-http-header-size=32768", "--no-warnings"];
  const child = spawn(process.execPath, [...flags, script, file, data], { stdio: ["pipe", "pipe", "pipe"] });
  killAtExit(child);
  return child;
}

function firstLine(child: ChildProcess, file: string): Promise<string> {
  const { stdout, stderr } = child;
  if (stdout === null || stderr === null) throw new TypeError("the door has no output");
  let complaint = "";
  stderr.setEncoding("utf8").on("data", (chunk: string) => (complaint += chunk));
  return new Promise((resolve, reject) => {
    createInterface(stdout).once("line", resolve);
    child.once("close", (code) => reject(new Error(`the door ${file} ended with ${code}: ${complaint}`)));
  });
}
