import { Refusal } from "../core/refusal.ts";
import type { Store } from "../store/contracts.ts";
import { beginSession, newSession } from "./begin-session.ts";
import {
  createSessionTokens,
  defaultLifetimes,
  type Lifetimes,
  type SessionTokensOptions,
} from "./session-tokens.ts";

export interface TokenIssuerOptions extends Omit<SessionTokensOptions, "lifetimes"> {
  readonly store: Pick<Store, "users" | "sessions">;
  /** Default: `defaultLifetimes`. */
  readonly lifetimes?: Lifetimes;
  /** Default: the clock. */
  readonly now?: () => Date;
}

/** What is known of a caller who has proved who they are. */
export interface IssuedTo {
  /** How they proved it (RFC 8176): the claim `amr`. Default: none. */
  readonly methods?: readonly string[];
  /** Shown in the list of the user's sessions. Default: empty. */
  readonly address?: string;
  readonly userAgent?: string;
}

export interface IssuedTokens {
  readonly accessToken: string;
  /** Accepted by `AuthService.RefreshToken` over the same store and key. */
  readonly refreshToken: string;
  /** Seconds that the access token is good for. */
  readonly expiresIn: number;
  readonly tokenType: "bearer";
  /** `sid` in the access token. */
  readonly sessionId: string;
}

export interface TokenIssuer {
  /**
   * Logs a user in whom the application has recognised by its own means: begins a session, and answers with its
   * tokens. Rejects with a `Refusal` (`USER_DISABLED`) for a user who is disabled or gone.
   */
  issueTokens(user: { readonly id: string }, to?: IssuedTo): Promise<IssuedTokens>;
}

/** Makes what a login answers with, for logins of the application's own. */
export function createTokenIssuer(options: TokenIssuerOptions): TokenIssuer {
  const { store, lifetimes = defaultLifetimes, now = () => new Date() } = options;
  const tokensOf = createSessionTokens({ ...options, lifetimes });
  return Object.freeze({
    async issueTokens({ id }: { readonly id: string }, to: IssuedTo = {}): Promise<IssuedTokens> {
      const { methods = [], address = "", userAgent = "" } = to;
      // As the account is now: its name, its flags and whether it is active.
      const user = await store.users.load(id);
      if (user === undefined || !user.isActive) throw new Refusal("USER_DISABLED");
      const origin = { userId: user.id, methods, address, userAgent };
      const session = await beginSession(store.sessions, newSession(origin, lifetimes, now()));
      const { expiresIn, ...pair } = await tokensOf(user, session, now());
      return { ...pair, expiresIn: Number(expiresIn), sessionId: session.id };
    },
  });
}
