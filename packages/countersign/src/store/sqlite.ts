import { resolve } from "node:path";
import type { AuditOptions } from "./audit-contracts.ts";
import type { Snapshot } from "./backup/backup-part.ts";
import { type Store, StoreUnavailable } from "./contracts.ts";
import type { StoreObserver } from "./observation.ts";
import type { RequestLog } from "./request-contracts.ts";
import { type Restored, type RestoreOptions, type RestoreSource, restoreInto } from "./sql/backup/restore.ts";
import { migrate } from "./sql/migrate.ts";
import { migrations } from "./sql/migrations.ts";
import { beginSealing } from "./sql/sql-audit.ts";
import { createSqlStore } from "./sql/sql-store.ts";
import { ThreadedRequestLog } from "./sql/sqlite/request-log/threaded-request-log.ts";
import { openSqliteBackend } from "./sql/sqlite/sqlite-backend.ts";
import { readSqliteSnapshot } from "./sql/sqlite/sqlite-snapshot.ts";

export {
  DatabaseInUse,
  type Restored,
  type RestoreOptions,
  type RestoreSource,
} from "./sql/backup/restore.ts";

/** The version of the schema that this program knows, and brings older databases up to. */
export const sqliteSchemaVersion: number = migrations.at(-1)?.version ?? 0;

export interface SqliteStoreOptions {
  /** The database file, created if it is not there (mode 0600, in a folder of mode 0700); or `:memory:`. */
  readonly path: string;
  /** Milliseconds since the epoch. Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
  /** How long a write waits for another process's. Default: 5000. */
  readonly busyTimeoutMs?: number | undefined;
  /** Who is acting, and what the audit log is sealed with. Default: nobody knows, and it is not. */
  readonly audit?: AuditOptions | undefined;
  /** Hears of every reading and of every transaction. Default: nobody. */
  readonly observe?: StoreObserver | undefined;
}

/**
 * Opens a SQLite database (the built-in `node:sqlite`) and brings its schema up to date. Several processes may use one
 * file on a local disk. What was acknowledged is on the disk: a write-ahead log, synchronised at every commit. Throws
 * `StoreUnavailable` if the file cannot be used, and leaves it as it was.
 */
export async function openSqliteStore(options: SqliteStoreOptions): Promise<Store> {
  const { now = Date.now, busyTimeoutMs = 5000 } = options;
  if (options.path === "") throw new TypeError("path must not be empty");
  // Absolute, so that no path is read as a URI.
  const path = options.path === ":memory:" ? options.path : resolve(options.path);
  const backend = await openSqliteBackend({ path, busyTimeoutMs, observe: options.observe });
  try {
    await migrate(backend, { name: `database ${path}`, now });
    await beginSealing(backend, options.audit, now);
  } catch (error) {
    await backend.close();
    if (error instanceof StoreUnavailable) throw error;
    const cause = (error as Error).message;
    throw new StoreUnavailable(
      `database ${path}: its schema cannot be prepared (${cause}); name another file`,
      {
        cause: error,
      },
    );
  }
  return createSqlStore(backend, options.now, options);
}

/** All that a database holds, while others use it. The file must be there. Throws `StoreUnavailable`. */
export function snapshotSqlite({ path }: Pick<SqliteStoreOptions, "path">): Snapshot {
  return readSqliteSnapshot(resolve(path));
}

/**
 * Makes a database hold what was backed up, of whatever kind the backed up one was, in one transaction. Throws `DatabaseInUse` for
 * one that holds something already, `BackupError` for a backup that is damaged, and `StoreUnavailable`.
 */
export async function restoreSqlite(
  source: RestoreSource,
  { path: given, now = Date.now, busyTimeoutMs = 5000, ...options }: SqliteStoreOptions & RestoreOptions,
): Promise<Restored> {
  const path = resolve(given);
  const backend = await openSqliteBackend({ path, busyTimeoutMs });
  try {
    return await restoreInto(backend, source, { name: `database ${path}`, now, ...options });
  } finally {
    await backend.close();
  }
}

export interface SqliteRequestLogOptions {
  /** A file of its own, created if it is not there (mode 0600). */
  readonly path: string;
  /** Milliseconds since the epoch, in the first 64 bits; for tests. Default: the clock of the machine. */
  readonly now?: SharedArrayBuffer | undefined;
}

/**
 * Opens a request log in a file of its own and in a thread of its own, so that neither its writes nor its searches keep
 * anybody waiting. Rejects with `StoreUnavailable` if the file cannot be used.
 */
export async function openSqliteRequestLog({ path, now }: SqliteRequestLogOptions): Promise<RequestLog> {
  if (path === "") throw new TypeError("path must not be empty");
  const log = new ThreadedRequestLog({ path: resolve(path), now });
  try {
    await log.head();
    return log;
  } catch (error) {
    await log.close();
    throw error;
  }
}
