import { pageLimit } from "../page-limit.ts";
import type {
  RequestBatch,
  RequestDimension,
  RequestLog,
  RequestPage,
  RequestPoint,
  RequestPosition,
  RequestQuery,
  RequestRecord,
  RequestRetention,
  RequestStatistics,
  SeriesQuery,
  StatisticsQuery,
  StoredRequest,
} from "../request-contracts.ts";
import { coverageOf, type Segment } from "../request-log/coverage.ts";
import { keepBatchesMs } from "../request-log/kept-batches.ts";
import { matches } from "../request-log/matches.ts";
import { normalRecord } from "../request-log/normal-record.ts";
import { type RollupRow, rollUp, type Slice, sliceOf, steps, Tally } from "../request-log/rollup.ts";

/** A request log in this process, for tests and for trying things. */
export class MemoryRequestLog implements RequestLog {
  readonly #now: () => number;
  #rows: StoredRequest[] = [];
  readonly #rollups = new Map<string, RollupRow>();
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
    this.#rows.sort((a, b) => b.at - a.at || b.id - a.id);
    for (const row of rollUp(rows, { count: dropped, at: this.#now() })) this.#add(row);
  }

  async list({ filter, limit, after }: RequestQuery): Promise<RequestPage> {
    const found = this.#rows.filter((row) => isBefore(row, after) && matches(row, filter));
    const rows = found.slice(0, pageLimit(limit));
    const last = rows.at(-1);
    return { rows, next: found.length > rows.length && last ? { at: last.at, id: last.id } : undefined };
  }

  async since(id: number, limit: number): Promise<readonly StoredRequest[]> {
    const rows = this.#rows.filter((row) => row.id > id).sort((a, b) => a.id - b.id);
    return rows.slice(0, pageLimit(limit));
  }

  async head(): Promise<number> {
    return this.#head;
  }

  async statistics({ of, tenantId, top, lists, ...asked }: StatisticsQuery): Promise<RequestStatistics> {
    const { range, segments } = coverageOf(asked, this.#now());
    const all = this.#tally(segments, sliceOf(of?.dimension ?? "all", tenantId), of?.value ?? "");
    const groups = (dimension: RequestDimension) => {
      if (of !== undefined || lists?.includes(dimension) === false) return [];
      const slice = sliceOf(dimension, tenantId);
      const values = new Set(
        this.#within(segments, slice).map(({ value }) => value.slice(slice.start.length)),
      );
      return [...values]
        .map((value) => ({ value, ...this.#tally(segments, slice, value).figures() }))
        .sort((a, b) => b.calls - a.calls || (a.value < b.value ? -1 : 1))
        .slice(0, top);
    };
    return {
      range,
      ...all.figures(),
      dropped: tenantId === undefined ? this.#tally(segments, sliceOf("dropped", undefined), "").calls : 0,
      by: {
        procedure: groups("procedure"),
        apiKey: groups("apiKey"),
        user: groups("user"),
        reason: groups("reason"),
        code: groups("code"),
      },
    };
  }

  async series({ of, tenantId, step, since, until }: SeriesQuery): Promise<readonly RequestPoint[]> {
    const { ms } = steps[step];
    const segment = { step, since: Math.floor(since / ms) * ms, until };
    const points = new Map<number, Tally>();
    const slice = sliceOf(of?.dimension ?? "all", tenantId);
    for (const row of this.#within([segment], slice)) {
      if (row.value !== slice.start + (of?.value ?? "")) continue;
      const tally = points.get(row.start) ?? new Tally();
      points.set(row.start, tally);
      tally.add(row);
    }
    return [...points]
      .sort(([a], [b]) => a - b)
      .map(([start, tally]) => ({ since: start, ...tally.figures() }));
  }

  async prune(now: number, { maxAgeMs, maxBytes }: RequestRetention): Promise<void> {
    const kept = this.#rows.filter(({ at }) => at >= now - maxAgeMs);
    let bytes = 0;
    const fits = kept.findIndex((row) => {
      bytes += JSON.stringify(row).length;
      return bytes > maxBytes;
    });
    this.#rows = fits === -1 ? kept : kept.slice(0, fits);
    for (const [key, { step, start }] of this.#rollups) {
      const known = Object.values(steps).find(({ code }) => code === step);
      if (known !== undefined && start + known.ms <= now - known.keptMs) this.#rollups.delete(key);
    }
    for (const [writer, { at }] of this.#batches) if (at < now - keepBatchesMs) this.#batches.delete(writer);
  }

  async close(): Promise<void> {}

  #add(row: RollupRow): void {
    const key = `${row.step} ${row.dimension} ${row.start} ${row.bin} ${row.value}`;
    const known = this.#rollups.get(key);
    if (known === undefined) {
      this.#rollups.set(key, { ...row });
      return;
    }
    known.calls += row.calls;
    known.errors += row.errors;
  }

  #within(segments: readonly Segment[], { dimension, start }: Slice): readonly RollupRow[] {
    return [...this.#rollups.values()].filter(
      (row) =>
        row.dimension === dimension &&
        row.value.startsWith(start) &&
        segments.some(
          ({ step, since, until }) =>
            row.step === steps[step].code && row.start >= since && row.start < until,
        ),
    );
  }

  #tally(segments: readonly Segment[], slice: Slice, value: string): Tally {
    const tally = new Tally();
    for (const row of this.#within(segments, slice)) if (row.value === slice.start + value) tally.add(row);
    return tally;
  }
}

function isBefore(row: StoredRequest, after: RequestPosition | undefined): boolean {
  return after === undefined || row.at < after.at || (row.at === after.at && row.id < after.id);
}
