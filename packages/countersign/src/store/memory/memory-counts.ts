import type { Segment } from "../request-log/coverage.ts";
import { type RollupRow, type Slice, steps, Tally } from "../request-log/rollup.ts";
import type { KeptCounts, ValueTally } from "../request-log/statistics.ts";

/** The statistics of a log in memory. */
export class MemoryCounts implements KeptCounts {
  readonly #rollups = new Map<string, RollupRow>();

  add(rows: readonly RollupRow[]): void {
    for (const row of rows) {
      const key = `${row.step} ${row.dimension} ${row.start} ${row.bin} ${row.value}`;
      const known = this.#rollups.get(key) ?? { ...row, calls: 0, errors: 0 };
      known.calls += row.calls;
      known.errors += row.errors;
      this.#rollups.set(key, known);
    }
  }

  prune(now: number): void {
    for (const [key, { step, start }] of this.#rollups) {
      const known = Object.values(steps).find(({ code }) => code === step);
      if (known !== undefined && start + known.ms <= now - known.keptMs) this.#rollups.delete(key);
    }
  }

  async tally(segments: readonly Segment[], slice: Slice, value: string): Promise<Tally> {
    const tally = new Tally();
    for (const row of this.#within(segments, slice)) if (row.value === slice.start + value) tally.add(row);
    return tally;
  }

  async largest(segments: readonly Segment[], slice: Slice, top: number): Promise<readonly ValueTally[]> {
    const values = this.#by(segments, slice, ({ value }) => value.slice(slice.start.length));
    return [...values]
      .map(([value, tally]) => ({ value, tally }))
      .sort((a, b) => b.tally.calls - a.tally.calls || (a.value < b.value ? -1 : 1))
      .slice(0, top);
  }

  async points(segment: Segment, slice: Slice, value: string): Promise<ReadonlyMap<number, Tally>> {
    const wanted = slice.start + value;
    const points = this.#by([segment], slice, (row) => (row.value === wanted ? row.start : undefined));
    return new Map([...points].sort(([a], [b]) => a - b));
  }

  /** Those for which there is no key are left out. */
  #by<K>(
    segments: readonly Segment[],
    slice: Slice,
    keyOf: (row: RollupRow) => K | undefined,
  ): ReadonlyMap<K, Tally> {
    const tallies = new Map<K, Tally>();
    for (const row of this.#within(segments, slice)) {
      const key = keyOf(row);
      if (key === undefined) continue;
      const tally = tallies.get(key) ?? new Tally();
      tally.add(row);
      tallies.set(key, tally);
    }
    return tallies;
  }

  #within(segments: readonly Segment[], { dimension, start }: Slice): readonly RollupRow[] {
    return [...this.#rollups.values()].filter(
      (row) =>
        row.dimension === dimension &&
        row.value.startsWith(start) &&
        segments.some(
          ({ step, since, until }) =>
            row.step === steps[step].code && row.start >= since && row.start < until,
        ),
    );
  }
}
