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

  constructor(capacity: number, now: () => number, elapsed: () => number) {
    this.#half = Math.floor(capacity / 2);
    this.#now = now;
    this.#elapsed = elapsed;
  }

  take(takes: readonly LimitTake[]): LimitVerdict {
    let full: LimitTake | undefined;
    let longest = 0;
    for (const take of takes) {
      requireTake(take);
      const wait = this.#waitMs(take);
      if (wait <= longest) continue;
      full = take;
      longest = wait;
    }
    if (full !== undefined) return { ok: false, full, retryAfterSeconds: longest / 1000 };
    for (const take of takes) this.#add(take);
    return admitted;
  }

  takeBack(takes: readonly LimitTake[]): void {
    for (const take of takes)
      this.#subjects(take)
        .get(take.subject)
        ?.takeBack(take.calls ?? 1);
  }

  usage(takes: readonly LimitTake[]): readonly LimitUsage[] {
    return takes.map((take) => {
      requireTake(take);
      const now = this.#clock(take);
      const window = this.#subjects(take).get(take.subject) ?? new CallWindow();
      window.expire(take.limit, now);
      return window.usage(take.limit, now);
    });
  }

  reset(takes: readonly LimitTake[]): void {
    for (const take of takes) this.#subjects(take).delete(take.subject);
  }

  prune(): void {
    // Bounded, and forgotten with what has not been asked about for longest.
  }

  #waitMs(take: LimitTake): number {
    const window = this.#subjects(take).get(take.subject);
    if (window === undefined) return 0;
    const now = this.#clock(take);
    window.expire(take.limit, now);
    return window.waitMs(take.limit, take.calls ?? 1, now);
  }

  #add(take: LimitTake): void {
    const { limit, subject, calls = 1 } = take;
    if (calls === 0) return;
    const subjects = this.#subjects(take);
    let window = subjects.get(subject);
    if (window === undefined) {
      window = new CallWindow();
      subjects.set(subject, window);
    }
    window.add(limit, calls, this.#clock(take));
  }

  #subjects({ limit }: LimitTake): Subjects {
    const all = limit.kind === "rate" ? this.#rates : this.#quotas;
    let subjects = all.get(limit.name);
    if (subjects === undefined) {
      subjects = new Subjects(this.#half);
      all.set(limit.name, subjects);
    }
    return subjects;
  }

  #clock({ limit }: LimitTake): number {
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
