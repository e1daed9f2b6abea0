import { binOf } from "../histogram.ts";
import { type Dropped, dimensionCodes, type RollupDimension, type Step, sliceOf, steps } from "../rollup.ts";
import { binCount, packBins } from "./packed-bins.ts";
import type { RequestBlock } from "./request-block.ts";

/** The calls of a step with one value. */
export interface CountedValue {
  readonly step: number;
  readonly dimension: number;
  readonly start: number;
  readonly value: string;
  readonly calls: number;
  readonly errors: number;
  /** See `packBins`. */
  readonly bins: Uint8Array;
}

/** Rows of a block of one minute, from one on, up to another. */
interface Rows {
  readonly block: RequestBlock;
  readonly start: number;
  readonly from: number;
  readonly to: number;
  /** Of each row of the block. */
  readonly bins: Uint16Array;
}

/** What a row has of a dimension: 0 for nothing, and the same number for the same value. */
interface Column {
  readonly dimension: RollupDimension;
  readonly keyOf: (row: number) => number;
  readonly textOf: (key: number) => string;
}

/** Counts of the rows of blocks, by minute. Each value is looked up once for each block, however many rows have it. */
export class BlockCounts {
  /** Rows that were added, and different values of a minute that they have. */
  rows = 0;
  values = 0;
  readonly #groups = new Map<string, Group>();

  /** Adds the rows of a block after an id. */
  add(block: RequestBlock, after: number): void {
    const first = block.numbers("id").findIndex((id) => id > after);
    if (first === -1) return;
    this.rows += block.length - first;
    const at = block.numbers("at");
    const bins = Uint16Array.from(block.numbers("durationUs"), (duration) => binOf(duration / 1000));
    const minute = (row: number): number => floor(at[row] ?? 0, steps.minute);
    for (let [from, to] = [first, first]; from < block.length; from = to) {
      const start = minute(from);
      while (to < block.length && minute(to) === start) to += 1;
      this.#addRows({ block, start, from, to, bins });
    }
  }

  /** Counts what is in no row. */
  addDropped({ count, at }: Dropped): void {
    const group = this.#group(dimensionCodes.dropped, floor(at, steps.minute));
    group.add(this.#placeIn(group, ""), 0, count);
  }

  /** What they come to, by minute, hour and day, in the order of the primary key. */
  counted(): readonly CountedValue[] {
    const minutes = [...this.#groups.values()];
    return [steps.minute, steps.hour, steps.day].flatMap((step) => gathered(minutes, step));
  }

  #addRows(rows: Rows): void {
    const { block, from, to } = rows;
    const tenants = block.places("tenantId").subarray(from, to);
    const ofTenants = tenants.some((place) => place > 0);
    for (const column of columnsOf(block)) {
      this.#addColumn(rows, dimensionCodes[column.dimension], column);
      if (ofTenants) this.#addOfTenants(rows, column);
    }
  }

  #addColumn({ block, start, from, to, bins }: Rows, dimension: number, { keyOf, textOf }: Column): void {
    const group = this.#group(dimension, start);
    const code = block.numbers("code");
    const places = new Map<number, number>();
    for (let row = from; row < to; row++) {
      const key = keyOf(row);
      if (key === 0) continue;
      let place = places.get(key);
      if (place === undefined) {
        place = this.#placeIn(group, textOf(key));
        places.set(key, place);
      }
      group.add(place, bins[row] ?? 0, 1);
      if (code[row] !== 0) group.addErrors(place, 1);
    }
  }

  /** The same for each tenant by itself. */
  #addOfTenants(rows: Rows, { dimension, keyOf, textOf }: Column): void {
    const { block } = rows;
    const tenants = block.places("tenantId");
    const tenantsIn = block.dictionary.length;
    const ofTenant = sliceOf(dimension, "").dimension;
    this.#addColumn(rows, ofTenant, {
      dimension,
      keyOf: (row) => {
        const [key, tenant] = [keyOf(row), tenants[row] ?? 0];
        return key === 0 || tenant === 0 ? 0 : key * tenantsIn + tenant;
      },
      textOf: (key) => {
        const tenant = block.dictionary[key % tenantsIn] ?? "";
        return sliceOf(dimension, tenant).start + textOf(Math.floor(key / tenantsIn));
      },
    });
  }

  #group(dimension: number, start: number): Group {
    const name = `${dimension} ${start}`;
    let group = this.#groups.get(name);
    if (group === undefined) {
      group = new Group(dimension, start);
      this.#groups.set(name, group);
    }
    return group;
  }

  #placeIn(group: Group, value: string): number {
    const before = group.length;
    const place = group.placeOf(value);
    this.values += group.length - before;
    return place;
  }
}

