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
import { normalRecord } from "../../../request-log/normal-record.ts";
import { indexOf, type RequestIndex } from "../../request-log/request-conditions.ts";
import { cellsOf, requestColumns } from "../../request-log/request-row.ts";
import {
  headOfRequests,
  requestsSince,
  type SearchWords,
  searchRequests,
} from "../../request-log/request-search.ts";
import { requestSeries, requestStatistics } from "../../request-log/request-statistics.ts";
import type { DatabaseSync, StatementSync } from "../node-sqlite.ts";
import { SqliteConnection } from "../sqlite-connection.ts";
import { sqliteDialect } from "../sqlite-driver.ts";
import { sqliteError } from "../sqlite-error.ts";
import { RequestCounts } from "./request-counts.ts";
import { openRequestFile } from "./request-file.ts";
import { indexTable, type KeptIndex, keptIndexes, rowsAlong } from "./request-indexes.ts";
import { RequestRemoval } from "./request-removal.ts";
import { type RequestPart, RequestUpkeep, type Transaction } from "./request-upkeep.ts";

/** A search looks at so many rows one by one in less than a millisecond. */
const fewRows = 1000;
/** Rows that an index takes in between two searches. */
const rowsInBetween = 8192;

const words: SearchWords = {
  // SQLite's LIKE takes no notice of the case of ASCII letters, and of no others.
  contains: (column, pattern) => sql<boolean>`${column} like ${pattern} escape '\\'`,
  index: indexTable,
  rows: rowsAlong,
};

/** The request log in a file of its own. Every call is synchronous underneath: it belongs into a thread of its own. */
export class SqliteRequestLog implements RequestLog {
  readonly #path: string;
  readonly #now: () => number;
  readonly #database: DatabaseSync;
  readonly #db: Kysely<unknown>;
  readonly #insert: StatementSync;
  readonly #note: StatementSync;
  readonly #counts: RequestCounts;
  readonly #indexes: Readonly<Record<RequestIndex, KeptIndex>>;
  readonly #upkeep: RequestUpkeep;
  readonly #removal: RequestRemoval;
  #later: NodeJS.Immediate | undefined;

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
    this.#indexes = keptIndexes(this.#database);
    const indexes = Object.values(this.#indexes);
    const transaction: Transaction = (work) => this.#transaction(work);
    this.#upkeep = new RequestUpkeep(this.#database, transaction, [this.#counts, ...indexes]);
    this.#removal = new RequestRemoval(this.#database, transaction, indexes);
  }

  async append(given: Iterable<RequestRecord>, dropped = 0, batch?: RequestBatch): Promise<void> {
    for (const part of this.#upkeep.due()) this.#upkeep.step(part);
    const rows = Array.from(given, normalRecord);
    const upTo = this.#transaction(() => {
      if (batch && this.#note.run(batch.writer, batch.number, this.#now()).changes === 0) return undefined;
      let id = 0;
      for (const row of rows) id = Number(this.#insert.run(...cellsOf(row)).lastInsertRowid);
      if (dropped > 0) this.#counts.countDropped({ count: dropped, at: this.#now() });
      return id;
    });
    if (upTo === undefined || rows.length === 0) return;
    this.#upkeep.wrote(upTo);
    this.#counts.saw({ after: upTo - rows.length, upTo }, rows);
  }

  async list(query: RequestQuery): Promise<RequestPage> {
    const index = this.#indexes[indexOf(query.filter)];
    const behind = this.#upkeep.behind(index);
    if (behind > 2 * index.atOnce) await this.#complete(index);
    const page = await searchRequests(this.#db, query, words);
    // Another page of it is wanted next, as a rule.
    if (behind > fewRows) this.#takeOnLater(index);
    return page;
  }

  since(id: number, limit: number): Promise<readonly StoredRequest[]> {
    return requestsSince(this.#db, id, limit);
  }

  head(): Promise<number> {
    return headOfRequests(this.#db);
  }

  async statistics(query: StatisticsQuery): Promise<RequestStatistics> {
    await this.#complete(this.#counts);
    return requestStatistics(this.#db, query, this.#now());
  }

  async series(query: SeriesQuery): Promise<readonly RequestPoint[]> {
    await this.#complete(this.#counts);
    return requestSeries(this.#db, query);
  }

  async prune(now: number, retention: RequestRetention): Promise<void> {
    await this.#complete(this.#counts, ...Object.values(this.#indexes));
    await this.#removal.prune(now, retention);
  }

  async close(): Promise<void> {
    clearImmediate(this.#later);
    await this.#db.destroy();
  }

  #takeOnLater(part: RequestPart): void {
    clearImmediate(this.#later);
    this.#later = setImmediate(() => {
      try {
        this.#upkeep.step(part, rowsInBetween);
      } catch {
        // Nobody waits for it: whoever needs it meets what is wrong.
      }
    });
  }

  /** Also with what other processes have written. */
  async #complete(...parts: readonly RequestPart[]): Promise<void> {
    for (const part of parts) {
      while (!this.#upkeep.step(part)) await nextTurn();
    }
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
