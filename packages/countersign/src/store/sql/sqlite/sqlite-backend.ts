import { Kysely, sql } from "kysely";
import type { StoreObserver } from "../../observation.ts";
import { observedReads } from "../observed-reads.ts";
import type { SqlBackend, SqlWords } from "../sql-backend.ts";
import type { SqlSchema } from "../sql-schema.ts";
import { appendOnly, liftAppendOnly } from "./append-only.ts";
import { type DatabaseSync, openSqlite } from "./node-sqlite.ts";
import { SqliteConnection } from "./sqlite-connection.ts";
import { retryWhileBusy, sqliteDialect } from "./sqlite-driver.ts";
import { sqliteError, storeUnavailable } from "./sqlite-error.ts";
import { prepareSqliteFile } from "./sqlite-file.ts";
import { sqliteTables } from "./sqlite-tables.ts";

export interface SqliteBackendOptions {
  /** An absolute path, or `:memory:`. */
  readonly path: string;
  readonly busyTimeoutMs: number;
  /** Hears of what is read. */
  readonly observe?: StoreObserver | undefined;
}

const words: SqlWords = {
  key: "integer",
  bytes: "blob",
  // Without AUTOINCREMENT the id of a deleted last user would be given again.
  rising: (column) => column.autoIncrement(),
  position: "instr",
  elements: (json) => sql`json_each(${json})`,
  clock: undefined,
  tables: "select name from sqlite_schema where type = 'table'",
  ...sqliteTables,
  // A file tells nobody.
  announces: () => [],
  appendOnly,
  liftAppendOnly,
  partitions: false,
};

/**
 * Two connections to one file. The writer has transactions. The reader has none, so that it sees what is committed and
 * nothing else, also in the middle of a write, and in WAL mode it never waits: it may be used at any moment without
 * queueing. A database in memory has one connection, and everything queues for it.
 */
export async function openSqliteBackend(options: SqliteBackendOptions): Promise<SqlBackend> {
  const { path, busyTimeoutMs } = options;
  if (path === ":memory:") {
    const only = await openConnection(options, "writer");
    const db = new Kysely<SqlSchema>({ dialect: sqliteDialect(only, busyTimeoutMs) });
    return { ...common(db), reader: db, prepareFirst: undefined, close: () => closeAfterUse(db) };
  }
  prepareSqliteFile(path);
  const writing = await openConnection(options, "writer");
  const reading = await openConnection(options, "reader").catch((error: unknown) => {
    writing.close();
    throw error;
  });
  const writer = new Kysely<SqlSchema>({ dialect: sqliteDialect(writing, busyTimeoutMs) });
  const reader = new Kysely<SqlSchema>({
    dialect: sqliteDialect(reading, busyTimeoutMs),
    ...observedReads(options.observe),
  });
  return {
    ...common(writer),
    reader,
    prepareFirst: (sql) => reading.prepareFirst(sql),
    close: async () => {
      // The writer goes last: the last one to go merges the write-ahead log into the file.
      await closeAfterUse(reader);
      await closeAfterUse(writer);
    },
  };
}

function common(
  db: Kysely<SqlSchema>,
): Pick<SqlBackend, "words" | "write" | "writeLater" | "upgrade" | "onAppend"> {
  const write: SqlBackend["write"] = (work) => db.transaction().execute(work);
  const writeLater: SqlBackend["write"] = (work) =>
    db.connection().execute(async (connection) => {
      await sql`pragma synchronous = normal`.execute(connection);
      try {
        return await connection.transaction().execute(work);
      } finally {
        await sql`pragma synchronous = full`.execute(connection);
      }
    });
  return { words, write, writeLater, upgrade: write, onAppend: undefined };
}

async function closeAfterUse(db: Kysely<SqlSchema>): Promise<void> {
  await db.connection().execute(async () => {});
  await db.destroy();
}

async function openConnection(
  { path, busyTimeoutMs }: SqliteBackendOptions,
  role: "writer" | "reader",
): Promise<SqliteConnection> {
  let database: DatabaseSync | undefined;
  try {
    const opened = openSqlite(path, { readOnly: role === "reader", busyTimeoutMs });
    database = opened;
    requireOurs(path, opened);
    if (role === "writer") {
      opened.exec("pragma foreign_keys = on; pragma synchronous = full");
      // Entering WAL needs the file to itself for a moment, and SQLite does not wait for that by itself.
      const mode = await retryWhileBusy(busyTimeoutMs, () =>
        opened.prepare("pragma journal_mode = wal").get(),
      );
      requireJournal(path, String(mode?.["journal_mode"]));
      // Whoever writes moves the log into the file at some time, and calls wait for that: at 250 pages a third as long as at SQLite's 1,000.
      opened.exec("pragma wal_autocheckpoint = 250");
    }
    return new SqliteConnection(opened, path);
  } catch (error) {
    database?.close();
    throw sqliteError(path, error);
  }
}

/** Reads before the pragmas write: a file that is broken or not ours stays as it is. */
function requireOurs(path: string, database: DatabaseSync): void {
  const tables = database.prepare("select name from sqlite_schema where type = 'table'").all();
  if (tables.length === 0 || tables.some(({ name }) => name === "countersign_schema")) return;
  throw storeUnavailable(path, { cause: "it belongs to another program", remedy: "name another file" });
}

function requireJournal(path: string, mode: string): void {
  if (mode === "wal" || path === ":memory:") return;
  const cause = `its file system allows no write-ahead log (journal mode ${mode})`;
  throw storeUnavailable(path, { cause, remedy: "keep it on a local disk" });
}
