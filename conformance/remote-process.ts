import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { RemoteOptions } from "countersign/remote";
import { killAtExit } from "../tools/at-exit.ts";
import type { Client } from "./clients/client.ts";
import { grpcJs } from "./clients/grpc-js.ts";
import { within } from "./deadline.ts";

/** What a guarded service in a process of its own is started with. */
export interface RemoteSettings
  extends Pick<
    RemoteOptions,
    "address" | "http" | "key" | "staleAfterSeconds" | "serviceName" | "reportEveryMs"
  > {
  readonly readyWithinMs?: number;
}

/** A guarded service, serving. */
export interface RemoteProcess {
  /** `ready`, or why it is not. */
  readonly ready: string;
  readonly client: Client;
  stderr(): string;
  signal(signal: NodeJS.Signals): void;
  stop(): Promise<void>;
}

const program = fileURLToPath(new URL("remote-service.ts", import.meta.url));

/** Starts one and waits until it serves. */
export async function startRemote(settings: RemoteSettings): Promise<RemoteProcess> {
  const child = spawn(
    process.execPath,
    ["--conditions=countersign-source", program, JSON.stringify(settings)],
    { stdio: ["ignore", "pipe", "pipe"] },
  );
  killAtExit(child);
  const ended = once(child, "close");
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const line = await within(
    45_000,
    "the service's start",
    new Promise<string>((resolve, reject) => {
      createInterface({ input: child.stdout }).once("line", resolve);
      child.once("exit", () => reject(new Error(`the service ended: ${stderr}`)));
    }),
  );
  const { address, ready } = JSON.parse(line) as { address: string; ready: string };
  const client = await grpcJs.connect(address);
  return {
    ready,
    client,
    stderr: () => stderr,
    signal: (signal) => void child.kill(signal),
    async stop() {
      await client.close();
      child.kill("SIGTERM");
      await within(5000, "the service's end", ended);
    },
  };
}
