import type { MaybePromise } from "../core/decision.ts";
import type { CallLimit } from "../core/limit.ts";

/** One of the limits that a call falls under, and whose call it is. Limits are kept apart by name and kind. */
export interface LimitTake {
  readonly limit: CallLimit;
  /** A user's or a key's id, or a network. */
  readonly subject: string;
  /** How many calls it counts for. Default: 1. 0: only asks whether there is room for one more. */
  readonly calls?: number | undefined;
}

export type LimitVerdict =
  | { readonly ok: true }
  | {
      readonly ok: false;
      /** The one that is full; of several, the one that is full for longest. */
      readonly full: LimitTake;
      /** Above 0, and not longer than needed by a millisecond. */
      readonly retryAfterSeconds: number;
    };

/** How much of a limit is used. */
export interface LimitUsage {
  readonly used: number;
  /** When some of it comes free again: seconds from now, 0 where nothing is used. */
  readonly freesInSeconds: number;
}

/**
 * Counts calls, for one process or for all that share it. It throws or rejects with a `RangeError` for a limit that would
 * admit anything, and with `Unavailable` where it is away.
 */
export interface LimitStore {
  /**
   * Counts a call for all of these, or for none if one of them is full: no two calls come between the one and the other. At
   * no time are there more calls within a window than its limit. A limit is there once in one call.
   */
  take(takes: readonly LimitTake[]): MaybePromise<LimitVerdict>;
  /** Takes back what `take()` has counted last. */
  takeBack(takes: readonly LimitTake[]): MaybePromise<void>;
  /** In the order of the question. Changes nothing. */
  usage(takes: readonly LimitTake[]): MaybePromise<readonly LimitUsage[]>;
  /** Forgets what was counted. */
  reset(takes: readonly LimitTake[]): MaybePromise<void>;
  /** Removes, in small portions, what counts no more. */
  prune(): MaybePromise<void>;
}
