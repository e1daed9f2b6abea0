const relative = new Intl.RelativeTimeFormat(undefined, { style: "short" });
const now = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });

/** Units, the seconds of each, and up to how many of them are said. */
const steps: readonly (readonly [Intl.RelativeTimeFormatUnit, length: number, below: number])[] = [
  ["minute", 60, 60],
  ["hour", 3600, 24],
  ["day", 86_400, 45],
  ["month", 2_629_746, 12],
  ["year", 31_556_952, Number.POSITIVE_INFINITY],
];

/** `3 min ago`, `in 2 days`: the nearest whole number. What was set to end in 30 days ends in 30 days a moment later, too. */
export function fromNow(date: Date, from = Date.now()): string {
  const seconds = (date.getTime() - from) / 1000;
  if (Math.abs(seconds) < 60) return now.format(0, "minute");
  for (const [unit, length, below] of steps) {
    const count = Math.round(seconds / length);
    if (Math.abs(count) < below) return relative.format(count, unit);
  }
  return "";
}
