import { closeSync, existsSync, mkdirSync, openSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { storeUnavailable } from "./sqlite-error.ts";

/**
 * Sees to it that the file exists, for its owner alone, and so does its folder. What exists keeps its mode. SQLite
 * gives the files beside it (`-wal`, `-shm`) the same mode. Throws `StoreUnavailable`.
 */
export function prepareSqliteFile(path: string): void {
  try {
    createFolder(dirname(path));
    closeSync(openSync(path, "wx", 0o600));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== "EEXIST") throw storeUnavailable(path, unwritable(message), error);
    refuseFolder(path, error);
  }
}

/** Not `recursive: true`: in some places that nobody can write to (/proc), Node then tries for ever. */
function createFolder(path: string): void {
  if (existsSync(path)) return;
  createFolder(dirname(path));
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    // Another process was faster.
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}

function refuseFolder(path: string, error: unknown): void {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found?.isFile()) return;
  const cause = found?.isDirectory() ? "it is a folder" : "it is not a file, or its folder is none";
  throw storeUnavailable(path, { cause, remedy: "name a file" }, error);
}

function unwritable(message: string) {
  return {
    cause: `it cannot be created (${message.split(",")[0]})`,
    remedy: "name a file in a folder that this user can write to",
  };
}
