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

/** The counts of some rows, to be added to what is there. See `Rollup.rows`. */
export function rollUp(rows: Iterable<CountedRecord>, dropped?: Dropped): readonly RollupRow[] {
  const rollup = new Rollup();
  for (const row of rows) rollup.add(row);
  if (dropped !== undefined) rollup.addDropped(dropped);
  return rollup.rows();
}

/** Counts of rows as they come. */
export class Rollup {
  readonly #minutes = new Counts(steps.minute);

  add(row: CountedRecord): void {
    const { at, durationMs, code } = row;
    const cell = { at, bin: binOf(durationMs), calls: 1, errors: code === 0 ? 0 : 1 };
    this.#add("all", "", row, cell);
    this.#add("procedure", row.procedure, row, cell);
    this.#add("apiKey", row.apiKeyId, row, cell);
    this.#add("user", row.userId, row, cell);
    this.#add("reason", row.reason, row, cell);
    if (code !== 0) this.#add("code", String(code), row, cell);
  }

  addDropped({ count, at }: Dropped): void {
    if (count > 0) this.#minutes.add(dimensionCodes.dropped, "", { at, bin: 0, calls: count, errors: 0 });
  }

  /**
   * What they come to. In one order everywhere, that of the primary key: two writers cannot block each other, and an index is
   * gone through from one end to the other.
   */
  rows(): readonly RollupRow[] {
    const minutes = this.#minutes.rows();
    const larger = [new Counts(steps.hour), new Counts(steps.day)];
    for (const { dimension, value, start: at, bin, calls, errors } of minutes)
      for (const counts of larger) counts.add(dimension, value, { at, bin, calls, errors });
    return [...minutes, ...larger.flatMap((counts) => counts.rows())];
  }

  #add(dimension: RollupDimension, value: string | undefined, { tenantId }: CountedRecord, cell: Cell): void {
    if (value === undefined) return;
    this.#minutes.add(dimensionCodes[dimension], value, cell);
    if (tenantId === undefined) return;
    const own = sliceOf(dimension, tenantId);
    this.#minutes.add(own.dimension, own.start + value, cell);
  }
}

interface Cell {
  readonly at: number;
  readonly bin: number;
  readonly calls: number;
  readonly errors: number;
}

/** Counts of one step, by dimension and start. */
class Counts {
  readonly #step: Step;
  readonly #dimensions = new Map<number, Map<number, Group>>();

  constructor(step: Step) {
    this.#step = step;
  }

  add(dimension: number, value: string, cell: Cell): void {
    const { code: step, ms } = this.#step;
    const start = Math.floor(cell.at / ms) * ms;
    const starts = inner(this.#dimensions, dimension, () => new Map<number, Group>());
    inner(starts, start, () => new Group({ step, dimension, start })).add(value, cell);
  }

  rows(): readonly RollupRow[] {
    return inOrder(this.#dimensions).flatMap((starts) => inOrder(starts).flatMap((group) => group.rows()));
  }
}

function inner<K, V>(outer: Map<K, V>, key: K, make: () => V): V {
  let found = outer.get(key);
  if (found === undefined) {
    found = make();
    outer.set(key, found);
  }
  return found;
}

function inOrder<V>(map: ReadonlyMap<number, V>): readonly V[] {
  return [...map].sort(([a], [b]) => a - b).map(([, value]) => value);
}

const bins = 512;

/** The values of one dimension in one step. A cell is known by a number: values are many, and most have few cells. */
class Group {
  readonly #of: Pick<RollupRow, "step" | "dimension" | "start">;
  readonly #values = new Map<string, number>();
  readonly #cells = new Map<number, RollupRow>();

  constructor(of: Pick<RollupRow, "step" | "dimension" | "start">) {
    this.#of = of;
  }

  add(value: string, { bin, calls, errors }: Cell): void {
    let place = this.#values.get(value);
    if (place === undefined) {
      place = this.#values.size;
      this.#values.set(value, place);
    }
    const key = place * bins + bin;
    const row = this.#cells.get(key);
    if (row === undefined) {
      const { step, dimension, start } = this.#of;
      this.#cells.set(key, { step, start, dimension, value, bin, calls, errors });
      return;
    }
    row.calls += calls;
    row.errors += errors;
  }

  /** By value, and then by bin. */
  rows(): readonly RollupRow[] {
    const ranks = new Uint32Array(this.#values.size);
    for (const [rank, value] of [...this.#values.keys()].sort().entries())
      ranks[this.#values.get(value) ?? 0] = rank;
    const rows = [...this.#cells.values()];
    // A cell's place in the order, and behind it its place in the list: numbers alone are sorted several times as fast.
    const order = new Float64Array(rows.length);
    let at = 0;
    for (const key of this.#cells.keys()) {
      const rank = ranks[Math.floor(key / bins)] ?? 0;
      order[at] = (rank * bins + (key % bins)) * rows.length + at;
      at += 1;
    }
    return Array.from(order.sort(), (place) => rows[place % rows.length] as RollupRow);
  }
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
