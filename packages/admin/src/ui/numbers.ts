const whole = new Intl.NumberFormat();
const short = new Intl.NumberFormat(undefined, { notation: "compact", maximumFractionDigits: 1 });
const rate = new Intl.NumberFormat(undefined, { notation: "compact", maximumSignificantDigits: 2 });
const percent = new Intl.NumberFormat(undefined, { style: "percent", maximumFractionDigits: 2 });

export const formatCount = (value: number | bigint): string => whole.format(value);
export const formatShort = (value: number | bigint): string => short.format(value);
export const formatRate = (value: number): string => rate.format(value);
export const formatPercent = (value: number): string => percent.format(value);

/** `0.42 ms`, `18 ms`, `2.1 s`. */
export function formatDuration(ms: number): string {
  if (ms === 0) return "0 ms";
  if (ms >= 1000) return `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`;
  return `${ms >= 100 ? Math.round(ms) : ms.toPrecision(2)} ms`;
}
