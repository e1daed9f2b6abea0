import type { MaybePromise } from "../core/decision.ts";
import { Refusal } from "../core/refusal.ts";

/** So many in so long. */
export interface CallLimit {
  readonly limit: number;
  readonly windowSeconds: number;
}

export type LimitVerdict = { readonly ok: true } | { readonly ok: false; readonly retryAfterSeconds: number };

/** Counts calls. In memory, or in one place for all nodes. */
export interface CallLimits {
  /** Counts so many calls (default 1) under a name. 0: only asks whether there is room for one more. */
  take(name: string, limit: CallLimit, calls?: number): MaybePromise<LimitVerdict>;
}

interface Bucket {
  /** What is left, as of `at`. */
  left: number;
  at: number;
}

/** How many names are kept apart. Those that were quiet for longest are forgotten first. */
const capacity = 10_000;

/** Limits of this process: a bucket for each name, which fills up evenly. `elapsed`: milliseconds of a clock that never jumps. */
export function createCallLimits(elapsed: () => number = () => performance.now()): CallLimits {
  const buckets = new Map<string, Bucket>();
  return Object.freeze({
    take(name: string, { limit, windowSeconds }: CallLimit, calls = 1): LimitVerdict {
      const now = elapsed();
      const perMs = limit / (windowSeconds * 1000);
      const known = buckets.get(name);
      const left = known === undefined ? limit : Math.min(limit, known.left + (now - known.at) * perMs);
      if (left < Math.max(calls, 1)) {
        return { ok: false, retryAfterSeconds: Math.ceil((Math.max(calls, 1) - left) / perMs / 1000) };
      }
      buckets.delete(name);
      buckets.set(name, { left: left - calls, at: now });
      const [oldest] = buckets.keys();
      if (buckets.size > capacity && oldest !== undefined) buckets.delete(oldest);
      return { ok: true };
    },
  });
}

/** Throws `RATE_LIMITED` where a limit is reached. */
export async function requireRoom(
  limits: CallLimits,
  name: string,
  { limit, calls }: { readonly limit: CallLimit; readonly calls?: number },
): Promise<void> {
  const verdict = await limits.take(name, limit, calls);
  if (!verdict.ok) throw new Refusal("RATE_LIMITED", { retryAfterSeconds: verdict.retryAfterSeconds });
}
