import { setImmediate as nextTurn } from "node:timers/promises";
import { Kysely, sql } from "kysely";
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
import { steps, storedDimensions } from "../../../request-log/rollup.ts";
import { cellsOf, requestColumns } from "../../request-log/request-row.ts";
import {
  type Contains,
  headOfRequests,
  requestsSince,
  searchRequests,
} from "../../request-log/request-search.ts";
import { requestSeries, requestStatistics } from "../../request-log/request-statistics.ts";
import type { DatabaseSync, StatementSync } from "../node-sqlite.ts";
import { SqliteConnection } from "../sqlite-connection.ts";
import { sqliteDialect } from "../sqlite-driver.ts";
import { sqliteError } from "../sqlite-error.ts";
import { countedAtOnce, RequestCounts } from "./request-counts.ts";
import { openRequestFile } from "./request-file.ts";

/** Rows that one transaction removes: readers and the writer get their turn in between. */
const pruneSize = 500;

/** SQLite's LIKE takes no notice of the case of ASCII letters, and of no others. */
const contains: Contains = (column, pattern) => sql<boolean>`${column} like ${pattern} escape '\\'`;

/** The request log in a file of its own. Every call is synchronous underneath: it belongs into a thread of its own. */
export class SqliteRequestLog implements RequestLog {
  readonly #path: string;
  readonly #now: () => number;
  readonly #database: DatabaseSync;
  readonly #db: Kysely<unknown>;
  readonly #insert: StatementSync;
  readonly #note: StatementSync;
  readonly #counts: RequestCounts;
  /** Rows written here since statistics were last brought up to date. */
  #uncounted = 0;

  constructor(path: string, now: () => number) {
    this.#path = path;
    this.#now = now;
    this.#database = openRequestFile(path);
    this.#db = new Kysely<unknown>({
      dialect: sqliteDialect(new SqliteConnection(this.#database, path), 5000),
    });
    const places = requestColumns.map(() => "?").join(", ");
    this.#insert = this.#database.prepare(
      `insert into request_log (${requestColumns.join(", ")}) values (${places})`,
    );
    this.#note = this.#database.prepare(
      `insert into request_log_writers (writer, number, at) values (?, ?, ?)
       on conflict do update set number = excluded.number, at = excluded.at where number < excluded.number`,
    );
    this.#counts = new RequestCounts(this.#database);
  }

  async append(given: Iterable<RequestRecord>, dropped = 0, batch?: RequestBatch): Promise<void> {
    if (this.#uncounted >= countedAtOnce) this.#count();
    const rows = Array.from(given, normalRecord);
    this.#transaction(() => {
      if (batch && this.#note.run(batch.writer, batch.number, this.#now()).changes === 0) return;
      for (const row of rows) this.#insert.run(...cellsOf(row));
      if (dropped > 0) this.#counts.countDropped({ count: dropped, at: this.#now() });
    });
    this.#uncounted += rows.length;
  }

  list(query: RequestQuery): Promise<RequestPage> {
    return searchRequests(this.#db, query, contains);
  }

  since(id: number, limit: number): Promise<readonly StoredRequest[]> {
    return requestsSince(this.#db, id, limit);
  }

  head(): Promise<number> {
    return headOfRequests(this.#db);
  }

  async statistics(query: StatisticsQuery): Promise<RequestStatistics> {
    await this.#countAll();
    return requestStatistics(this.#db, query, this.#now());
  }

  async series(query: SeriesQuery): Promise<readonly RequestPoint[]> {
    await this.#countAll();
    return requestSeries(this.#db, query);
  }

  async prune(now: number, { maxAgeMs, maxBytes }: RequestRetention): Promise<void> {
    await this.#countAll();
    for (const { code, ms, keptMs } of Object.values(steps)) {
      const ended = now - keptMs - ms;
      await this.#portions(
        `delete from request_rollups where (step, dimension, start, value, bin) in (
           select step, dimension, start, value, bin from request_rollups
           where step = ${code} and dimension = ? and start <= ${ended} limit ${pruneSize})`,
        storedDimensions,
      );
    }
    await this.#portion("delete from request_log_writers where at < ?", now - keepBatchesMs);
    const oldest = `delete from request_log where id in
      (select id from request_log where at < ? order by at limit ${pruneSize})`;
    await this.#portions(oldest, [now - maxAgeMs]);
    while (this.#bytes() > maxBytes && (await this.#portion(oldest, Number.MAX_SAFE_INTEGER)) > 0);
  }

  async close(): Promise<void> {
    await this.#db.destroy();
  }

  /** Also what other processes have written. */
  async #countAll(): Promise<void> {
    while (this.#count() === countedAtOnce) await nextTurn();
  }

  #count(): number {
    const counted = this.#transaction(() => this.#counts.count());
    this.#uncounted = Math.max(0, this.#uncounted - counted);
    return counted;
  }

  /** What is in use: pages that were given up are filled again, and given back in time. */
  #bytes(): number {
    const pragma = (name: string): number =>
      Number(this.#database.prepare(`pragma ${name}`).get()?.[name] ?? 0);
    return (pragma("page_count") - pragma("freelist_count")) * pragma("page_size");
  }

  async #portions(statement: string, parameters: readonly number[]): Promise<void> {
    for (const parameter of parameters) {
      while ((await this.#portion(statement, parameter)) === pruneSize);
    }
  }

  async #portion(statement: string, parameter: number): Promise<number> {
    // What has come meanwhile goes first.
    await nextTurn();
    const removed = this.#transaction(() => Number(this.#database.prepare(statement).run(parameter).changes));
    if (removed > 0) this.#database.exec("pragma incremental_vacuum(200)");
    return removed;
  }

  #transaction<T>(work: () => T): T {
    try {
      this.#database.exec("begin immediate");
      try {
        const result = work();
        this.#database.exec("commit");
        return result;
      } catch (error) {
        if (this.#database.isTransaction) this.#database.exec("rollback");
        throw error;
      }
    } catch (error) {
      throw sqliteError(this.#path, error);
    }
  }
}
