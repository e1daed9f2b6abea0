import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { EndedCall, Principal } from "countersign";
import { createRequestRecorder, type RequestLog, type RequestRecorder } from "countersign/store";
import type { Logger } from "pino";
import type { Config } from "../config/config.ts";
import { regularly } from "../regularly.ts";
import { filePace } from "./file-pace.ts";
import { peerAddress } from "./peer-address.ts";
import { recordOf } from "./request-record.ts";

/** The request log of a node: what writes it, and what reads it. */
export interface Requests {
  /** Undefined where none is kept. */
  readonly log: RequestLog | undefined;
  /** Takes down a call that is over. */
  readonly onCallEnd: (ended: EndedCall<Principal>) => void;
  /** How many rows wait to be written; and since the start, how many were written and dropped, and how many batches failed. */
  readonly readings: () => Pick<RequestRecorder, "waiting" | "dropped" | "written" | "failures">;
  /** Writes what is left. */
  close(): Promise<void>;
}

/** Where the request log of a configuration is, on SQLite. */
export function requestsPath({ data }: Pick<Config, "data">): string {
  return join(data, "requests.db");
}

/** The request log of a configuration, whether or not it is written. A driver is loaded when it is needed. */
export async function openRequestLog(config: Config): Promise<RequestLog> {
  const { databaseUrl } = config.secrets;
  if (databaseUrl === undefined) {
    const { openSqliteRequestLog } = await import("countersign/store/sqlite");
    return openSqliteRequestLog({ path: requestsPath(config) });
  }
  const { openPostgresRequestLog } = await import("countersign/store/postgres");
  return openPostgresRequestLog({ database: databaseUrl });
}

const pruneEveryMs = 5 * 60_000;

const nothingKept: Requests = Object.freeze({
  log: undefined,
  onCallEnd: () => {},
  readings: () => ({ waiting: 0, dropped: 0, written: 0, failures: 0 }),
  close: async () => {},
});

/** Opens it, and writes it from now on. */
export async function openRequests(config: Config, logger: Logger): Promise<Requests> {
  const {
    enabled,
    queue,
    exclude,
    trusted_proxies: proxies,
    retention,
    max_size: maxBytes,
  } = config.request_log;
  if (!enabled) return nothingKept;
  const log = await openRequestLog(config);
  const recorder = createRequestRecorder({
    log,
    maxWaiting: queue,
    ...(config.secrets.databaseUrl === undefined && filePace),
    onError: (err) =>
      logger.warn({ err }, "the request log cannot be written; its rows are kept and tried again"),
    onDrop: (dropped) =>
      logger.warn({ dropped }, "calls are missing in the request log: there were too many"),
  });
  const pruning = regularly(
    pruneEveryMs,
    () => log.prune(Date.now(), { maxAgeMs: retention * 1000, maxBytes }),
    (err) => logger.warn({ err }, "old rows of the request log cannot be removed"),
  );
  const excluded: ReadonlySet<string> = new Set(exclude);
  const peerOf = peerAddress(proxies);
  return {
    log,
    onCallEnd(ended) {
      if (!excluded.has(ended.call.procedure)) recorder.record(recordOf(ended, peerOf));
    },
    readings: () => recorder,
    async close() {
      // The last calls end in the turn in which their connections do.
      await nextTurn();
      await writeTheRest(recorder, logger);
      await pruning.stop();
      await log.close();
    },
  };
}

/** A log that is away is no reason not to stop. */
async function writeTheRest(recorder: RequestRecorder, logger: Logger): Promise<void> {
  try {
    await recorder.close();
  } catch (err) {
    logger.error({ err, lost: recorder.waiting }, "the last rows of the request log cannot be written");
  }
}
