import type { DatabaseSync } from "node:sqlite";

export type { DatabaseSync };

const busyTimeoutMs = 5000;

/** Opens a database to look at it. The module is loaded where it is needed: it warns on older Nodes. */
export function readSqlite(path: string): DatabaseSync {
  const database = new (process.getBuiltinModule("node:sqlite").DatabaseSync)(path, { readOnly: true });
  database.exec(`pragma busy_timeout = ${busyTimeoutMs}`);
  return database;
}
