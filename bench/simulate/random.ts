/** Random numbers that are the same in every run. */
export interface Random {
  /** From 0 up to, and without, 1. */
  next(): number;
  exponential(mean: number): number;
  /** With this median, and this factor between median and the 84th percentile. */
  lognormal(median: number, spread: number): number;
}

/** Sfc32 by Chris Doty-Humphrey: passes PractRand, and needs no 64-bit arithmetic. */
export function createRandom(seed: number): Random {
  let [a, b, c, counter] = [0, seed | 0, 0x9e3779b9 | 0, 1];
  const word = (): number => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return sum >>> 0;
  };
  for (let round = 0; round < 15; round += 1) word();
  const next = (): number => word() / 0x1_0000_0000;
  const exponential = (mean: number): number => -Math.log(1 - next()) * mean;
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
  return {
    next,
    exponential,
    lognormal: (median, spread) => median * Math.exp(normal() * Math.log(spread)),
  };
}

/** Ranks from 1 to `count` by Zipf's law, for any count: rejection-inversion (Hörmann and Derflinger, 1996). */
export function createZipf(count: number, exponent: number, random: Random): () => number {
  const integral = (x: number): number =>
    exponent === 1 ? Math.log(x) : (x ** (1 - exponent) - 1) / (1 - exponent);
  const inverse = (y: number): number =>
    exponent === 1 ? Math.exp(y) : (1 + y * (1 - exponent)) ** (1 / (1 - exponent));
  const first = integral(1.5) - 1;
  const last = integral(count + 0.5);
  const shift = 2 - inverse(integral(2.5) - 2 ** -exponent);
  return () => {
    for (;;) {
      const u = last + random.next() * (first - last);
      const x = inverse(u);
      const rank = Math.min(Math.max(Math.round(x), 1), count);
      if (rank - x <= shift || u >= integral(rank + 0.5) - rank ** -exponent) return rank;
    }
  };
}
