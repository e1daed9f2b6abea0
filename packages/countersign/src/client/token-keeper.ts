/** A header's value, and when it ends. */
export interface KeptToken {
  readonly value: string;
  /** In milliseconds since the epoch; `Infinity` where that is not known. */
  readonly expiresAt: number;
}

export interface TokenKeeperOptions {
  /** Gets a token. `old`: the value that it is to follow, which is about to end or was refused. */
  readonly fetch: (old: string | undefined) => Promise<KeptToken>;
  /** Milliseconds since the epoch. Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
}

interface Current extends KeptToken {
  /** From then on another is got, while this one is still used. */
  readonly renewAt: number;
  /** From then on calls wait for the other one. */
  readonly waitAt: number;
}

/** A token is renewed when a fifth of its time is left: a minute at most, and two seconds at least, or half of its time. */
const aheadShare = 0.2;
const shortestAheadMs = 2000;
const longestAheadMs = 60_000;
/** Calls wait when a twentieth is left, at most five seconds: what is sent now has to arrive in time. */
const waitShare = 0.05;
const longestWaitMs = 5000;
/** How long a renewal ahead of time that failed is left alone. */
const restMs = 1000;

/** Keeps one token fresh: ahead of its end, and with one fetch however many calls wait for it. */
export class TokenKeeper {
  readonly #fetch: TokenKeeperOptions["fetch"];
  readonly #now: () => number;
  #current: Current | undefined;
  #pending: Promise<Current> | undefined;
  #failedAt = Number.NEGATIVE_INFINITY;
  /** Counts what was put in place from outside. */
  #age = 0;

  constructor({ fetch, now = Date.now }: TokenKeeperOptions) {
    this.#fetch = fetch;
    this.#now = now;
  }

  /** The value for a call that begins now. Rejects with what `fetch` rejects with, where nothing that is good is left. */
  value(): string | Promise<string> {
    const current = this.#current;
    const now = this.#now();
    if (current === undefined || now >= current.waitAt) return this.#renewed(current);
    if (now >= current.renewAt && now >= this.#failedAt + restMs) this.#renew(current.value).catch(() => {});
    return current.value;
  }

  /** Another one than that. Somebody else may have got it already. */
  async another(refused: string): Promise<string | undefined> {
    const current = this.#current;
    if (current !== undefined && current.value !== refused && this.#now() < current.expiresAt)
      return current.value;
    const { value } = await this.#renew(refused);
    return value === refused ? undefined : value;
  }

  /** Milliseconds until the present token should be followed by another; `Infinity` where its end is not known. */
  dueInMs(): number {
    return this.#current === undefined ? 0 : Math.max(this.#current.renewAt - this.#now(), 0);
  }

  /** Puts a token in place, or none: what is on its way is of no use any more. */
  set(token: KeptToken | undefined): void {
    this.#age += 1;
    this.#failedAt = Number.NEGATIVE_INFINITY;
    this.#pending = undefined;
    this.#current = token && this.#scheduled(token);
  }

  async #renewed(current: Current | undefined): Promise<string> {
    try {
      return (await this.#renew(current?.value)).value;
    } catch (error) {
      // As long as the old one is good, nobody has to know.
      if (current !== undefined && this.#current === current && this.#now() < current.expiresAt)
        return current.value;
      throw error;
    }
  }

  #renew(old: string | undefined): Promise<Current> {
    this.#pending ??= this.#fetched(old, this.#age);
    return this.#pending;
  }

  async #fetched(old: string | undefined, age: number): Promise<Current> {
    try {
      const token = this.#scheduled(await this.#fetch(old));
      if (age === this.#age) this.#current = token;
      return token;
    } catch (error) {
      if (age === this.#age) this.#failedAt = this.#now();
      throw error;
    } finally {
      if (age === this.#age) this.#pending = undefined;
    }
  }

  #scheduled({ value, expiresAt }: KeptToken): Current {
    if (expiresAt === Number.POSITIVE_INFINITY)
      return { value, expiresAt, renewAt: expiresAt, waitAt: expiresAt };
    const lifetime = Math.max(expiresAt - this.#now(), 0);
    const atLeast = Math.min(shortestAheadMs, lifetime / 2);
    const ahead = Math.min(Math.max(lifetime * aheadShare, atLeast), longestAheadMs);
    const wait = Math.min(lifetime * waitShare, longestWaitMs);
    return { value, expiresAt, renewAt: expiresAt - ahead, waitAt: expiresAt - wait };
  }
}
