import { setTimeout as sleep } from "node:timers/promises";
import { type Dialect, type Driver, SqliteAdapter, SqliteIntrospector, SqliteQueryCompiler } from "kysely";
import type { SqliteConnection } from "./sqlite-connection.ts";
import { isBusy } from "./sqlite-error.ts";

/** Kysely over one connection of `node:sqlite`. The driver queues what uses it. */
export function sqliteDialect(connection: SqliteConnection, busyTimeoutMs: number): Dialect {
  return {
    createDriver: () => new SqliteDriver(connection, busyTimeoutMs),
    createQueryCompiler: () => new SqliteQueryCompiler(),
    createAdapter: () => new QueueingAdapter(),
    createIntrospector: (db) => new SqliteIntrospector(db),
  };
}

/**
 * Keeps Kysely from queueing by itself: its mutex wakes everybody who waits each time, and 5,000 writes at once take
 * three times as long as one after another.
 */
class QueueingAdapter extends SqliteAdapter {
  override get supportsMultipleConnections(): boolean {
    return true;
  }
}

/** For so long turns follow each other without letting the event loop run, in milliseconds. */
const longestRun = 2;

/**
 * One turn after another, in the order of asking. Every transaction takes the write lock at its start: one that reads first and writes later is refused at once
 * (SQLITE_BUSY) if another process wrote in between.
 */
class SqliteDriver implements Driver {
  readonly #connection: SqliteConnection;
  readonly #busyTimeoutMs: number;
  /** Settles when the last one who asked is done. */
  #lastTurn: Promise<void> = Promise.resolve();
  #endTurn: () => void = () => {};
  /** When the first turn began that the event loop has not run since. */
  #runBegan: number | undefined;

  constructor(connection: SqliteConnection, busyTimeoutMs: number) {
    this.#connection = connection;
    this.#busyTimeoutMs = busyTimeoutMs;
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<SqliteConnection> {
    const before = this.#lastTurn;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#lastTurn = promise;
    await before;
    this.#endTurn = resolve;
    if (this.#runBegan === undefined) {
      this.#runBegan = performance.now();
      setImmediate(() => (this.#runBegan = undefined));
    }
    return this.#connection;
  }

  async beginTransaction(): Promise<void> {
    await retryWhileBusy(this.#busyTimeoutMs, () => {
      // SQLite's own waiting would stop the whole process, and for ever if the lock is held by this same thread.
      this.#connection.run("pragma busy_timeout = 0");
      try {
        this.#connection.run("begin immediate");
      } finally {
        this.#connection.run(`pragma busy_timeout = ${this.#busyTimeoutMs}`);
      }
    });
  }

  async commitTransaction(): Promise<void> {
    this.#connection.run("commit");
  }

  async rollbackTransaction(): Promise<void> {
    try {
      this.#connection.run("rollback");
    } catch {
      // SQLite has rolled back by itself (a full disk, for one). What went wrong is reported already.
    }
  }

  async releaseConnection(): Promise<void> {
    // Statements are synchronous, and a queue of promises alone would keep the event loop from everything else.
    if (performance.now() - (this.#runBegan ?? 0) > longestRun) setImmediate(this.#endTurn);
    else this.#endTurn();
  }

  async destroy(): Promise<void> {
    this.#connection.close();
  }
}

/** Tries until it is not busy or the time is up, and lets the event loop run meanwhile. */
export async function retryWhileBusy<T>(timeoutMs: number, attempt: () => T): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (let delay = 1; ; delay = Math.min(delay * 2, 20)) {
    try {
      return attempt();
    } catch (error) {
      if (!isBusy((error as Error).cause ?? error) || performance.now() >= deadline) throw error;
    }
    await sleep(delay);
  }
}
