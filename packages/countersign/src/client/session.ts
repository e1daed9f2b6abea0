import { ClientError, clientStatus } from "./client-error.ts";
import { bearerText, type Credential, notLoggedIn } from "./credential.ts";
import { type KeptToken, TokenKeeper } from "./token-keeper.ts";
import { memoryTokenStore, type StoredTokens, type TokenStore } from "./token-store.ts";

/** What somebody logs in with. */
export interface LoginCredentials {
  readonly email?: string;
  /** Instead of the email. */
  readonly username?: string;
  readonly password: string;
  /** A code of the authenticator app, or a recovery code. */
  readonly otpCode?: string;
}

/** What a login and a refresh answer with. */
export interface IssuedTokens {
  readonly accessToken: string;
  readonly refreshToken: string;
  /** Seconds that the access token is good for. */
  readonly expiresIn: number | bigint;
}

/** AuthService, as far as a session needs it. Rejects with a `ClientError` that has the status and the reason. */
export interface SessionCalls {
  login(credentials: LoginCredentials): Promise<IssuedTokens>;
  refresh(refreshToken: string): Promise<IssuedTokens>;
  /** With the header of the session's own token. */
  logout(header: readonly [name: string, value: string]): Promise<void>;
}

export interface SessionOptions {
  /** Where the tokens are. Default: in memory. */
  readonly store?: TokenStore | undefined;
  /** Called when the server has ended the session: its password was changed, it was revoked, or it was not renewed in time. */
  readonly onEnd?: ((reason: string | undefined) => void) | undefined;
  /** Milliseconds since the epoch. Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
}

/** Somebody who logged in: a credential that renews itself. */
export interface Session extends Credential {
  /** Rejects with a `ClientError`: `LOGIN_FAILED`, `MFA_REQUIRED`, `RATE_LIMITED`, or whatever else kept it from happening. */
  login(credentials: LoginCredentials): Promise<void>;
  /** Goes on with tokens that came another way. */
  adopt(tokens: IssuedTokens): Promise<void>;
  /** Ends the session at the server and here. What the server says is told after the tokens are gone. */
  logout(): Promise<void>;
  /** Are there tokens? It may read the store. */
  isLoggedIn(): Promise<boolean>;
}

/** A session over whatever carries its calls. */
export function createSession(calls: SessionCalls, options: SessionOptions = {}): Session {
  return new KeptSession(calls, options);
}

class KeptSession implements Session {
  readonly header = "authorization";
  readonly #calls: SessionCalls;
  readonly #store: TokenStore;
  readonly #onEnd: SessionOptions["onEnd"];
  readonly #now: () => number;
  readonly #keeper: TokenKeeper;

  constructor(calls: SessionCalls, { store = memoryTokenStore(), onEnd, now = Date.now }: SessionOptions) {
    this.#calls = calls;
    this.#store = store;
    this.#onEnd = onEnd;
    this.#now = now;
    this.#keeper = new TokenKeeper({ now, fetch: (old) => this.#alone(() => this.#renew(old)) });
  }

  value(): string | Promise<string> {
    return this.#keeper.value();
  }

  another(refused: string): Promise<string | undefined> {
    return this.#keeper.another(refused);
  }

  dueInMs(): number {
    return this.#keeper.dueInMs();
  }

  async login(credentials: LoginCredentials): Promise<void> {
    await this.adopt(await this.#calls.login(credentials));
  }

  async adopt(tokens: IssuedTokens): Promise<void> {
    const kept = this.#stored(tokens);
    await this.#store.save(kept);
    this.#keeper.set(keptOf(kept));
  }

  async logout(): Promise<void> {
    try {
      // Of a session whose token has just ended, the one after it.
      await this.#calls.logout([this.header, await this.value()]);
    } catch (error) {
      if (!(error instanceof ClientError) || error.code !== clientStatus.UNAUTHENTICATED) throw error;
    } finally {
      await this.#forget();
    }
  }

  async isLoggedIn(): Promise<boolean> {
    return (await this.#store.load()) !== undefined;
  }

  #alone<R>(renewal: () => Promise<R>): Promise<R> {
    return this.#store.alone === undefined ? renewal() : this.#store.alone(renewal);
  }

  /** `old`: what has to be followed by something else. */
  async #renew(old: string | undefined): Promise<KeptToken> {
    const stored = await this.#store.load();
    if (stored === undefined) throw notLoggedIn();
    // Somebody else who shares the store has renewed already, or this is the first look.
    const found = keptOf(stored);
    if (found.value !== old && this.#now() < found.expiresAt) return found;
    try {
      const renewed = this.#stored(await this.#calls.refresh(stored.refreshToken));
      await this.#store.save(renewed);
      return keptOf(renewed);
    } catch (error) {
      if (!isFinal(error)) throw error;
      const now = await this.#store.load();
      if (now !== undefined && now.refreshToken !== stored.refreshToken) return keptOf(now);
      await this.#forget();
      this.#onEnd?.(error.reason);
      throw notLoggedIn(error.reason);
    }
  }

  async #forget(): Promise<void> {
    this.#keeper.set(undefined);
    await this.#store.save(undefined);
  }

  #stored({ accessToken, refreshToken, expiresIn }: IssuedTokens): StoredTokens {
    const seconds = Number(expiresIn);
    // A token's times are whole seconds: of the first one, little may have been left when it was issued.
    const sure = Math.max(seconds - 1, seconds / 2);
    return { accessToken, refreshToken, expiresAt: this.#now() + sure * 1000 };
  }
}

function keptOf({ accessToken, expiresAt }: StoredTokens): KeptToken {
  return { value: bearerText(accessToken), expiresAt };
}

/** Has the server itself said that this session cannot go on? Anything else may pass. */
function isFinal(error: unknown): error is ClientError {
  return (
    error instanceof ClientError && error.code === clientStatus.UNAUTHENTICATED && error.reason !== undefined
  );
}
