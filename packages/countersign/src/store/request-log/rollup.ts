import type { RequestDimension, RequestFigures, RequestRecord, RequestStep } from "../request-contracts.ts";
import { binOf, type Histogram, quantileOf } from "./histogram.ts";

/** What statistics are kept for. `all` has the one value ""; so has `dropped`, which counts what is in no row. */
export type RollupDimension = RequestDimension | "all" | "dropped";

/** As they are stored. */
export const dimensionCodes: Readonly<Record<RollupDimension, number>> = {
  all: 0,
  procedure: 1,
  apiKey: 2,
  user: 3,
  reason: 4,
  code: 5,
  dropped: 6,
};

/** Added to the code of a dimension for the calls of one tenant alone, whose id then comes before each value. */
const ofTenants = 16;

/** Every code that stands in a row: what is pruned. */
export const storedDimensions: readonly number[] = Object.values(dimensionCodes).flatMap((code) => [
  code,
  code + ofTenants,
]);

/** What of the counts is asked for. */
export interface Slice {
  readonly dimension: number;
  /** What all of its values begin with. */
  readonly start: string;
  /** What none of them reaches. Undefined: there is no such end. */
  readonly end: string | undefined;
}

/** The counts of a dimension, of everybody or of one tenant. An id of a tenant has no slash in it, and `0` comes after that. */
export function sliceOf(dimension: RollupDimension, tenantId: string | undefined): Slice {
  const code = dimensionCodes[dimension];
  if (tenantId === undefined) return { dimension: code, start: "", end: undefined };
  return { dimension: code + ofTenants, start: `${tenantId}/`, end: `${tenantId}0` };
}

export interface Step {
  readonly code: number;
  readonly ms: number;
  /** How long its counts are kept. */
  readonly keptMs: number;
}

const day = 86_400_000;

/** Minutes are for looking closely at what has just been; the rest is for comparing. */
export const steps: Readonly<Record<RequestStep, Step>> = {
  minute: { code: 0, ms: 60_000, keptMs: 2 * day },
  hour: { code: 1, ms: 3_600_000, keptMs: 60 * day },
  day: { code: 2, ms: day, keptMs: 800 * day },
};

/** One count: calls of a step with one value that took about so long. */
export interface RollupRow {
  readonly step: number;
  readonly start: number;
  readonly dimension: number;
  readonly value: string;
  readonly bin: number;
  calls: number;
  errors: number;
}

/** What is counted of a call. */
export type CountedRecord = Pick<
  RequestRecord,
  "at" | "durationMs" | "code" | "procedure" | "apiKeyId" | "userId" | "reason" | "tenantId"
>;

export interface Dropped {
  readonly count: number;
  /** When they would have been written. */
  readonly at: number;
}

/**
 * The counts of some rows, to be added to what is there. In one order everywhere: two writers cannot block each other, and
 * an index is gone through from one end to the other.
 */
export function rollUp(rows: readonly CountedRecord[], dropped?: Dropped): readonly RollupRow[] {
  const minutes = new Counts(steps.minute);
  for (const row of rows) {
    const { at, durationMs, code, tenantId } = row;
    const cell = { at, bin: binOf(durationMs), calls: 1, errors: code === 0 ? 0 : 1 };
    for (const [dimension, value] of valuesOf(row)) {
      minutes.add(dimensionCodes[dimension], value, cell);
      if (tenantId === undefined) continue;
      const { dimension: own, start } = sliceOf(dimension, tenantId);
      minutes.add(own, start + value, cell);
    }
  }
  if (dropped !== undefined && dropped.count > 0)
    minutes.add(dimensionCodes.dropped, "", { at: dropped.at, bin: 0, calls: dropped.count, errors: 0 });
  const larger = [new Counts(steps.hour), new Counts(steps.day)];
  for (const { dimension, value, start: at, bin, calls, errors } of minutes.rows)
    for (const counts of larger) counts.add(dimension, value, { at, bin, calls, errors });
  return [minutes, ...larger].flatMap(({ rows }) => rows).sort(inOrder);
}

function* valuesOf(row: CountedRecord): Iterable<readonly [RollupDimension, string]> {
  const { procedure, apiKeyId, userId, reason, code } = row;
  yield ["all", ""];
  yield ["procedure", procedure];
  if (apiKeyId !== undefined) yield ["apiKey", apiKeyId];
  if (userId !== undefined) yield ["user", userId];
  if (reason !== undefined) yield ["reason", reason];
  if (code !== 0) yield ["code", String(code)];
}

interface Cell {
  readonly at: number;
  readonly bin: number;
  readonly calls: number;
  readonly errors: number;
}

/** Counts of one step, by value, and then by time and bin as one number: text is put together for none of them. */
class Counts {
  readonly rows: RollupRow[] = [];
  readonly #step: Step;
  readonly #known = new Map<number, Map<string, Map<number, RollupRow>>>();

  constructor(step: Step) {
    this.#step = step;
  }

  add(dimension: number, value: string, { at, bin, calls, errors }: Cell): void {
    const { code: step, ms } = this.#step;
    const count = Math.floor(at / ms);
    const cells = inner(inner(this.#known, dimension), value);
    const row = cells.get(count * 512 + bin);
    if (row === undefined) {
      const fresh = { step, start: count * ms, dimension, value, bin, calls, errors };
      cells.set(count * 512 + bin, fresh);
      this.rows.push(fresh);
      return;
    }
    row.calls += calls;
    row.errors += errors;
  }
}

function inner<K, L, V>(outer: Map<K, Map<L, V>>, key: K): Map<L, V> {
  let found = outer.get(key);
  if (found === undefined) {
    found = new Map();
    outer.set(key, found);
  }
  return found;
}

/** That of the primary key. */
function inOrder(a: RollupRow, b: RollupRow): number {
  const byNumbers = a.step - b.step || a.dimension - b.dimension || a.start - b.start;
  if (byNumbers !== 0) return byNumbers;
  if (a.value !== b.value) return a.value < b.value ? -1 : 1;
  return a.bin - b.bin;
}

/** Calls, errors and durations of one group. */
export class Tally {
  calls = 0;
  errors = 0;
  readonly #bins = new Map<number, number>();

  add({ bin, calls, errors }: Pick<RollupRow, "bin" | "calls" | "errors">): void {
    this.calls += calls;
    this.errors += errors;
    this.#bins.set(bin, (this.#bins.get(bin) ?? 0) + calls);
  }

  figures(): RequestFigures {
    const histogram: Histogram = this.#bins;
    const at = (share: number): number | undefined => quantileOf(histogram, share);
    return { calls: this.calls, errors: this.errors, p50: at(0.5), p95: at(0.95), p99: at(0.99) };
  }
}
