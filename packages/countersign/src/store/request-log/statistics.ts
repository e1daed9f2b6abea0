import type {
  RequestDimension,
  RequestGroup,
  RequestPoint,
  RequestStatistics,
  SeriesQuery,
  StatisticsQuery,
} from "../request-contracts.ts";
import { coverageOf, type Segment } from "./coverage.ts";
import { type Slice, sliceOf, steps, Tally } from "./rollup.ts";

/** What a store has counted, as statistics read it. Values come and go without what a slice puts before them. */
export interface KeptCounts {
  /** Of one value, in all of the segments. */
  tally(segments: readonly Segment[], slice: Slice, value: string): Promise<Tally>;
  /** The values with the most calls, those first; equal ones by name. */
  largest(segments: readonly Segment[], slice: Slice, top: number): Promise<readonly ValueTally[]>;
  /** Of one value, each step of a segment that has calls, by when it begins. In order. */
  points(segment: Segment, slice: Slice, value: string): Promise<ReadonlyMap<number, Tally>>;
}

export interface ValueTally {
  readonly value: string;
  readonly tally: Tally;
}

const none = new Tally();

/** See `RequestLog.statistics`. */
export async function statisticsOf(
  counts: KeptCounts,
  { of, tenantId, top, lists, ...asked }: StatisticsQuery,
  now: number,
): Promise<RequestStatistics> {
  const { range, segments } = coverageOf(asked, now);
  const all = await counts.tally(segments, sliceOf(of?.dimension ?? "all", tenantId), of?.value ?? "");
  // Nobody knows whose they were.
  const dropped =
    tenantId === undefined ? await counts.tally(segments, sliceOf("dropped", undefined), "") : none;
  const groups = async (dimension: RequestDimension): Promise<readonly RequestGroup[]> => {
    if (of !== undefined || top === 0 || lists?.includes(dimension) === false) return [];
    const values = await counts.largest(segments, sliceOf(dimension, tenantId), top);
    return values.map(({ value, tally }) => ({ value, ...tally.figures() }));
  };
  return {
    range,
    ...all.figures(),
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
export async function seriesOf(
  counts: KeptCounts,
  { of, tenantId, step, since, until }: SeriesQuery,
): Promise<readonly RequestPoint[]> {
  const { ms } = steps[step];
  const segment = { step, since: Math.floor(since / ms) * ms, until };
  const slice = sliceOf(of?.dimension ?? "all", tenantId);
  const points = await counts.points(segment, slice, of?.value ?? "");
  return [...points].map(([start, point]) => ({ since: start, ...point.figures() }));
}
