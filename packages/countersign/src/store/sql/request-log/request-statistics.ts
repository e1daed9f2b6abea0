import { type Kysely, type RawBuilder, sql } from "kysely";
import type {
  RequestDimension,
  RequestGroup,
  RequestPoint,
  RequestStatistics,
  SeriesQuery,
  StatisticsQuery,
} from "../../request-contracts.ts";
import { coverageOf, type Segment } from "../../request-log/coverage.ts";
import { type Slice, sliceOf, steps, Tally } from "../../request-log/rollup.ts";

interface Counted {
  readonly value: string;
  readonly bin: number;
  readonly start: number | string;
  readonly calls: number | string;
  readonly errors: number | string;
}

const none = new Tally();

/** See `RequestLog.statistics`. */
export async function requestStatistics(
  db: Kysely<unknown>,
  { of, tenantId, top, lists, ...asked }: StatisticsQuery,
  now: number,
): Promise<RequestStatistics> {
  const { range, segments } = coverageOf(asked, now);
  const figures = await tally(db, segments, sliceOf(of?.dimension ?? "all", tenantId), of?.value ?? "");
  // Nobody knows whose they were.
  const dropped =
    tenantId === undefined ? await tally(db, segments, sliceOf("dropped", undefined), "") : none;
  const groups = async (dimension: RequestDimension): Promise<readonly RequestGroup[]> =>
    of === undefined && (lists?.includes(dimension) ?? true)
      ? largest(db, segments, sliceOf(dimension, tenantId), top)
      : [];
  return {
    range,
    ...figures.figures(),
    dropped: dropped.calls,
    by: {
      procedure: await groups("procedure"),
      apiKey: await groups("apiKey"),
      user: await groups("user"),
      reason: await groups("reason"),
      code: await groups("code"),
    },
  };
}

/** See `RequestLog.series`. */
export async function requestSeries(
  db: Kysely<unknown>,
  { of, tenantId, step, since, until }: SeriesQuery,
): Promise<readonly RequestPoint[]> {
  const { ms } = steps[step];
  const segment = { step, since: Math.floor(since / ms) * ms, until };
  const cells = cellsOf([segment], sliceOf(of?.dimension ?? "all", tenantId), of?.value ?? "");
  const { rows } = await sql<Counted>`select start, bin, sum(calls) as calls, sum(errors) as errors
    from (${cells}) as cells group by start, bin order by start, bin`.execute(db);
  const points = new Map<number, Tally>();
  for (const row of rows) {
    const start = Number(row.start);
    const point = points.get(start) ?? new Tally();
    points.set(start, point);
    point.add(counts(row));
  }
  return [...points].map(([start, point]) => ({ since: start, ...point.figures() }));
}

async function tally(
  db: Kysely<unknown>,
  segments: readonly Segment[],
  slice: Slice,
  value: string,
): Promise<Tally> {
  const all = new Tally();
  if (segments.length === 0) return all;
  const { rows } = await sql<Counted>`select bin, sum(calls) as calls, sum(errors) as errors
    from (${cellsOf(segments, slice, value)}) as cells group by bin`.execute(db);
  for (const row of rows) all.add(counts(row));
  return all;
}

/** The values with the most calls, and then all that there is about these. */
async function largest(
  db: Kysely<unknown>,
  segments: readonly Segment[],
  slice: Slice,
  top: number,
): Promise<readonly RequestGroup[]> {
  if (segments.length === 0 || top === 0) return [];
  const { rows: values } = await sql<
    Pick<Counted, "value">
  >`select value from (${cellsOf(segments, slice)}) as cells
    group by value order by sum(calls) desc, value limit ${top}`.execute(db);
  const groups = new Map(values.map(({ value }) => [value, new Tally()]));
  if (groups.size === 0) return [];
  const { rows } = await sql<Counted>`select value, bin, sum(calls) as calls, sum(errors) as errors
    from (${cellsOf(segments, slice)}) as cells where value in (${sql.join([...groups.keys()])})
    group by value, bin`.execute(db);
  for (const row of rows) groups.get(row.value)?.add(counts(row));
  return [...groups].map(([value, group]) => ({
    value: value.slice(slice.start.length),
    ...group.figures(),
  }));
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
