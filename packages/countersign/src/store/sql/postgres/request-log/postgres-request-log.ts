import { Kysely, type RawBuilder, sql } from "kysely";
import type { PoolConfig } from "pg";
import type {
  RequestBatch,
  RequestLog,
  RequestPage,
  RequestPoint,
  RequestQuery,
  RequestRecord,
  RequestRetention,
  RequestStatistics,
  SeriesQuery,
  StatisticsQuery,
  StoredRequest,
} from "../../../request-contracts.ts";
import { keepBatchesMs } from "../../../request-log/kept-batches.ts";
import { normalRecord } from "../../../request-log/normal-record.ts";
import { rollUp, steps, storedDimensions } from "../../../request-log/rollup.ts";
import { seriesOf, statisticsOf } from "../../../request-log/statistics.ts";
import { CircuitBreaker } from "../../circuit-breaker.ts";
import { cellsOf, requestColumns } from "../../request-log/request-row.ts";
import { Turns } from "../../turns.ts";
import { postgresDialect } from "../postgres-dialect.ts";
import { PostgresDriver } from "../postgres-driver.ts";
import type { PostgresTarget } from "../postgres-options.ts";
import { PostgresCounts } from "./postgres-counts.ts";
import { headOfRequests, requestsSince, searchRequests } from "./request-search.ts";

const dayMs = 86_400_000;
const connectMs = 900;
const readMs = 5000;
const writeMs = 5000;
/** The server gives up a little earlier: then it is known to be there. */
const earlierMs = 200;
const pruneSize = 1000;

const types: Readonly<Record<string, string>> = {
  at: "bigint",
  duration_us: "bigint",
  code: "integer",
  received: "integer",
  sent: "integer",
};
const rowTypes = requestColumns.map((name) => `${name} ${types[name] ?? "text"}`).join(", ");
const rollupColumns = ["step", "dimension", "start", "value", "bin", "calls", "errors"] as const;

/**
 * The request log on PostgreSQL. Every write is one statement, so that it needs neither a transaction nor the lock that
 * all other writers wait for: a batch that was written before finds that out in it, too.
 */
export class PostgresRequestLog implements RequestLog {
  readonly #now: () => number;
  readonly #reader: Connections;
  readonly #writer: Connections;
  /** Days that have a partition. */
  readonly #days = new Set<number>();

  constructor({ name, config }: PostgresTarget, now: () => number) {
    this.#now = now;
    const breaker = new CircuitBreaker({ name });
    const open = (size: number, timeoutMs: number): Connections => {
      const turns = new Turns(size);
      const statement_timeout = timeoutMs - earlierMs;
      const pool: PoolConfig = {
        ...config,
        max: size,
        connectionTimeoutMillis: connectMs,
        statement_timeout,
      };
      const driver = new PostgresDriver({ name, breaker, turns, timeoutMs, config: pool });
      return { turns, db: new Kysely<unknown>({ dialect: postgresDialect(driver) }) };
    };
    this.#reader = open(2, readMs);
    this.#writer = open(1, writeMs);
  }

  async append(given: Iterable<RequestRecord>, dropped = 0, batch?: RequestBatch): Promise<void> {
    const rows = Array.from(given, normalRecord);
    await this.#prepare(rows);
    try {
      await this.#insert(rows, dropped, batch);
    } catch (error) {
      if ((error as { code?: unknown }).code !== noPartition) throw error;
      // Somebody has removed it: it was made at another time than its rows say.
      this.#days.clear();
      await this.#prepare(rows);
      await this.#insert(rows, dropped, batch);
    }
  }

  list(query: RequestQuery): Promise<RequestPage> {
    return searchRequests(this.#reader.db, query);
  }

  since(id: number, limit: number): Promise<readonly StoredRequest[]> {
    return requestsSince(this.#reader.db, id, limit);
  }

  head(): Promise<number> {
    return headOfRequests(this.#reader.db);
  }

  statistics(query: StatisticsQuery): Promise<RequestStatistics> {
    return statisticsOf(new PostgresCounts(this.#reader.db), query, this.#now());
  }

  series(query: SeriesQuery): Promise<readonly RequestPoint[]> {
    return seriesOf(new PostgresCounts(this.#reader.db), query);
  }

  async prune(now: number, { maxAgeMs, maxBytes }: RequestRetention): Promise<void> {
    const { db } = this.#writer;
    await sql`select request_log_retain(${now - maxAgeMs}, ${maxBytes})`.execute(db);
    for (const { code, ms, keptMs } of Object.values(steps)) {
      const ended = now - keptMs - ms;
      for (let removed = pruneSize; removed === pruneSize; ) {
        const { numAffectedRows = 0n } = await sql`delete from request_rollups where ctid = any (array(
          select ctid from request_rollups where step = ${code} and dimension in (${sql.join([...storedDimensions])}) and start <= ${ended}
          limit ${pruneSize}))`.execute(db);
        removed = Number(numAffectedRows);
      }
    }
    await sql`delete from request_log_writers where at < ${now - keepBatchesMs}`.execute(db);
  }

  async close(): Promise<void> {
    const both = [this.#reader, this.#writer];
    await Promise.all(both.map(({ turns }) => turns.idle()));
    await Promise.all(both.map(({ db }) => db.destroy()));
  }

  async #prepare(rows: readonly RequestRecord[]): Promise<void> {
    for (const day of new Set(rows.map(({ at }) => Math.floor(at / dayMs)))) {
      if (this.#days.has(day)) continue;
      await sql`select request_log_partition(${day})`.execute(this.#writer.db);
      this.#days.add(day);
    }
  }

  async #insert(
    rows: readonly RequestRecord[],
    dropped: number,
    batch: RequestBatch | undefined,
  ): Promise<void> {
    const columns = sql.raw(requestColumns.join(", "));
    const now = this.#now();
    const counts = rollUp(rows, { count: dropped, at: now });
    if (counts.length === 0) return;
    const given = rows.map((row) =>
      Object.fromEntries(cellsOf(row).map((cell, at) => [requestColumns[at], cell])),
    );
    await sql`with fresh as (${batch === undefined ? sql`select` : noted(batch, now)}), written as (
        insert into request_log (${columns})
        select ${columns} from json_to_recordset(${JSON.stringify(given)}::json) as given (${sql.raw(rowTypes)})
        where exists (table fresh)
      )
      insert into request_rollups (${sql.raw(rollupColumns.join(", "))})
      select step, dimension, start, value, bin, calls, errors
      from json_to_recordset(${JSON.stringify(counts)}::json) as counted
        (step integer, dimension integer, start bigint, value text, bin integer, calls bigint, errors bigint)
      where exists (table fresh)
      on conflict (step, dimension, start, value, bin) do update
      set calls = request_rollups.calls + excluded.calls, errors = request_rollups.errors + excluded.errors`.execute(
      this.#writer.db,
    );
  }
}

/** A row, unless the batch was written before. A statement that comes while the same one is still under way waits for it here. */
function noted({ writer, number }: RequestBatch, now: number): RawBuilder<unknown> {
  return sql`insert into request_log_writers (writer, number, at) values (${writer}, ${number}, ${now})
    on conflict (writer) do update set number = excluded.number, at = excluded.at
    where request_log_writers.number < excluded.number returning number`;
}

interface Connections {
  readonly turns: Turns;
  readonly db: Kysely<unknown>;
}

/** SQLSTATE: also of a row for which there is no partition. */
const noPartition = "23514";
