/** How often something may go wrong in a minute, by name, on this process. */
export interface MissBudget {
  /** Takes one. Returns 0, or after how many seconds there is room again. */
  take(name: string): number;
  /** It did not go wrong. */
  giveBack(name: string): void;
}

interface Window {
  readonly begins: number;
  taken: number;
}

const windowMs = 60_000;
/** How many names are kept apart; the oldest windows go first. */
const capacity = 10_000;

/** `elapsed`: milliseconds of a clock that never jumps. */
export function createMissBudget(
  perMinute: number,
  elapsed: () => number = () => performance.now(),
): MissBudget {
  const windows = new Map<string, Window>();
  return Object.freeze({
    take(name: string): number {
      const now = elapsed();
      const known = windows.get(name);
      if (known !== undefined && now - known.begins < windowMs) {
        if (known.taken >= perMinute) return Math.ceil((windowMs - (now - known.begins)) / 1000);
        known.taken += 1;
        return 0;
      }
      windows.delete(name);
      windows.set(name, { begins: now, taken: 1 });
      const [oldest] = windows.keys();
      if (windows.size > capacity && oldest !== undefined) windows.delete(oldest);
      return 0;
    },
    giveBack(name: string): void {
      const known = windows.get(name);
      if (known !== undefined && known.taken > 0) known.taken -= 1;
    },
  });
}
