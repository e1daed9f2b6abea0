import { eachBin } from "../../../request-log/block/packed-bins.ts";
import type { Segment } from "../../../request-log/coverage.ts";
import { type Slice, steps, Tally } from "../../../request-log/rollup.ts";
import type { KeptCounts, ValueTally } from "../../../request-log/statistics.ts";
import type { DatabaseSync } from "../node-sqlite.ts";
import type { Transaction } from "./request-removal.ts";

interface Counted {
  readonly value: string;
  readonly start: number;
  readonly errors: number;
  readonly bins: Uint8Array;
}

/** The statistics of a log in SQLite, as they are read. */
export class SqliteCounts implements KeptCounts {
  readonly #database: DatabaseSync;
  readonly #read: Transaction;

  constructor(database: DatabaseSync, read: Transaction) {
    this.#database = database;
    this.#read = read;
  }

  async tally(segments: readonly Segment[], slice: Slice, value: string): Promise<Tally> {
    const all = new Tally();
    for (const row of this.#rows("*", rowsOf(segments, slice, slice.start + value))) addTo(all, row);
    return all;
  }

  /** The values, and then all that there is about these. */
  async largest(segments: readonly Segment[], slice: Slice, top: number): Promise<readonly ValueTally[]> {
    const tallies = new Map<string, Tally>();
    const rows = rowsOf(segments, slice);
    const order = "group by value order by sum(calls) desc, value limit ?";
    for (const { value } of this.#rows("value", rows, order, top)) tallies.set(value, new Tally());
    const wanted = JSON.stringify([...tallies.keys()]);
    for (const row of this.#rows("*", rows, "where value in (select value from json_each(?))", wanted))
      addTo(tallies.get(row.value), row);
    return [...tallies].map(([value, tally]) => ({ value: value.slice(slice.start.length), tally }));
  }

  async points(segment: Segment, slice: Slice, value: string): Promise<ReadonlyMap<number, Tally>> {
    const points = new Map<number, Tally>();
    for (const row of this.#rows("*", rowsOf([segment], slice, slice.start + value), "order by start")) {
      const point = points.get(row.start) ?? new Tally();
      points.set(row.start, point);
      addTo(point, row);
    }
    return points;
  }

  #rows(columns: string, from: Rows, rest = "", ...more: readonly (string | number)[]): readonly Counted[] {
    if (from.sql === "") return [];
    const statement = `select ${columns} from (${from.sql}) ${rest}`;
    const rows = this.#read(() => this.#database.prepare(statement).all(...from.values, ...more));
    return rows as unknown as readonly Counted[];
  }
}

function addTo(tally: Tally | undefined, { errors, bins }: Counted): void {
  if (tally === undefined) return;
  tally.errors += errors;
  eachBin(bins, (bin, calls) => tally.add({ bin, calls, errors: 0 }));
}

interface Rows {
  readonly sql: string;
  readonly values: readonly (string | number)[];
}

/** One query for each stretch of steps: each follows the primary key. */
function rowsOf(segments: readonly Segment[], { dimension, start, end }: Slice, only?: string): Rows {
  const within = end === undefined ? [] : [start, end];
  const values = only === undefined ? within : [only];
  const condition =
    only !== undefined ? "and value = ?" : end === undefined ? "" : "and value >= ? and value < ?";
  const queries = segments.map(
    () => `select value, start, calls, errors, bins from request_counts
    where step = ? and dimension = ? and start >= ? and start < ? ${condition}`,
  );
  return {
    sql: queries.join(" union all "),
    values: segments.flatMap(({ step, since, until }) => [
      steps[step].code,
      dimension,
      since,
      until,
      ...values,
    ]),
  };
}
