import { Refusal } from "../core/refusal.ts";
import { type NetworkOf, networkReader } from "../limits/network.ts";
import type { Store } from "../store/contracts.ts";
import type { AttemptRule } from "../store/session-contracts.ts";

export interface LoginLimitOptions {
  /** Failed logins of one network in 15 minutes, whatever they try. Default: 100. 0: networks are not counted. */
  readonly failuresPerNetwork?: number | undefined;
  /** Addresses and ranges that many callers share, such as proxies. Default: loopback addresses. */
  readonly sharedAddresses?: readonly string[] | undefined;
}

export interface LoginLimitsOptions extends LoginLimitOptions {
  readonly store: Pick<Store, "attempts" | "users">;
  readonly now: () => Date;
}

/** What is guessed at, and from where. */
export interface Guess {
  /** Undefined for a name that is nobody's. */
  readonly userId: string | undefined;
  /** In one spelling. */
  readonly name: string;
  readonly network: string | undefined;
}

/** A guess that was counted, and may be looked at. */
export interface CountedGuess {
  /** It must not be looked at: too many before it were wrong. To the caller it is a wrong one like every other. */
  readonly locked: boolean;
  /** It was right. */
  right(): Promise<void>;
  /** The password was right, and a code is missing: that says nothing against where it came from. */
  unfinished(): Promise<void>;
}

const windowSeconds = 900;

/** At most so many guesses at one identity in the window, however they come in. */
const guessesPerIdentity = 10;

/**
 * NIST SP 800-63B-4 section 3.2.2: at most 100 in a row, and then the password is out of use. Strangers have 80 of them, so
 * that they cannot use up those of who is known.
 */
const inARow = { strangers: 80, all: 100 } as const;

/**
 * Counts guesses before they are looked at.
 *
 * - A stranger's guess counts for its network, and for the identity.
 * - Whoever is known has an allowance of their own, which no stranger can use up: a caller in an open session, and a login
 *   from a network that the user has logged in from lately. It is one for each user, and no larger than the strangers'.
 */
export class LoginLimits {
  readonly networkOf: NetworkOf;
  readonly #options: LoginLimitsOptions;
  readonly #perNetwork: number;

  constructor(options: LoginLimitsOptions) {
    const { failuresPerNetwork = 100, sharedAddresses } = options;
    if (!Number.isSafeInteger(failuresPerNetwork) || failuresPerNetwork < 0)
      throw new TypeError("failuresPerNetwork must be a number of logins");
    this.#options = options;
    this.#perNetwork = failuresPerNetwork;
    this.networkOf = networkReader(sharedAddresses);
  }

  /** A login. Throws `RATE_LIMITED`. */
  async login({ userId, name, network }: Guess): Promise<CountedGuess> {
    const { attempts } = this.#options.store;
    if (userId !== undefined && network !== undefined && (await attempts.knows(userId, network, this.#now())))
      return this.own(userId);
    const ofNetwork = network === undefined || this.#perNetwork === 0 ? undefined : `network:${network}`;
    if (ofNetwork !== undefined) await this.#count(ofNetwork, this.#networkRule());
    const identity = userId === undefined ? `name:${name}` : `user:${userId}`;
    const unfinished = async (): Promise<void> => {
      if (ofNetwork !== undefined) await attempts.takeBack(ofNetwork);
    };
    const locked = await this.#count(identity, this.#rule(userId, inARow.strangers)).catch(
      async (error: unknown) => {
        // What is not looked at is not counted.
        await unfinished();
        throw error;
      },
    );
    return {
      locked,
      unfinished,
      async right() {
        await attempts.clear(identity);
        await unfinished();
      },
    };
  }

  /** A guess of who is known: in an open session, or from a known network. Throws `RATE_LIMITED`. */
  async own(userId: string): Promise<CountedGuess> {
    const identity = `own:${userId}`;
    const locked = await this.#count(identity, this.#rule(userId, inARow.all));
    return {
      locked,
      right: () => this.#options.store.attempts.clear(identity),
      unfinished: async () => {},
    };
  }

  #rule(userId: string | undefined, limit: number): Omit<AttemptRule, "now"> {
    const rule = { limit: guessesPerIdentity, windowSeconds };
    if (userId === undefined) return rule;
    return { ...rule, streak: { userId, limit, lockAt: inARow.strangers } };
  }

  /** Nobody has to wait between two of them: behind one address there may be an office. */
  #networkRule(): Omit<AttemptRule, "now"> {
    return { limit: this.#perNetwork, windowSeconds, freeGuesses: this.#perNetwork };
  }

  async #count(identity: string, rule: Omit<AttemptRule, "now">): Promise<boolean> {
    const verdict = await this.#options.store.attempts.begin(identity, { ...rule, now: this.#now() });
    if (verdict.ok) return verdict.locked;
    throw new Refusal("RATE_LIMITED", { retryAfterSeconds: verdict.retryAfterSeconds });
  }

  #now(): Date {
    return this.#options.now();
  }
}
