import type { CompiledQuery, DatabaseConnection, QueryResult } from "kysely";
import type { QueryResult as PgResult, PoolClient, QueryConfig } from "pg";
import type { CircuitBreaker } from "../circuit-breaker.ts";
import { inTime } from "./in-time.ts";
import { isOutage, postgresError, WrongServer } from "./postgres-error.ts";

export interface ConnectionOptions {
  /** Names the database in errors. */
  readonly name: string;
  readonly breaker: CircuitBreaker;
  /** How long one statement may take until the server is taken to be away. */
  readonly timeoutMs: number;
}

/** The oldest server that is known to do. */
const oldestVersion = 130_000;

/** One connection to a server. What goes wrong with it beyond a refusal makes it unusable. */
export class PostgresConnection implements DatabaseConnection {
  readonly #client: PoolClient;
  readonly #options: ConnectionOptions;
  #broken = false;

  constructor(client: PoolClient, options: ConnectionOptions) {
    this.#client = client;
    this.#options = options;
    // Without a listener, a connection that is reset between two statements would end the process.
    client.on("error", () => {
      this.#broken = true;
    });
  }

  async executeQuery<Row>(query: CompiledQuery): Promise<QueryResult<Row>> {
    const { command, rowCount, rows } = await this.#ask({
      text: query.sql,
      values: query.parameters as unknown[],
    });
    const changes = command === "INSERT" || command === "UPDATE" || command === "DELETE";
    return changes
      ? { rows: rows as Row[], numAffectedRows: BigInt(rowCount ?? 0) }
      : { rows: rows as Row[] };
  }

  streamQuery(): never {
    throw new Error("queries are not streamed");
  }

  /** Runs statements without parameters or result, in one round trip. */
  async run(statements: string): Promise<void> {
    await this.#ask({ text: statements });
  }

  /** After the connection was made: is this a server to work with? What is acknowledged must be on its disk. */
  async examine(): Promise<void> {
    const { rows } = await this.#ask({
      text: `select pg_is_in_recovery() as standby, current_setting('server_version_num')::int as version,
        current_setting('server_encoding') as encoding,
        case current_setting('synchronous_commit') when 'off' then set_config('synchronous_commit', 'on', false) end`,
    });
    const [{ standby = true, version = 0, encoding = "" } = {}] = rows;
    if (standby === true) throw this.#wrong("it is a standby, which only follows another server");
    if (Number(version) < oldestVersion) throw this.#wrong("it is older than PostgreSQL 13");
    if (encoding !== "UTF8") throw this.#wrong(`its encoding is ${String(encoding)} and must be UTF8`);
  }

  /** Undoes a transaction. Never fails: a connection that cannot do that goes, and the transaction with it. */
  async rollback(): Promise<void> {
    if (this.#broken) return;
    await this.run("rollback").catch(() => {
      this.#broken = true;
    });
  }

  release(): void {
    // A transaction that nobody has ended must not reach the next one.
    const idle = this.#client.getTransactionStatus() === "I";
    this.#client.release(this.#broken || !idle);
  }

  async #ask(query: QueryConfig): Promise<PgResult<Record<string, unknown>>> {
    const { breaker, name, timeoutMs } = this.#options;
    try {
      const result = await inTime(this.#client.query<Record<string, unknown>>(query), timeoutMs);
      breaker.answered();
      return result;
    } catch (error) {
      const failure = postgresError(name, error);
      if (isOutage(error)) {
        this.#broken = true;
        breaker.failed(failure);
      } else {
        breaker.answered();
      }
      throw failure;
    }
  }

  #wrong(why: string): unknown {
    this.#broken = true;
    const failure = postgresError(this.#options.name, new WrongServer(why));
    this.#options.breaker.failed(failure);
    return failure;
  }
}
