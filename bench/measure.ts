/** One figure of a run: what took how long, in microseconds for each operation. */
export interface Figure {
  readonly name: string;
  /** The median of the turns. */
  readonly microseconds: number;
  readonly turns: readonly number[];
}

/** Makes a number of operations. It may measure itself, and then answers with milliseconds. */
export type Competitor = (operations: number) => unknown;

/**
 * Runs competitors turn by turn, so that a slow moment of the machine meets all of them, and takes each one's median.
 * `operations` is how many a turn makes.
 */
export async function compete(
  turns: number,
  operations: number,
  competitors: Readonly<Record<string, Competitor>>,
): Promise<readonly Figure[]> {
  const times = new Map<string, number[]>(Object.keys(competitors).map((name) => [name, []]));
  for (const run of Object.values(competitors)) await run(operations);
  for (let turn = 0; turn < turns; turn++) {
    for (const [name, run] of Object.entries(competitors)) {
      const start = performance.now();
      const own = await run(operations);
      const spent = typeof own === "number" ? own : performance.now() - start;
      times.get(name)?.push((spent * 1000) / operations);
    }
  }
  return [...times].map(([name, all]) => ({ name, microseconds: quantile(all, 0.5), turns: all }));
}

/** How many times as long it took: the median over the turns, each of which is a moment of the machine. */
export function timesAsLong(one: Figure, another: Figure): number {
  return quantile(
    one.turns.map((microseconds, turn) => microseconds / (another.turns[turn] ?? Number.NaN)),
    0.5,
  );
}

/** The value below which a share of the numbers lies. */
export function quantile(numbers: readonly number[], share: number): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** The mean without the slowest and the fastest twentieth. */
export function trimmedMean(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  const cut = Math.floor(sorted.length / 20);
  const kept = sorted.slice(cut, sorted.length - cut);
  return kept.reduce((sum, value) => sum + value, 0) / kept.length;
}

/** The figure of a name. A missing one is a mistake in the benchmark. */
export function figureOf(figures: readonly Figure[], name: string): Figure {
  const found = figures.find((candidate) => candidate.name === name);
  if (found === undefined) throw new Error(`no figure named ${name}`);
  return found;
}

/** Its microseconds. */
export function figure(figures: readonly Figure[], name: string): number {
  return figureOf(figures, name).microseconds;
}
