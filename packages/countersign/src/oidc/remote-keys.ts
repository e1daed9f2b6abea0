import type { KeyRing } from "../jwt/key-ring.ts";

export interface RemoteKeysOptions {
  /** Fetches the keys that are published now. */
  readonly fetch: () => Promise<KeyRing>;
  /** Milliseconds on a clock that nobody sets. */
  readonly elapsed: () => number;
  /** After so long, keys are fetched again, while the old ones go on being used. */
  readonly refreshAfterMs: number;
  /** Keys that were fetched longer ago are not used. */
  readonly usableForMs: number;
  /** Between two fetches for tokens whose key nobody knows. */
  readonly cooldownMs: number;
  /** Hears of every fetch that failed. */
  readonly onError: (error: Error) => void;
}

/** The pause after the first fetch that failed; it doubles, up to the cooldown. */
const firstPauseMs = 1000;

/**
 * The published keys of one issuer, kept up to date. At most one fetch is under way; whoever needs it waits for the
 * same one. A fetch that fails leaves the keys as they were.
 */
export class RemoteKeys {
  readonly #options: RemoteKeysOptions;
  #ring: KeyRing | undefined;
  #fetchedAt = 0;
  #inFlight: Promise<KeyRing> | undefined;
  /** Why the last fetch failed; undefined if it did not. */
  #failure: Error | undefined;
  #failures = 0;
  #retryFrom = Number.NEGATIVE_INFINITY;
  #renewableFrom = Number.NEGATIVE_INFINITY;

  constructor(options: RemoteKeysOptions) {
    this.#options = options;
  }

  /** The keys, if they can be used. Fetches them again behind the caller's back when it is time to. */
  current(): KeyRing | undefined {
    if (this.#ring === undefined) return undefined;
    const { elapsed, refreshAfterMs, usableForMs } = this.#options;
    const age = elapsed() - this.#fetchedAt;
    if (age < refreshAfterMs) return this.#ring;
    if (age >= usableForMs) return undefined;
    if (!this.#pauses()) this.#fetch().catch(() => {});
    return this.#ring;
  }

  /** The keys, fetched if that is needed. Rejects if they cannot be had, and soon after that without trying again. */
  async load(): Promise<KeyRing> {
    const ring = this.current();
    if (ring !== undefined) return ring;
    if (this.#inFlight === undefined && this.#pauses()) throw this.#failure;
    return this.#fetch();
  }

  /**
   * Keys other than these, for a token whose key is not among them. Undefined if it is too soon to fetch again.
   * Rejects if nobody can tell whether there are others.
   */
  async renew(known: KeyRing): Promise<KeyRing | undefined> {
    if (this.#ring !== known) return this.#ring;
    if (this.#inFlight === undefined) {
      const now = this.#options.elapsed();
      if (now < this.#renewableFrom || this.#pauses()) {
        if (this.#failure !== undefined) throw this.#failure;
        return undefined;
      }
      this.#renewableFrom = now + this.#options.cooldownMs;
    }
    return this.#fetch();
  }

  #pauses(): boolean {
    return this.#failure !== undefined && this.#options.elapsed() < this.#retryFrom;
  }

  #fetch(): Promise<KeyRing> {
    this.#inFlight ??= this.#attempt().finally(() => {
      this.#inFlight = undefined;
    });
    return this.#inFlight;
  }

  async #attempt(): Promise<KeyRing> {
    const { fetch, elapsed, cooldownMs, onError } = this.#options;
    try {
      // How old they are is measured from when they were asked for.
      const askedAt = elapsed();
      const ring = await fetch();
      this.#ring = ring;
      this.#fetchedAt = askedAt;
      this.#failure = undefined;
      this.#failures = 0;
      return ring;
    } catch (error) {
      this.#failure = error as Error;
      this.#retryFrom = elapsed() + Math.min(firstPauseMs * 2 ** this.#failures, cooldownMs);
      this.#failures = Math.min(this.#failures + 1, 16);
      onError(this.#failure);
      throw this.#failure;
    }
  }
}
