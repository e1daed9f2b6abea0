import type { CallLimit } from "./limit.ts";

/** So many calls in each period: below a day a rate, from a day on a quota. Periods of days and months are those of UTC. */
export interface CallAllowance {
  /** At least 1. */
  readonly calls: number;
  readonly per: AllowancePeriod;
}

export const allowancePeriods = ["second", "minute", "hour", "day", "month"] as const;
export type AllowancePeriod = (typeof allowancePeriods)[number];

const rates: Readonly<Partial<Record<AllowancePeriod, number>>> = { second: 1, minute: 60, hour: 3600 };

/** The same as a limit that can be counted. */
export function callLimitOf({ calls, per }: CallAllowance): CallLimit {
  const name = `${calls} per ${per}`;
  if (per === "day" || per === "month") return { kind: "quota", name, limit: calls, period: per };
  return { kind: "rate", name, limit: calls, windowSeconds: rates[per] ?? 3600 };
}

/** The other way round. Undefined for a limit that no key is given. */
export function allowanceOf(limit: CallLimit): CallAllowance | undefined {
  const per =
    limit.kind === "quota"
      ? limit.period
      : allowancePeriods.find((period) => rates[period] === limit.windowSeconds);
  return per === undefined ? undefined : { calls: limit.limit, per };
}
