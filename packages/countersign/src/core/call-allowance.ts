/** So many calls in each period: below a day a rate, from a day on a quota. Periods of days and months are those of UTC. */
export interface CallAllowance {
  /** At least 1. */
  readonly calls: number;
  readonly per: AllowancePeriod;
}

export const allowancePeriods = ["second", "minute", "hour", "day", "month"] as const;
export type AllowancePeriod = (typeof allowancePeriods)[number];
