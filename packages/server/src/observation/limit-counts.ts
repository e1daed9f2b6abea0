import type { CallLimit, CredentialThrottle, MaybePromise } from "countersign";
import type { LimitStore, LimitTake, LimitVerdict } from "countersign/limits";

/** How a limit was asked: there was room, it was full, or nobody could tell. */
export type LimitOutcome = "allowed" | "limited" | "unavailable";

type Outcomes = Record<LimitOutcome, number>;

/** The name under which the limits of single keys are counted: their owners make them up. */
const ofKeys = "key";

/** Counts what limits and the throttle say, as plain numbers. Read at a scrape. */
export class LimitCounts {
  /** By the names of the configuration, which has one of each. */
  readonly limits: Readonly<Record<CallLimit["kind"], Map<string, Outcomes>>> = {
    rate: new Map(),
    quota: new Map(),
  };
  /** Credentials that were not verified, or not told apart, because too many were bad before. */
  throttled = 0;
  readonly #watched = new WeakMap<LimitStore, LimitStore>();

  /** The same store, whose answers are counted. */
  watch(store: LimitStore): LimitStore {
    const known = this.#watched.get(store);
    if (known !== undefined) return known;
    const { usage, takeBack, reset, prune } = store;
    const watched: LimitStore = Object.freeze({
      take: (takes: readonly LimitTake[]) => this.#take(store, takes),
      takeBack: takeBack.bind(store),
      usage: usage.bind(store),
      reset: reset.bind(store),
      prune: prune.bind(store),
    });
    this.#watched.set(store, watched);
    return watched;
  }

  watchThrottle(throttle: CredentialThrottle): CredentialThrottle {
    return Object.freeze<CredentialThrottle>({
      refusalBefore: (call, apiKeyId) => {
        const refusal = throttle.refusalBefore(call, apiKeyId);
        if (refusal !== undefined) this.throttled += 1;
        return refusal;
      },
      refused: (call, denied) => {
        const told = throttle.refused(call, denied);
        if (told !== denied) this.throttled += 1;
        return told;
      },
      spare: (call) => throttle.spare(call),
    });
  }

  #take(store: LimitStore, takes: readonly LimitTake[]): MaybePromise<LimitVerdict> {
    try {
      const verdict = store.take(takes);
      if (!(verdict instanceof Promise)) return this.#counted(takes, verdict);
      return verdict.then(
        (settled) => this.#counted(takes, settled),
        (error: unknown) => this.#failed(takes, error),
      );
    } catch (error) {
      return this.#failed(takes, error);
    }
  }

  #counted(takes: readonly LimitTake[], verdict: LimitVerdict): LimitVerdict {
    if (verdict.ok) for (const { limit } of takes) this.#outcomesOf(limit).allowed += 1;
    else this.#outcomesOf(verdict.full.limit).limited += 1;
    return verdict;
  }

  #failed(takes: readonly LimitTake[], error: unknown): never {
    for (const { limit } of takes) this.#outcomesOf(limit).unavailable += 1;
    throw error;
  }

  #outcomesOf({ kind, name }: CallLimit): Outcomes {
    const label = name.startsWith("key/") ? ofKeys : name;
    const known = this.limits[kind].get(label);
    if (known !== undefined) return known;
    const outcomes: Outcomes = { allowed: 0, limited: 0, unavailable: 0 };
    this.limits[kind].set(label, outcomes);
    return outcomes;
  }
}