function columnsOf(block: RequestBlock): readonly Column[] {
  const code = block.numbers("code");
  const text = (dimension: RollupDimension, places: Float64Array): Column => ({
    dimension,
    keyOf: (row) => places[row] ?? 0,
    textOf: (key) => block.dictionary[key] ?? "",
  });
  return [
    { dimension: "all", keyOf: () => 1, textOf: () => "" },
    text("procedure", block.places("procedure")),
    text("apiKey", block.places("apiKeyId")),
    text("user", block.places("userId")),
    text("reason", block.places("reason")),
    { dimension: "code", keyOf: (row) => code[row] ?? 0, textOf: String },
  ];
}

/** The values of one dimension in one step: a row of bins each, for one value at first. Most groups have no more. */
class Group {
  readonly dimension: number;
  readonly start: number;
  readonly #places = new Map<string, number>();
  #bins = new Uint32Array(binCount);
  readonly #errors: number[] = [];

  constructor(dimension: number, start: number) {
    this.dimension = dimension;
    this.start = start;
  }

  get length(): number {
    return this.#places.size;
  }

  placeOf(value: string): number {
    let place = this.#places.get(value);
    if (place === undefined) {
      place = this.#places.size;
      this.#places.set(value, place);
      this.#errors.push(0);
      if ((place + 1) * binCount > this.#bins.length) this.#grow();
    }
    return place;
  }

  add(place: number, bin: number, calls: number): void {
    const at = place * binCount + bin;
    this.#bins[at] = (this.#bins[at] ?? 0) + calls;
  }

  addErrors(place: number, errors: number): void {
    this.#errors[place] = (this.#errors[place] ?? 0) + errors;
  }

  /** Adds all of another one. */
  addAll(other: Group): void {
    for (const [value, from] of other.#places) {
      const place = this.placeOf(value);
      const start = from * binCount;
      for (let bin = 0; bin < binCount; bin++) {
        const calls = other.#bins[start + bin] ?? 0;
        if (calls > 0) this.add(place, bin, calls);
      }
      this.addErrors(place, other.#errors[from] ?? 0);
    }
  }

  /** As they are kept, of a step that begins then. */
  counted({ code: step }: Step, start: number): readonly CountedValue[] {
    const { dimension } = this;
    return [...this.#places.keys()].sort().map((value) => {
      const place = this.placeOf(value);
      const bins = this.#bins.subarray(place * binCount, (place + 1) * binCount);
      const errors = this.#errors[place] ?? 0;
      return { step, dimension, start, value, errors, ...packBins(bins) };
    });
  }

  #grow(): void {
    const larger = new Uint32Array(this.#bins.length * 2);
    larger.set(this.#bins);
    this.#bins = larger;
  }
}

/** What groups of minutes come to in a larger step. */
function gathered(minutes: readonly Group[], step: Step): readonly CountedValue[] {
  const together = Map.groupBy(minutes, ({ dimension, start }) => `${dimension} ${floor(start, step)}`);
  return [...together.values()]
    .map((groups) => ({ start: floor(groups[0]?.start ?? 0, step), group: sum(groups) }))
    .sort((a, b) => a.group.dimension - b.group.dimension || a.start - b.start)
    .flatMap(({ start, group }) => group.counted(step, start));
}

/** One that is alone stays as it is. */
function sum(groups: readonly Group[]): Group {
  const [first = new Group(0, 0), ...rest] = groups;
  if (rest.length === 0) return first;
  const all = new Group(first.dimension, first.start);
  for (const group of groups) all.addAll(group);
  return all;
}

function floor(at: number, { ms }: Step): number {
  return Math.floor(at / ms) * ms;
}
