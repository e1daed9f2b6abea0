import type { RequestStep, TimeRange } from "../request-contracts.ts";
import { steps } from "./rollup.ts";

/** Steps from one on, up to another. */
export interface Segment extends TimeRange {
  readonly step: RequestStep;
}

export interface Coverage {
  /** The range that the segments make up: what was asked for, and what it takes to make its ends whole. */
  readonly range: TimeRange;
  readonly segments: readonly Segment[];
}

/**
 * The largest steps that make up a range: days in its middle, hours and minutes at its ends. Where the smaller ones are not
 * kept any more, the range begins or ends with a whole larger one.
 */
export function coverageOf({ since, until }: TimeRange, now: number): Coverage {
  const range = {
    since: floor(since, smallestKept(since, now)),
    until: ceil(until, smallestKept(until, now)),
  };
  if (range.until <= range.since) return { range: { since: range.since, until: range.since }, segments: [] };
  return { range, segments: split(range, "day") };
}

const smaller: Readonly<Record<RequestStep, RequestStep | undefined>> = {
  day: "hour",
  hour: "minute",
  minute: undefined,
};

function split(range: TimeRange, step: RequestStep): readonly Segment[] {
  const next = smaller[step];
  if (range.since >= range.until) return [];
  if (next === undefined) return [{ ...range, step }];
  const [since, until] = [ceil(range.since, step), floor(range.until, step)];
  if (since >= until) return split(range, next);
  return [
    ...split({ since: range.since, until: since }, next),
    { since, until, step },
    ...split({ since: until, until: range.until }, next),
  ];
}

/** With some time to spare: what is removed soon is not counted on. */
function smallestKept(at: number, now: number): RequestStep {
  const age = now - at;
  if (age < steps.minute.keptMs - steps.hour.ms) return "minute";
  return age < steps.hour.keptMs - steps.day.ms ? "hour" : "day";
}

function floor(at: number, step: RequestStep): number {
  const { ms } = steps[step];
  return Math.floor(at / ms) * ms;
}

function ceil(at: number, step: RequestStep): number {
  const { ms } = steps[step];
  return Math.ceil(at / ms) * ms;
}
