/** Each bin is 10 % wider than the one before: what stands in its middle is at most 5 % off. */
const growth = 1.1;
/** The shortest time that is told apart, in milliseconds. */
const shortest = 0.01;
const logGrowth = Math.log(growth);
/** About 24 days; what takes longer is in the last bin. */
export const lastBin = 261;

/** The bin of a duration. */
export function binOf(durationMs: number): number {
  if (!(durationMs > shortest)) return 0;
  return Math.min(lastBin, Math.ceil(Math.log(durationMs / shortest) / logGrowth));
}

/** What a bin stands for: from both of its ends it is equally far, as a share. */
export function durationOf(bin: number): number {
  if (bin === 0) return shortest;
  return (shortest * growth ** bin * 2) / (1 + growth);
}

/** How many calls are in each bin. Histograms are added by adding their bins. */
export type Histogram = ReadonlyMap<number, number>;

/** The duration that a share of the calls did not exceed; undefined without calls. */
export function quantileOf(histogram: Histogram, share: number): number | undefined {
  const bins = [...histogram].sort(([a], [b]) => a - b);
  const total = bins.reduce((sum, [, calls]) => sum + calls, 0);
  const rank = Math.max(1, Math.ceil(total * share));
  let seen = 0;
  for (const [bin, calls] of bins) {
    seen += calls;
    if (seen >= rank) return durationOf(bin);
  }
  return undefined;
}
