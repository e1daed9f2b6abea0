const count = new Intl.NumberFormat();
const whole = new Intl.NumberFormat(undefined, { maximumFractionDigits: 0 });
const tenths = new Intl.NumberFormat(undefined, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const hundredths = new Intl.NumberFormat(undefined, { maximumFractionDigits: 2 });
const twoDigits = new Intl.NumberFormat(undefined, {
  ...{ minimumSignificantDigits: 2, maximumSignificantDigits: 2 },
});
const short = new Intl.NumberFormat(undefined, { notation: "compact", maximumFractionDigits: 1 });
const rate = new Intl.NumberFormat(undefined, { notation: "compact", maximumSignificantDigits: 2 });
// Rounded down: with one failure among many it is not 100 %.
const percent = new Intl.NumberFormat(undefined, {
  ...{ style: "percent", maximumFractionDigits: 2, roundingMode: "floor" },
} as const);

export const formatCount = (value: number | bigint): string => count.format(value);
export const formatShort = (value: number | bigint): string => short.format(value);
export const formatRate = (value: number): string => rate.format(value);
export const formatPercent = (value: number): string => percent.format(value);

/** `0.42 ms`, `18 ms`, `2.1 s`. */
export function formatDuration(ms: number): string {
  if (ms >= 999.5) return `${(ms < 9_950 ? tenths : whole).format(Math.round(ms / 100) / 10)} s`;
  if (ms >= 99.5) return `${whole.format(Math.round(ms))} ms`;
  return ms < 0.005 ? "0 ms" : `${(ms < 0.1 ? hundredths : twoDigits).format(ms)} ms`;
}
