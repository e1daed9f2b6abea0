import type { UsageCount, UsagePeriod } from "./api-key-contracts.ts";

/** Milliseconds. Hours and days are those of UTC, which has no others. */
export const periodMs: Readonly<Record<UsagePeriod, number>> = { hour: 3_600_000, day: 86_400_000 };

/** When the period of an instant began. */
export function periodStart(period: UsagePeriod, at: number): number {
  return Math.floor(at / periodMs[period]) * periodMs[period];
}

/** Counts by the start of their period: each hour, and the day that it belongs to. */
export function countsByPeriod(hours: readonly UsageCount[]): readonly {
  readonly period: UsagePeriod;
  readonly startsAt: number;
  readonly allowed: number;
  readonly denied: number;
}[] {
  const sums = new Map<string, { period: UsagePeriod; startsAt: number; allowed: number; denied: number }>();
  for (const { startsAt, allowed, denied } of hours) {
    for (const period of ["hour", "day"] as const) {
      const start = periodStart(period, startsAt.getTime());
      const sum = sums.get(`${period} ${start}`) ?? { period, startsAt: start, allowed: 0, denied: 0 };
      sums.set(`${period} ${start}`, { ...sum, allowed: sum.allowed + allowed, denied: sum.denied + denied });
    }
  }
  return [...sums.values()];
}

/** For how long it is known which flush of a writer was the last. */
export const keepFlushesMs = 30 * 86_400_000;

/** How many networks of one key are remembered. */
export const rememberedNetworks = 256;

/** How long a link that is over can still tell when it was used. */
export const keepLinksMs = 7 * 86_400_000;
