import { pageLimit } from "../page-limit.ts";
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
} from "../request-contracts.ts";
import { keepBatchesMs } from "../request-log/kept-batches.ts";
import { matches } from "../request-log/matches.ts";
import { isBehind, newestFirst, pageOf } from "../request-log/newest-first.ts";
import { normalRecord } from "../request-log/normal-record.ts";
import { rollUp } from "../request-log/rollup.ts";
import { seriesOf, statisticsOf } from "../request-log/statistics.ts";
import { MemoryCounts } from "./memory-counts.ts";

/** A request log in this process, for tests and for trying things. */
export class MemoryRequestLog implements RequestLog {
  readonly #now: () => number;
  #rows: StoredRequest[] = [];
  readonly #counts = new MemoryCounts();
  /** The last batch of each writer. */
  readonly #batches = new Map<string, { readonly number: number; readonly at: number }>();
  #head = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  async append(given: Iterable<RequestRecord>, dropped = 0, batch?: RequestBatch): Promise<void> {
    if (batch !== undefined) {
      if (batch.number <= (this.#batches.get(batch.writer)?.number ?? 0)) return;
      this.#batches.set(batch.writer, { number: batch.number, at: this.#now() });
    }
    const rows = Array.from(given, normalRecord);
    for (const row of rows) {
      this.#head += 1;
      this.#rows.push({ ...row, id: this.#head });
    }
    this.#rows.sort(newestFirst);
    this.#counts.add(rollUp(rows, { count: dropped, at: this.#now() }));
  }

  async list({ filter, limit, after }: RequestQuery): Promise<RequestPage> {
    const wanted = pageLimit(limit);
    const found = this.#rows.filter(
      (row) => (after === undefined || isBehind(row, after)) && matches(row, filter),
    );
    return pageOf(found, wanted, undefined);
  }

  async since(id: number, limit: number): Promise<readonly StoredRequest[]> {
    const rows = this.#rows.filter((row) => row.id > id).sort((a, b) => a.id - b.id);
    return rows.slice(0, pageLimit(limit));
  }

  async head(): Promise<number> {
    return this.#head;
  }

  statistics(query: StatisticsQuery): Promise<RequestStatistics> {
    return statisticsOf(this.#counts, query, this.#now());
  }

  series(query: SeriesQuery): Promise<readonly RequestPoint[]> {
    return seriesOf(this.#counts, query);
  }

  async prune(now: number, { maxAgeMs, maxBytes }: RequestRetention): Promise<void> {
    const kept = this.#rows.filter(({ at }) => at >= now - maxAgeMs);
    let bytes = 0;
    const fits = kept.findIndex((row) => {
      bytes += JSON.stringify(row).length;
      return bytes > maxBytes;
    });
    this.#rows = fits === -1 ? kept : kept.slice(0, fits);
    this.#counts.prune(now);
    for (const [writer, { at }] of this.#batches) if (at < now - keepBatchesMs) this.#batches.delete(writer);
  }

  async close(): Promise<void> {}
}
