import type { DatabaseSync, StatementSync } from "node:sqlite";

export type { DatabaseSync, StatementSync };

/**
 * The built-in module. It is loaded here and not imported, because Node 22 announces it with an ExperimentalWarning at
 * that moment: this one is dropped, every other one goes through.
 */
export function loadNodeSqlite(): typeof import("node:sqlite") {
  const { emitWarning } = process;
  process.emitWarning = (warning: string | Error, ...rest: unknown[]) => {
    if (String(warning).startsWith("SQLite is an experimental feature")) return;
    Reflect.apply(emitWarning, process, [warning, ...rest]);
  };
  try {
    return process.getBuiltinModule("node:sqlite");
  } finally {
    process.emitWarning = emitWarning;
  }
}

export interface SqliteOpening {
  /** Default: false. */
  readonly readOnly?: boolean;
  /** How long a statement waits for the locks of other processes. */
  readonly busyTimeoutMs: number;
}

/** Opens a file. Until Node 22.16 the constructor took no notice of a timeout. */
export function openSqlite(path: string, { readOnly = false, busyTimeoutMs }: SqliteOpening): DatabaseSync {
  const database = new (loadNodeSqlite().DatabaseSync)(path, { readOnly });
  database.exec(`pragma busy_timeout = ${busyTimeoutMs}`);
  return database;
}
