const whole = new Intl.NumberFormat();
const short = new Intl.NumberFormat(undefined, { notation: "compact", maximumFractionDigits: 1 });
const rate = new Intl.NumberFormat(undefined, { notation: "compact", maximumSignificantDigits: 2 });
// Rounded down: with one failure among many it is not 100 %.
const percent = new Intl.NumberFormat(undefined, {
  ...{ style: "percent", maximumFractionDigits: 2, roundingMode: "floor" },
} as const);

export const formatCount = (value: number | bigint): string => whole.format(value);
export const formatShort = (value: number | bigint): string => short.format(value);
export const formatRate = (value: number): string => rate.format(value);
export const formatPercent = (value: number): string => percent.format(value);

/** `0.42 ms`, `18 ms`, `2.1 s`. */
export function formatDuration(ms: number): string {
  if (ms >= 999.5) return `${(ms / 1000).toFixed(ms < 9_950 ? 1 : 0)} s`;
  if (ms >= 99.5) return `${Math.round(ms)} ms`;
  return ms < 0.005 ? "0 ms" : `${ms < 0.1 ? ms.toFixed(2) : ms.toPrecision(2)} ms`;
}
