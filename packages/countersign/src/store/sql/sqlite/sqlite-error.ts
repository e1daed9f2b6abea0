import { StoreUnavailable } from "../../contracts.ts";

interface Fault {
  readonly cause: string;
  readonly remedy: string;
}

/** Primary result codes (https://sqlite.org/rescode.html) that are no fault of the statement. */
const faults: ReadonlyMap<number, Fault> = new Map([
  [3, { cause: "permission denied", remedy: "give this user access to the file and its folder" }],
  [5, { cause: "another process holds its write lock", remedy: "end that process, or try again" }],
  [6, { cause: "another connection holds its lock", remedy: "end that one, or try again" }],
  [7, { cause: "out of memory", remedy: "give the process more memory" }],
  [8, { cause: "it cannot be written", remedy: "make the file and its folder writable for this user" }],
  [10, { cause: "reading or writing the disk failed", remedy: "check the disk" }],
  [11, { cause: "the file is damaged", remedy: "restore it from a backup" }],
  [13, { cause: "the disk is full", remedy: "make space" }],
  [14, { cause: "the file cannot be opened", remedy: "make the file and its folder writable for this user" }],
  [15, { cause: "its locks are in disorder", remedy: "keep it on a local disk, not on a network share" }],
  [
    26,
    { cause: "the file is not a SQLite database", remedy: "name another file, or restore it from a backup" },
  ],
]);

const busy = 5;

/** The primary result code of an error of `node:sqlite`; undefined for any other error. */
function primaryCode(error: unknown): number | undefined {
  const { errcode } = Object(error) as { errcode?: unknown };
  return typeof errcode === "number" ? errcode & 0xff : undefined;
}

/** Whether another connection was in the way. */
export function isBusy(error: unknown): boolean {
  return primaryCode(error) === busy;
}

/** What to throw for an error of `node:sqlite`: `StoreUnavailable` in one line, or the error itself if it is ours. */
export function sqliteError(path: string, error: unknown): unknown {
  const fault = faults.get(primaryCode(error) ?? 0);
  return fault === undefined ? error : storeUnavailable(path, fault, error);
}

/** One line that names the database, the cause and the remedy. */
export function storeUnavailable(path: string, fault: Fault, error?: unknown): StoreUnavailable {
  return new StoreUnavailable(`database ${path}: ${fault.cause}; ${fault.remedy}`, { cause: error });
}
