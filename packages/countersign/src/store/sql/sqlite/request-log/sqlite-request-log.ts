import { setImmediate as nextTurn } from "node:timers/promises";
import { pageLimit } from "../../../page-limit.ts";
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
import { type PackedMessage, PackedRequests } from "../../../request-log/packed-requests.ts";
import { seriesOf, statisticsOf } from "../../../request-log/statistics.ts";
import type { DatabaseSync, StatementSync } from "../node-sqlite.ts";
import { sqliteError } from "../sqlite-error.ts";
import { BlockSearch } from "./block-search.ts";
import { FormerRows } from "./former-rows.ts";
import { RequestBlocks } from "./request-blocks.ts";
import { RequestCounts } from "./request-counts.ts";
import { openRequestFile } from "./request-file.ts";
import { RequestMarks } from "./request-marks.ts";
import { RequestRemoval, type Transaction } from "./request-removal.ts";
import { SqliteCounts } from "./sqlite-counts.ts";

/** The request log in a file of its own. Every call is synchronous underneath: it belongs into a thread of its own. */
export class SqliteRequestLog implements RequestLog {
  readonly #path: string;
  readonly #now: () => number;
  readonly #database: DatabaseSync;
  readonly #note: StatementSync;
  readonly #marks: RequestMarks;
  readonly #blocks: RequestBlocks;
  readonly #former: FormerRows;
  readonly #search: BlockSearch;
  readonly #counts: RequestCounts;
  readonly #kept: SqliteCounts;
  readonly #removal: RequestRemoval;

  constructor(path: string, now: () => number) {
    this.#path = path;
    this.#now = now;
    this.#database = openRequestFile(path);
    try {
      this.#note = this.#database.prepare(
        `insert into request_log_writers (writer, number, at) values (?, ?, ?)
         on conflict do update set number = excluded.number, at = excluded.at where number < excluded.number`,
      );
      const transaction: Transaction = (work) => this.#transaction(work);
      this.#marks = new RequestMarks(this.#database);
      this.#blocks = new RequestBlocks(this.#database, this.#marks);
      this.#search = new BlockSearch(this.#database, this.#blocks);
      this.#counts = new RequestCounts(this.#database, this.#marks, this.#blocks);
      this.#former = new FormerRows(this.#database, transaction, {
        blocks: this.#blocks,
        counts: this.#counts,
      });
      this.#kept = new SqliteCounts(this.#database, (work) => this.#read(work));
      this.#removal = new RequestRemoval(this.#database, transaction, this.#blocks, this.#marks);
    } catch (error) {
      this.#database.close();
      throw sqliteError(path, error);
    }
  }

  append(rows: Iterable<RequestRecord>, dropped = 0, batch?: RequestBatch): Promise<void> {
    return this.appendPacked(PackedRequests.of(rows).message(), dropped, batch);
  }

  /** As `append`. */
  async appendPacked(rows: PackedMessage, dropped = 0, batch?: RequestBatch): Promise<void> {
    if (this.#former.left) this.#former.step();
    else if (this.#counts.due) this.#transaction(() => this.#counts.keep());
    const written = this.#transaction(() => {
      if (batch && this.#note.run(batch.writer, batch.number, this.#now()).changes === 0) return undefined;
      if (dropped > 0) this.#counts.countDropped({ count: dropped, at: this.#now() });
      return this.#blocks.append(rows);
    });
    if (written !== undefined) this.#counts.saw(written);
  }

  async list(query: RequestQuery): Promise<RequestPage> {
    pageLimit(query.limit);
    await this.#settle();
    return this.#read(() => this.#search.page(query));
  }

  async since(id: number, limit: number): Promise<readonly StoredRequest[]> {
    const most = pageLimit(limit);
    await this.#settle();
    return this.#read(() => this.#search.since(id, most));
  }

  async head(): Promise<number> {
    return this.#read(() => this.#marks.get("head"));
  }

  async statistics(query: StatisticsQuery): Promise<RequestStatistics> {
    await this.#count();
    return statisticsOf(this.#kept, query, this.#now());
  }

  async series(query: SeriesQuery): Promise<readonly RequestPoint[]> {
    await this.#count();
    return seriesOf(this.#kept, query);
  }

  async prune(now: number, retention: RequestRetention): Promise<void> {
    await this.#count();
    await this.#removal.prune(now, retention);
  }

  async close(): Promise<void> {
    this.#database.close();
  }

  /** A file of an earlier version takes seconds. */
  async #settle(): Promise<void> {
    for (; this.#former.left; await nextTurn()) this.#former.step();
  }

  /** Completes the statistics, also with what other processes have written. */
  async #count(): Promise<void> {
    await this.#settle();
    while (!this.#transaction(() => this.#counts.keep())) await nextTurn();
  }

  /** All of it as the file is at one instant, whoever writes meanwhile. */
  #read<T>(work: () => T): T {
    return this.#within("begin", work);
  }

  #transaction<T>(work: () => T): T {
    return this.#within("begin immediate", work);
  }

  #within<T>(begin: string, work: () => T): T {
    try {
      this.#database.exec(begin);
      try {
        const result = work();
        this.#database.exec("commit");
        return result;
      } catch (error) {
        this.#rollBack();
        throw error;
      }
    } catch (error) {
      throw sqliteError(this.#path, error);
    }
  }

  #rollBack(): void {
    try {
      this.#database.exec("rollback");
    } catch {
      // SQLite has done it: there is no transaction any more.
    }
  }
}
