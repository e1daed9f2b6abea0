import type { CallContext } from "../context/call-context.ts";
import { invalidArgument } from "../core/call-error.ts";
import { Refusal } from "../core/refusal.ts";
import { Conflict, type Store, type UserRecord } from "../store/contracts.ts";
import { foldCase } from "../store/fold-case.ts";
import type { NewSession, SessionRecord } from "../store/session-contracts.ts";
import { newSession } from "./begin-session.ts";
import { type LoginLimitOptions, LoginLimits } from "./login-limits.ts";
import type { Passwords } from "./passwords.ts";
import type { FactorResult, SecondFactor } from "./second-factor.ts";
import type { Lifetimes } from "./session-tokens.ts";

export interface LoginOptions {
  readonly store: Store;
  readonly passwords: Passwords;
  readonly secondFactor: SecondFactor;
  readonly lifetimes: Lifetimes;
  readonly limits?: LoginLimitOptions | undefined;
  readonly now: () => Date;
}

export interface LoginAttempt {
  readonly username: string;
  readonly email: string;
  readonly password: string;
  readonly code: string;
}

/** What a caller in an open session says it knows. */
export interface Confirmation {
  readonly password: string;
  /** Undefined where no code is asked for. */
  readonly code?: string;
  /** The password's field. Default: `password`. */
  readonly field?: string;
}

/** RFC 5321 section 4.5.3.1.3 leaves an address 254 characters. */
const longestName = 254;

/** How often a password is looked at again that was changed, or hashed anew, while it was looked at. */
const looks = 3;

/** A password, and a code where the account has a second factor, for a session. */
export class Login {
  readonly #options: LoginOptions;
  readonly #limits: LoginLimits;

  constructor(options: LoginOptions) {
    const { store, now, limits } = options;
    this.#options = options;
    this.#limits = new LoginLimits({ store, now, ...limits });
  }

  /** Ends the call with `LOGIN_FAILED`, `MFA_REQUIRED`, `USER_DISABLED` or `RATE_LIMITED` where it does not end well. */
  async start(
    attempt: LoginAttempt,
    context: CallContext,
  ): Promise<{ user: UserRecord; session: SessionRecord }> {
    requirePassword(attempt.password);
    const user = await this.#find(attempt);
    const network = this.#limits.networkOf(context.call.peer.address);
    const guess = await this.#limits.login({ userId: user?.id, name: nameOf(attempt), network });
    // Nobody is told that an account is locked: only accounts are.
    const known = guess.locked ? undefined : user;
    const proven = await this.#prove(known, attempt.password, network);
    if (known === undefined || proven === undefined) throw new Refusal("LOGIN_FAILED");
    if (!known.isActive) throw new Refusal("USER_DISABLED");
    const factor = await this.#options.secondFactor.check(known.id, attempt.code);
    if (factor === "missing") await guess.unfinished();
    requireFactor(factor);
    const methods = factor === "right" ? ["pwd", "otp"] : ["pwd"];
    const session = this.#newSession(known, methods, context);
    const begun = await this.#begin(known, attempt.password, { ...session, password: proven, network });
    await guess.right();
    return { user: known, session: begun };
  }

  /** Asks again for what a caller knows, before something that cannot be undone. Returns the hash of the password. */
  async confirm(user: UserRecord, { password, code, field }: Confirmation): Promise<string> {
    requirePassword(password, field);
    const guess = await this.#limits.own(user.id);
    const proven = await this.#prove(guess.locked ? undefined : user, password, undefined);
    if (proven === undefined) throw new Refusal("LOGIN_FAILED");
    if (code !== undefined) requireFactor(await this.#options.secondFactor.check(user.id, code));
    await guess.right();
    await this.#options.store.users.unlockPassword(user.id, user.id);
    return proven;
  }

  /** Counts a guess at a code by someone who is logged in. What throws was a wrong one. */
  async limit<T>(userId: string, look: () => Promise<T>): Promise<T> {
    const guess = await this.#limits.own(userId);
    const result = await look();
    await guess.right();
    return result;
  }

  async #find({ username, email }: LoginAttempt): Promise<UserRecord | undefined> {
    const { users } = this.#options.store;
    if (username !== "" && email !== "") {
      throw invalidArgument({ field: "username", description: "username or email, not both" });
    }
    if (username === "" && email === "") {
      throw invalidArgument({ field: "email", description: "email or username is missing" });
    }
    // Folding its case may make a text many times as long.
    for (const [field, name] of [["username", username] as const, ["email", email] as const]) {
      if (name.length > longestName)
        throw invalidArgument({ field, description: `at most ${longestName} characters` });
    }
    if (email !== "") return users.findByEmail(email);
    // Many type their address where a username is asked for.
    return (await users.findByUsername(username)) ?? (await users.findByEmail(username));
  }

  /** The stored hash, if the password is right. The same work for nobody, for an account without a password, and for a wrong one. */
  async #prove(
    user: UserRecord | undefined,
    password: string,
    network: string | undefined,
  ): Promise<string | undefined> {
    const { store, passwords } = this.#options;
    const phc = user === undefined ? undefined : await store.users.passwordHash(user.id);
    const right = await passwords.verify(phc, password, network);
    if (!right || user === undefined || phc === undefined) return undefined;
    if (!passwords.isOutdated(phc)) return phc;
    const passwordHash = await passwords.hash(password);
    // Only in place of the hash that was looked at: the password may have been changed meanwhile.
    const updated = await store.users.update(user.id, { passwordHash }, { passwordHash: phc });
    return updated === undefined ? phc : passwordHash;
  }

  /** A session, as long as the password that was proven is the user's: looked at again where it has changed. */
  async #begin(user: UserRecord, password: string, session: NewSession, looked = 1): Promise<SessionRecord> {
    try {
      return await this.#options.store.sessions.create(session);
    } catch (error) {
      if (!(error instanceof Conflict)) throw error;
      // Disabled or deleted since it was looked up.
      if (error.field === "userId") throw new Refusal("USER_DISABLED");
      if (error.field !== "password") throw error;
    }
    const proven = looked < looks ? await this.#prove(user, password, session.network) : undefined;
    if (proven === undefined) throw new Refusal("LOGIN_FAILED");
    return this.#begin(user, password, { ...session, password: proven }, looked + 1);
  }

  #newSession(user: UserRecord, methods: readonly string[], { call }: CallContext): NewSession {
    const { lifetimes, now } = this.#options;
    const [userAgent = ""] = call.header("user-agent");
    return newSession(
      { userId: user.id, methods, address: call.peer.address ?? "", userAgent },
      lifetimes,
      now(),
    );
  }
}

function requireFactor(factor: FactorResult): void {
  if (factor === "missing") throw new Refusal("MFA_REQUIRED");
  if (factor === "wrong") throw new Refusal("LOGIN_FAILED");
}

/** Longer than any password can be: what is longer is refused before it is worked on. */
const longestPassword = 1024;

function requirePassword(password: string, field = "password"): void {
  if (password === "") throw invalidArgument({ field, description: "is missing" });
  if (password.length > longestPassword) {
    throw invalidArgument({ field, description: `at most ${longestPassword} characters` });
  }
}

function nameOf({ username, email }: LoginAttempt): string {
  // As the store compares names: or the count would tell which of two spellings is somebody's.
  return foldCase((username === "" ? email : username).slice(0, 1000));
}
