import { type Kysely, type RawBuilder, sql } from "kysely";
import type { Segment } from "../../../request-log/coverage.ts";
import { type Slice, steps, Tally } from "../../../request-log/rollup.ts";
import type { KeptCounts, ValueTally } from "../../../request-log/statistics.ts";

interface Counted {
  readonly value: string;
  readonly bin: number;
  readonly start: number | string;
  readonly calls: number | string;
  readonly errors: number | string;
}

/** The statistics of a log in PostgreSQL, which adds them up. */
export class PostgresCounts implements KeptCounts {
  readonly #db: Kysely<unknown>;

  constructor(db: Kysely<unknown>) {
    this.#db = db;
  }

  async tally(segments: readonly Segment[], slice: Slice, value: string): Promise<Tally> {
    const all = new Tally();
    if (segments.length === 0) return all;
    const { rows } = await sql<Counted>`select bin, sum(calls) as calls, sum(errors) as errors
      from (${cellsOf(segments, slice, value)}) as cells group by bin`.execute(this.#db);
    for (const row of rows) all.add(counts(row));
    return all;
  }

  /** The values, and then all that there is about these. */
  async largest(segments: readonly Segment[], slice: Slice, top: number): Promise<readonly ValueTally[]> {
    if (segments.length === 0) return [];
    const { rows: values } = await sql<
      Pick<Counted, "value">
    >`select value from (${cellsOf(segments, slice)}) as cells
      group by value order by sum(calls) desc, value limit ${top}`.execute(this.#db);
    const tallies = new Map(values.map(({ value }) => [value, new Tally()]));
    if (tallies.size === 0) return [];
    const { rows } = await sql<Counted>`select value, bin, sum(calls) as calls, sum(errors) as errors
      from (${cellsOf(segments, slice)}) as cells where value in (${sql.join([...tallies.keys()])})
      group by value, bin`.execute(this.#db);
    for (const row of rows) tallies.get(row.value)?.add(counts(row));
    return [...tallies].map(([value, tally]) => ({ value: value.slice(slice.start.length), tally }));
  }

  async points(segment: Segment, slice: Slice, value: string): Promise<ReadonlyMap<number, Tally>> {
    const { rows } = await sql<Counted>`select start, bin, sum(calls) as calls, sum(errors) as errors
      from (${cellsOf([segment], slice, value)}) as cells group by start, bin order by start, bin`.execute(
      this.#db,
    );
    const points = new Map<number, Tally>();
    for (const row of rows) {
      const start = Number(row.start);
      const point = points.get(start) ?? new Tally();
      points.set(start, point);
      point.add(counts(row));
    }
    return points;
  }
}

function counts({ bin, calls, errors }: Counted): { bin: number; calls: number; errors: number } {
  return { bin: Number(bin), calls: Number(calls), errors: Number(errors) };
}

/** One query for each stretch of steps: each follows the primary key. */
function cellsOf(
  segments: readonly Segment[],
  { dimension, start, end }: Slice,
  value?: string,
): RawBuilder<unknown> {
  const all = end === undefined ? sql`` : sql`and value >= ${start} and value < ${end}`;
  const only = value === undefined ? all : sql`and value = ${start + value}`;
  const queries = segments.map(
    ({ step, since, until }) => sql`select value, start, bin, calls, errors from request_rollups
      where step = ${steps[step].code} and dimension = ${dimension}
        and start >= ${since} and start < ${until} ${only}`,
  );
  return sql`${sql.join(queries, sql` union all `)}`;
}
