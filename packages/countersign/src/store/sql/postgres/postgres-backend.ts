import { setTimeout as sleep } from "node:timers/promises";
import { Kysely, sql, type Transaction } from "kysely";
import type { PoolConfig } from "pg";
import type { StoreObserver } from "../../observation.ts";
import { CircuitBreaker } from "../circuit-breaker.ts";
import { observedReads } from "../observed-reads.ts";
import type { SqlBackend, SqlWords } from "../sql-backend.ts";
import type { SqlSchema } from "../sql-schema.ts";
import { Turns } from "../turns.ts";
import { announces, appendOnly, liftAppendOnly } from "./append-only.ts";
import { postgresDialect } from "./postgres-dialect.ts";
import { PostgresDriver } from "./postgres-driver.ts";
import { isCollision } from "./postgres-error.ts";
import { Notifications } from "./postgres-notifications.ts";
import type { PostgresTarget } from "./postgres-options.ts";
import { postgresTables } from "./postgres-tables.ts";

export interface PostgresBackendOptions {
  readonly target: PostgresTarget;
  /** How many connections there may be for reading. */
  readonly readers: number;
  /** Hears of what is read. */
  readonly observe?: StoreObserver | undefined;
}

const words: SqlWords = {
  key: "bigint",
  bytes: "bytea",
  rising: (column) => column.generatedByDefaultAsIdentity(),
  position: "strpos",
  elements: (json) => sql`jsonb_array_elements(cast(${json} as jsonb))`,
  clock: "(extract(epoch from clock_timestamp()) * 1000)::bigint",
  tables:
    "select tablename as name from pg_catalog.pg_tables where schemaname = any (current_schemas(false))",
  ...postgresTables,
  appendOnly,
  liftAppendOnly,
  announces,
  partitions: true,
};

/** Together with connecting, below the two seconds within which an answer is due. */
const connectMs = 900;
const readMs = 1000;
const writeMs = 1800;
/** The server gives up a little earlier: then it is known to be there, and the connection stays good. */
const earlierMs = 100;
const lockMs = 1500;
/** A process that stops in the middle of a transaction keeps the write lock from everybody. */
const standstillMs = 5000;
const attempts = 3;

/**
 * One connection that writes, because the write lock lets in one transaction at a time anyway, and some that read and
 * never wait for it.
 */
export function openPostgresBackend({ target, readers, observe }: PostgresBackendOptions): SqlBackend {
  const { name, config } = target;
  const breaker = new CircuitBreaker({ name });
  const open = (role: { size: number; timeoutMs: number; more: PoolConfig }, log = {}) => {
    const turns = new Turns(role.size);
    const pool = { ...config, max: role.size, connectionTimeoutMillis: connectMs, ...role.more };
    const driver = new PostgresDriver({ name, breaker, turns, timeoutMs: role.timeoutMs, config: pool });
    return { turns, db: new Kysely<SqlSchema>({ dialect: postgresDialect(driver), ...log }) };
  };
  const reader = open(
    { size: readers, timeoutMs: readMs, more: { statement_timeout: readMs - earlierMs } },
    observedReads(observe),
  );
  const writer = open({
    size: 1,
    timeoutMs: writeMs,
    more: {
      statement_timeout: writeMs - earlierMs,
      lock_timeout: lockMs,
      idle_in_transaction_session_timeout: standstillMs,
    },
  });
  const notifications = new Notifications({ ...config, connectionTimeoutMillis: connectMs });
  const underWay = new Set<Promise<unknown>>();
  return {
    reader: reader.db,
    words,
    prepareFirst: undefined,
    isAway: () => breaker.isOpen,
    write: (work) => tracked(underWay, inTransaction(writer.db, work)),
    // Its own processes wait for the disk, and no thread of ours.
    writeLater: (work) => tracked(underWay, inTransaction(writer.db, work)),
    async upgrade(work) {
      const patient = open({ size: 1, timeoutMs: Number.POSITIVE_INFINITY, more: {} });
      try {
        return await inTransaction(patient.db, work);
      } finally {
        await patient.db.destroy();
      }
    },
    onAppend: (listener) => notifications.subscribe(listener),
    async close() {
      notifications.close();
      await Promise.allSettled(underWay);
      await Promise.all([reader.turns.idle(), writer.turns.idle()]);
      await Promise.all([reader.db.destroy(), writer.db.destroy()]);
    },
  };
}

/** Nothing of ours collides, but what somebody does by hand may. */
async function inTransaction<T>(
  db: Kysely<SqlSchema>,
  work: (trx: Transaction<SqlSchema>) => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await db.transaction().execute(work);
    } catch (error) {
      if (attempt === attempts || !isCollision((error as Error).cause)) throw error;
    }
    await sleep(attempt * 10 * Math.random());
  }
}

function tracked<T>(underWay: Set<Promise<unknown>>, work: Promise<T>): Promise<T> {
  underWay.add(work);
  const done = (): void => void underWay.delete(work);
  work.then(done, done);
  return work;
}
