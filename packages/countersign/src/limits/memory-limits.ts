import type { CallLimit } from "../core/limit.ts";
import { CallWindow, requireTake } from "./call-window.ts";
import type { LimitStore, LimitTake, LimitUsage, LimitVerdict } from "./limit-store.ts";

export interface MemoryLimitsOptions {
  /** How many subjects are remembered for each limit; those that were quiet for longest go first. Default: 200,000. */
  readonly capacity?: number | undefined;
  /** Milliseconds since the epoch, for quotas. Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
  /** Milliseconds on a clock that nobody sets, for windows that slide. Default: `performance.now`. */
  readonly elapsed?: (() => number) | undefined;
}

/** A `LimitStore` whose answers are there at once. */
export interface MemoryLimits extends LimitStore {
  take(takes: readonly LimitTake[]): LimitVerdict;
  takeBack(takes: readonly LimitTake[]): void;
  usage(takes: readonly LimitTake[]): readonly LimitUsage[];
  reset(takes: readonly LimitTake[]): void;
  prune(): void;
}

/** Limits of this process. They begin anew with it. */
export function createMemoryLimits(options: MemoryLimitsOptions = {}): MemoryLimits {
  const { capacity = 200_000, now = Date.now, elapsed = () => performance.now() } = options;
  if (!Number.isSafeInteger(capacity) || capacity < 2)
    throw new TypeError("capacity must be an integer of 2 or more");
  return new ProcessLimits(capacity, now, elapsed);
}

const admitted: LimitVerdict = Object.freeze({ ok: true });

class ProcessLimits implements MemoryLimits {
  readonly #half: number;
  readonly #now: () => number;
  readonly #elapsed: () => number;
  /** By kind and name of the limit. */
  readonly #rates = new Map<string, Subjects>();
  readonly #quotas = new Map<string, Subjects>();
  readonly #found: (CallWindow | undefined)[] = [];

  constructor(capacity: number, now: () => number, elapsed: () => number) {
    this.#half = Math.floor(capacity / 2);
    this.#now = now;
    this.#elapsed = elapsed;
  }

  take(takes: readonly LimitTake[]): LimitVerdict {
    const elapsed = this.#elapsed();
    // One array for all calls: nothing else runs meanwhile.
    const windows = this.#found;
    windows.length = 0;
    let full: LimitTake | undefined;
    let longest = 0;
    for (const take of takes) {
      requireTake(take);
      const { limit, subject, calls = 1 } = take;
      const window = this.#subjects(limit).get(subject);
      windows.push(window);
      if (window === undefined) continue;
      const now = limit.kind === "rate" ? elapsed : this.#now();
      window.expire(limit, now);
      const wait = window.waitMs(limit, calls, now);
      if (wait <= longest) continue;
      full = take;
      longest = wait;
    }
    if (full !== undefined) return { ok: false, full, retryAfterSeconds: longest / 1000 };
    for (let index = 0; index < takes.length; index += 1) {
      const { limit, subject, calls = 1 } = takes[index] as LimitTake;
      if (calls === 0) continue;
      const window = windows[index] ?? this.#begin(limit, subject);
      window.add(limit, calls, limit.kind === "rate" ? elapsed : this.#now());
    }
    return admitted;
  }

  takeBack(takes: readonly LimitTake[]): void {
    for (const take of takes)
      this.#subjects(take.limit)
        .get(take.subject)
        ?.takeBack(take.calls ?? 1);
  }

  usage(takes: readonly LimitTake[]): readonly LimitUsage[] {
    return takes.map((take) => {
      requireTake(take);
      const now = this.#clock(take.limit);
      const window = this.#subjects(take.limit).get(take.subject) ?? new CallWindow();
      window.expire(take.limit, now);
      return window.usage(take.limit, now);
    });
  }

  reset(takes: readonly LimitTake[]): void {
    for (const take of takes) this.#subjects(take.limit).delete(take.subject);
  }

  prune(): void {
    // Bounded, and forgotten with what has not been asked about for longest.
  }

  #begin(limit: CallLimit, subject: string): CallWindow {
    const window = new CallWindow();
    this.#subjects(limit).set(subject, window);
    return window;
  }

  #subjects(limit: CallLimit): Subjects {
    const all = limit.kind === "rate" ? this.#rates : this.#quotas;
    let subjects = all.get(limit.name);
    if (subjects === undefined) {
      subjects = new Subjects(this.#half);
      all.set(limit.name, subjects);
    }
    return subjects;
  }

  #clock(limit: CallLimit): number {
    return limit.kind === "rate" ? this.#elapsed() : this.#now();
  }
}

/** Two generations: when the young one is full it becomes the old one, and what is still asked about moves over. */
class Subjects {
  readonly #half: number;
  #young = new Map<string, CallWindow>();
  #old = new Map<string, CallWindow>();

  constructor(half: number) {
    this.#half = half;
  }

  get(subject: string): CallWindow | undefined {
    const window = this.#young.get(subject);
    if (window !== undefined) return window;
    const older = this.#old.get(subject);
    if (older !== undefined) this.set(subject, older);
    return older;
  }

  set(subject: string, window: CallWindow): void {
    if (this.#young.size >= this.#half) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(subject, window);
  }

  delete(subject: string): void {
    this.#young.delete(subject);
    this.#old.delete(subject);
  }
}
