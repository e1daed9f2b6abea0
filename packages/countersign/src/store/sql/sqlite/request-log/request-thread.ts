// The thread that a request log in SQLite works in: its writes and searches keep nobody else waiting.
import { setPriority } from "node:os";
import { parentPort, workerData } from "node:worker_threads";
import { StoreUnavailable } from "../../../contracts.ts";
import type { PackedMessage } from "../../../request-log/packed-requests.ts";
import { SqliteRequestLog } from "./sqlite-request-log.ts";
import type { Asked, ThreadData } from "./thread-messages.ts";

const { path, now } = workerData as ThreadData;
const clock = (): number =>
  now === undefined ? Date.now() : Number(Atomics.load(new BigInt64Array(now), 0));
let log: SqliteRequestLog | undefined;

/** A quarter of a core that somebody else wants all of: enough for 10,000 rows a second. */
const niceness = 5;

giveWay();
parentPort?.on("message", (asked: Asked) => void answer(asked));

/** Who serves calls goes before who writes them down. On Linux a priority is that of the calling thread; elsewhere of the whole process. */
function giveWay(): void {
  if (process.platform === "linux") setPriority(0, niceness);
}

async function answer({ id, method, args }: Asked): Promise<void> {
  try {
    // Opened at the first call, and again where that failed.
    if (method !== "close") log ??= new SqliteRequestLog(path, clock);
    const result = await perform(method, args);
    parentPort?.postMessage({ id, result });
    if (method === "close") parentPort?.close();
  } catch (error) {
    const { message } = error as Error;
    parentPort?.postMessage({ id, failure: { message, unavailable: error instanceof StoreUnavailable } });
  }
}

async function perform(method: Asked["method"], args: readonly unknown[]): Promise<unknown> {
  if (log === undefined) return undefined;
  if (method === "append")
    return log.appendPacked(args[0] as PackedMessage, args[1] as number, args[2] as never);
  return (log[method] as (...given: unknown[]) => Promise<unknown>).apply(log, [...args]);
}
