import { type Store, StoreUnavailable } from "./contracts.ts";
import { migrate } from "./sql/migrate.ts";
import { migrations } from "./sql/migrations.ts";
import { openPostgresBackend } from "./sql/postgres/postgres-backend.ts";
import { type PostgresAddress, postgresTarget } from "./sql/postgres/postgres-options.ts";
import { createSqlStore } from "./sql/sql-store.ts";

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
  /** How many connections there may be for reading, beside one for writing and one that listens. Default: 8. */
  readonly readers?: number | undefined;
  /** Milliseconds since the epoch. Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
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
  const backend = openPostgresBackend({ target, readers });
  try {
    await migrate(backend, { name: target.name, now });
  } catch (error) {
    await backend.close();
    if (error instanceof StoreUnavailable) throw error;
    const cause = (error as Error).message;
    throw new StoreUnavailable(
      `${target.name}: its schema cannot be prepared (${cause}); name a database or a schema that is Countersign's own`,
      { cause: error },
    );
  }
  return createSqlStore(backend, now);
}
