import type { AuditOptions } from "./audit-contracts.ts";
import type { Snapshot } from "./backup/backup-part.ts";
import { type Store, StoreUnavailable } from "./contracts.ts";
import { countKeyFindings, defaultHygiene, type HygieneRules, type KeyFindingKind } from "./key-hygiene.ts";
import type { StoreObserver } from "./observation.ts";
import type { RequestLog } from "./request-contracts.ts";
import type { PepperUse, SecretMark } from "./secret-contracts.ts";
import { type Restored, type RestoreOptions, type RestoreSource, restoreInto } from "./sql/backup/restore.ts";
import { migrate, readVersion } from "./sql/migrate.ts";
import { migrations } from "./sql/migrations.ts";
import { inspectServer } from "./sql/postgres/inspect-server.ts";
import { openPostgresBackend } from "./sql/postgres/postgres-backend.ts";
import { type PostgresAddress, postgresTarget } from "./sql/postgres/postgres-options.ts";
import { readPostgresTarget } from "./sql/postgres/postgres-snapshot.ts";
import { PostgresRequestLog } from "./sql/postgres/request-log/postgres-request-log.ts";
import { beginSealing } from "./sql/sql-audit.ts";
import { createSqlStore } from "./sql/sql-store.ts";

export {
  DatabaseInUse,
  type Restored,
  type RestoreOptions,
  type RestoreSource,
} from "./sql/backup/restore.ts";
export type { PostgresAddress } from "./sql/postgres/postgres-options.ts";

/** The version of the schema that this program knows, and brings older databases up to. */
export const postgresSchemaVersion: number = migrations.length;

export interface PostgresStoreOptions {
  /**
   * `postgres://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=verify-full`, or its parts. With `sslmode=require`,
   * `verify-ca` and `verify-full` the certificate is verified, by the authority in `sslrootcert=FILE` where that is
   * named; with `no-verify` it is not; without `sslmode`, or with `disable`, the connection is in plain text.
   */
  readonly database: string | PostgresAddress;
  /** Whether to make the schema where there is none. Default: true; false throws `StoreUnavailable` instead. */
  readonly create?: boolean | undefined;
  /** How many connections there may be for reading, beside one for writing and one that listens. Default: 8. */
  readonly readers?: number | undefined;
  /** Milliseconds since the epoch. Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
  /** Who is acting, and what the audit log is sealed with. Default: nobody knows, and it is not. */
  readonly audit?: AuditOptions | undefined;
  /** Hears of every reading and of every transaction. Default: nobody. */
  readonly observe?: StoreObserver | undefined;
}

/**
 * Opens a PostgreSQL database (version 13 or newer, encoding UTF8) and brings its schema up to date. Any number of processes
 * may use one. What was acknowledged is on the server's disk. While the server is away, calls reject with
 * `StoreUnavailable` within two seconds, and soon at once; they work again when it is back. Throws `StoreUnavailable` if the database
 * cannot be used, and `TypeError` for a URL that is none.
 */
export async function openPostgresStore(options: PostgresStoreOptions): Promise<Store> {
  const { now = Date.now, readers = 8 } = options;
  if (!Number.isSafeInteger(readers) || readers < 1)
    throw new RangeError("readers must be a positive integer");
  const target = postgresTarget(options.database);
  const backend = openPostgresBackend({ target, readers, observe: options.observe });
  try {
    await migrate(backend, { name: target.name, now, create: options.create });
    await beginSealing(backend, options.audit, now);
  } catch (error) {
    await backend.close();
    if (error instanceof StoreUnavailable) throw error;
    const cause = (error as Error).message;
    throw new StoreUnavailable(
      `${target.name}: its schema cannot be prepared (${cause}); name a database or a schema that is Countersign's own`,
      { cause: error },
    );
  }
  return createSqlStore(backend, options.now, options);
}

/** What can be found out about a database without changing it. */
export interface PostgresFindings {
  /** As it says it: `15.8 (Debian 15.8-0+deb12u1)`. */
  readonly serverVersion: string;
  /** 0 for a database that has never been used. */
  readonly schemaVersion: number;
  /** Of one question and its answer, at best. */
  readonly latencyMs: number;
  /** How far its clock is ahead of this one's, give or take the latency. */
  readonly clockAheadMs: number;
  /** Whether what it acknowledges is on its disk. */
  readonly durable: boolean;
  /** Its first active superuser, if the schema is this program's. */
  readonly superuser: string | undefined;
  /** What its content is kept under, if the schema is this program's. */
  readonly secrets:
    | { readonly marks: readonly SecretMark[]; readonly pepperUse: readonly PepperUse[] }
    | undefined;
  /** How many API keys there is something to say about, by what it is; undefined if the schema is not this program's. */
  readonly keyFindings: Readonly<Partial<Record<KeyFindingKind, number>>> | undefined;
}

/** Looks at a database. Throws `StoreUnavailable` and `TypeError` as `openPostgresStore` does. */
export async function inspectPostgres(
  database: string | PostgresAddress,
  rules: HygieneRules = defaultHygiene,
): Promise<PostgresFindings> {
  const backend = openPostgresBackend({ target: postgresTarget(database), readers: 1 });
  try {
    const schemaVersion = await readVersion(backend.reader, backend.words);
    const current = schemaVersion === postgresSchemaVersion;
    const store = current ? createSqlStore(backend, Date.now) : undefined;
    const superuser = (await store?.users.firstSuperuser())?.username;
    const secrets = store && {
      marks: await store.secrets.marks(),
      pepperUse: await store.secrets.pepperUse(new Date()),
    };
    const keyFindings = store && (await countKeyFindings(store.apiKeys, { rules, now: new Date() }));
    return { schemaVersion, superuser, secrets, keyFindings, ...(await inspectServer(backend.reader)) };
  } finally {
    await backend.close();
  }
}

/** All that a database holds at one moment, while others use it. Throws `StoreUnavailable`, and `TypeError` for a URL that is none. */
export async function snapshotPostgres({
  database,
}: Pick<PostgresStoreOptions, "database">): Promise<Snapshot> {
  return readPostgresTarget(postgresTarget(database));
}

/** See `restoreSqlite`. */
export async function restorePostgres(
  source: RestoreSource,
  { database, now = Date.now, ...options }: Pick<PostgresStoreOptions, "database" | "now"> & RestoreOptions,
): Promise<Restored> {
  const target = postgresTarget(database);
  const backend = openPostgresBackend({ target, readers: 1 });
  try {
    return await restoreInto(backend, source, { name: target.name, now, ...options });
  } finally {
    await backend.close();
  }
}

/**
 * The request log of a database whose schema is up to date (`openPostgresStore` sees to that), over three connections of
 * its own. Throws `TypeError` for a URL that is none; connects when it is first asked something.
 */
export function openPostgresRequestLog({
  database,
  now = Date.now,
}: Pick<PostgresStoreOptions, "database" | "now">): RequestLog {
  return new PostgresRequestLog(postgresTarget(database), now);
}
