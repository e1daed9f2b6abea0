import type { CallContext } from "../context/call-context.ts";
import { invalidArgument } from "../core/call-error.ts";
import { Refusal } from "../core/refusal.ts";
import type { Store, UserRecord } from "../store/contracts.ts";
import { foldCase } from "../store/fold-case.ts";
import type { SessionRecord } from "../store/session-contracts.ts";
import { beginSession } from "./begin-session.ts";
import type { Passwords } from "./passwords.ts";
import type { SecondFactor } from "./second-factor.ts";
import type { Lifetimes } from "./session-tokens.ts";

export interface LoginOptions {
  readonly store: Store;
  readonly passwords: Passwords;
  readonly secondFactor: SecondFactor;
  readonly lifetimes: Lifetimes;
  readonly now: () => Date;
}

export interface LoginAttempt {
  readonly username: string;
  readonly email: string;
  readonly password: string;
  readonly code: string;
}

/** RFC 5321 section 4.5.3.1.3 leaves an address 254 characters. */
const longestName = 254;

/** At most so many guesses at one identity, right ones apart, however they come in. */
const guesses = { limit: 10, windowSeconds: 900 } as const;

/** A password, and a code where the account has a second factor, for a session. */
export class Login {
  readonly #options: LoginOptions;

  constructor(options: LoginOptions) {
    this.#options = options;
  }

  /** Ends the call with `LOGIN_FAILED`, `MFA_REQUIRED`, `USER_DISABLED` or `RATE_LIMITED` where it does not end well. */
  async start(
    attempt: LoginAttempt,
    context: CallContext,
  ): Promise<{ user: UserRecord; session: SessionRecord }> {
    const { store, secondFactor } = this.#options;
    requirePassword(attempt.password);
    const user = await this.#find(attempt);
    const identity = user === undefined ? `name:${nameOf(attempt)}` : `user:${user.id}`;
    await this.#count(identity);
    const proven = await this.#checkPassword(user, attempt.password);
    if (user === undefined || !proven) throw new Refusal("LOGIN_FAILED");
    if (!user.isActive) throw new Refusal("USER_DISABLED");
    const factor = await secondFactor.check(user.id, attempt.code);
    if (factor === "missing") throw new Refusal("MFA_REQUIRED");
    if (factor === "wrong") throw new Refusal("LOGIN_FAILED");
    await store.attempts.clear(identity);
    const methods = factor === "right" ? ["pwd", "otp"] : ["pwd"];
    return { user, session: await this.#begin(user, methods, context) };
  }

  /** Asks again for what a caller knows, before something that cannot be undone. Counted apart from logins. */
  async confirm(
    user: UserRecord,
    { password, code, field }: { readonly password: string; readonly code?: string; readonly field?: string },
  ): Promise<void> {
    requirePassword(password, field);
    await this.limit(user.id, async () => {
      if (!(await this.#checkPassword(user, password))) throw new Refusal("LOGIN_FAILED");
      if (code === undefined) return;
      const factor = await this.#options.secondFactor.check(user.id, code);
      if (factor === "missing") throw new Refusal("MFA_REQUIRED");
      if (factor === "wrong") throw new Refusal("LOGIN_FAILED");
    });
  }

  /** Counts a guess of someone who is logged in. What throws was a wrong one. */
  async limit<T>(userId: string, guess: () => Promise<T>): Promise<T> {
    const identity = `confirm:${userId}`;
    await this.#count(identity);
    const result = await guess();
    await this.#options.store.attempts.clear(identity);
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

  /** Before anything is hashed: guesses that come all at once are counted like those that come one by one. */
  async #count(identity: string): Promise<void> {
    const { store, now } = this.#options;
    const verdict = await store.attempts.begin(identity, { ...guesses, now: now() });
    if (!verdict.ok) throw new Refusal("RATE_LIMITED", { retryAfterSeconds: verdict.retryAfterSeconds });
  }

  /** The same work for nobody, for an account without a password, and for a wrong one. */
  async #checkPassword(user: UserRecord | undefined, password: string): Promise<boolean> {
    const { store, passwords } = this.#options;
    const phc = user === undefined ? undefined : await store.users.passwordHash(user.id);
    const right = await passwords.verify(phc, password);
    if (right && user !== undefined && phc !== undefined && passwords.isOutdated(phc)) {
      await store.users.update(user.id, { passwordHash: await passwords.hash(password) });
    }
    return right;
  }

  #begin(user: UserRecord, methods: readonly string[], { call }: CallContext): Promise<SessionRecord> {
    const { store, lifetimes, now } = this.#options;
    return beginSession(
      { sessions: store.sessions, lifetimes, now: now() },
      {
        userId: user.id,
        methods,
        address: call.peer.address ?? "",
        userAgent: call.header("user-agent")[0] ?? "",
      },
    );
  }
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
