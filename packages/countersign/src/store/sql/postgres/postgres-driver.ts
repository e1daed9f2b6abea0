import type { Driver } from "kysely";
import pg from "pg";
import type { Turns } from "../turns.ts";
import { type ConnectionOptions, PostgresConnection } from "./postgres-connection.ts";
import { postgresError } from "./postgres-error.ts";

export interface DriverOptions extends ConnectionOptions {
  readonly config: pg.PoolConfig;
  /** As many as the pool has connections: so the pool itself never queues, and its only waiting is for connecting. */
  readonly turns: Turns;
}

/**
 * The advisory lock that every transaction holds from its beginning to its end: one after another, in the order of asking,
 * whichever process asks. "countersi" in ASCII.
 */
const writeLock = "7165064744911367026";

/** Kysely over a pool of `pg`. */
export class PostgresDriver implements Driver {
  readonly #options: DriverOptions;
  readonly #pool: pg.Pool;
  readonly #known = new WeakMap<pg.PoolClient, PostgresConnection>();
  readonly #endTurns = new WeakMap<PostgresConnection, () => void>();

  constructor(options: DriverOptions) {
    this.#options = options;
    this.#pool = new pg.Pool({ ...options.config, allowExitOnIdle: true });
    // One that is lost while nobody uses it: the pool has dropped it, and that is all.
    this.#pool.on("error", () => {});
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<PostgresConnection> {
    const { breaker, turns } = this.#options;
    breaker.check();
    const endTurn = await turns.take();
    try {
      // Once more: whoever waited behind one that failed is told at once.
      breaker.admit();
      const connection = await this.#connect();
      this.#endTurns.set(connection, endTurn);
      return connection;
    } catch (error) {
      endTurn();
      throw error;
    }
  }

  /** Not REPEATABLE READ: what is read is what the transaction before has committed, and that is after the lock. */
  async beginTransaction(connection: PostgresConnection): Promise<void> {
    const begin = `begin isolation level read committed read write; select pg_advisory_xact_lock(${writeLock})`;
    try {
      await connection.run(begin);
    } catch (error) {
      // Nobody else ends a transaction that began and did not get the lock.
      await connection.rollback();
      throw error;
    }
  }

  async commitTransaction(connection: PostgresConnection): Promise<void> {
    await connection.run("commit");
  }

  async rollbackTransaction(connection: PostgresConnection): Promise<void> {
    await connection.rollback();
  }

  async releaseConnection(connection: PostgresConnection): Promise<void> {
    connection.release();
    this.#endTurns.get(connection)?.();
  }

  async destroy(): Promise<void> {
    await this.#pool.end();
  }

  async #connect(): Promise<PostgresConnection> {
    const { breaker, name } = this.#options;
    let client: pg.PoolClient;
    try {
      client = await this.#pool.connect();
    } catch (error) {
      const failure = postgresError(name, error);
      breaker.failed(failure);
      throw failure;
    }
    const known = this.#known.get(client);
    if (known !== undefined) return known;
    const connection = new PostgresConnection(client, this.#options);
    try {
      await connection.examine();
    } catch (error) {
      connection.release();
      throw error;
    }
    this.#known.set(client, connection);
    return connection;
  }
}
