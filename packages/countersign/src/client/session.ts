import { asClientError, ClientError, clientStatus } from "./client-error.ts";
import { bearerText, type Credential, notLoggedIn } from "./credential.ts";
import { SessionTokens } from "./session-tokens.ts";
import { SessionTurn } from "./session-turn.ts";
import { tell } from "./tell.ts";
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
  /**
   * Called when the server has ended the session: its password was changed, it was revoked, or it was not renewed in time. What
   * it throws or rejects with changes nothing.
   */
  readonly onEnd?: ((reason: string | undefined) => void) | undefined;
  /**
   * Called once when the store begins to save nothing, with what it threw as `cause`. The session goes on with tokens that could not be
   * stored, and tries again to store them; what it throws or rejects with changes nothing.
   */
  readonly onError?: ((error: ClientError) => void) | undefined;
  /** Milliseconds since the epoch. Default: `Date.now`. */
  readonly now?: (() => number) | undefined;
}

/** Somebody who logged in: a credential that renews itself. */
export interface Session extends Credential {
  /**
   * Takes the place of whoever was logged in, and of whoever still waits to be. Rejects with a `ClientError`: `LOGIN_FAILED`,
   * `MFA_REQUIRED`, `RATE_LIMITED`, ABORTED where a later login or logout came first, or whatever else kept it from happening.
   */
  login(credentials: LoginCredentials): Promise<void>;
  /** The same with tokens that came another way. */
  adopt(tokens: IssuedTokens): Promise<void>;
  /**
   * Ends the session at the server and here, together with what is on its way. What the server says is told after the tokens are
   * gone; that the store could not remove them, too.
   */
  logout(): Promise<void>;
  /** Are there tokens? It may read the store. */
  isLoggedIn(): Promise<boolean>;
}

/** So many values of a session are known again when they are refused. */
const mostTurns = 32;

/** A session over whatever carries its calls. */
export function createSession(calls: SessionCalls, options: SessionOptions = {}): Session {
  return new KeptSession(calls, options);
}

class KeptSession implements Session {
  readonly header = "authorization";
  readonly #calls: SessionCalls;
  readonly #tokens: SessionTokens;
  readonly #onEnd: SessionOptions["onEnd"];
  readonly #now: () => number;
  readonly #keeper: TokenKeeper;
  #turn = new SessionTurn();
  /** Whose the latest values are. */
  readonly #turns = new Map<string, SessionTurn>();
  /** Logins and logouts are numbered as they are asked for; the latest one that came about. */
  #asked = 0;
  #done = 0;

  constructor(calls: SessionCalls, options: SessionOptions) {
    const { store = memoryTokenStore(), onEnd, onError, now = Date.now } = options;
    this.#calls = calls;
    this.#tokens = new SessionTokens({ store, onError, now });
    this.#onEnd = onEnd;
    this.#now = now;
    this.#keeper = new TokenKeeper({ now, fetch: (old) => this.#fetch(old) });
  }

  value(): string | Promise<string> {
    this.#tokens.retry();
    return this.#keeper.value();
  }

  async another(refused: string): Promise<string | undefined> {
    const turn = this.#turns.get(refused);
    // What was begun for one user is not done for another.
    if (turn?.isOver === true) return undefined;
    return this.#keeper.another(refused);
  }

  dueInMs(): number {
    return this.#keeper.dueInMs();
  }

  async login(credentials: LoginCredentials): Promise<void> {
    const asked = ++this.#asked;
    const tokens = await this.#calls.login(credentials);
    if (asked < this.#done) {
      this.#endAtServer(tokens);
      throw new ClientError(clientStatus.ABORTED, "Another login or a logout came after this one");
    }
    await this.#take(tokens, asked);
  }

  async adopt(tokens: IssuedTokens): Promise<void> {
    await this.#take(tokens, ++this.#asked);
  }

  async logout(): Promise<void> {
    this.#done = ++this.#asked;
    const turn = this.#turn;
    turn.isLeaving = true;
    try {
      await this.#leave();
      turn.isClosed = true;
    } catch (error) {
      if (!(error instanceof ClientError) || error.code !== clientStatus.UNAUTHENTICATED) throw error;
    } finally {
      if (!turn.isOver) await this.#forget();
    }
  }

  async isLoggedIn(): Promise<boolean> {
    this.#tokens.retry();
    return (await this.#tokens.load()) !== undefined;
  }

  async #take(tokens: IssuedTokens, asked: number): Promise<void> {
    this.#done = asked;
    const stored = this.#stored(tokens);
    const saved = this.#tokens.put(stored);
    this.#begin(new ClientError(clientStatus.UNAVAILABLE, "Somebody has logged in since"), keptOf(stored));
    await saved;
  }

  async #leave(): Promise<void> {
    // Of a session whose token has just ended, the one after it.
    const value = await this.value();
    try {
      await this.#calls.logout([this.header, value]);
    } catch (error) {
      // By the server's clock, it had ended already.
      if (!(error instanceof ClientError) || error.reason !== "TOKEN_EXPIRED") throw error;
      const other = await this.another(value);
      if (other === undefined) throw error;
      await this.#calls.logout([this.header, other]);
    }
  }

  async #forget(): Promise<void> {
    const removed = this.#tokens.put(undefined);
    this.#begin(notLoggedIn(), undefined);
    const failure = await removed;
    if (failure !== undefined) throw failure;
  }

  /** The turn of somebody else, or of nobody. What is on its way for the one before is not taken. */
  #begin(why: ClientError, token: KeptToken | undefined): void {
    this.#turn.end(why);
    this.#turn = new SessionTurn();
    this.#keeper.set(token && this.#noted(token));
  }

  /** `old`: what has to be followed by something else. */
  async #fetch(old: string | undefined): Promise<KeptToken> {
    const turn = this.#turn;
    try {
      const token = await this.#tokens.alone(() => this.#renew(old, turn));
      turn.requireOn();
      return this.#noted(token);
    } catch (error) {
      throw error instanceof ClientError ? error : asClientError(error);
    }
  }

  async #renew(old: string | undefined, turn: SessionTurn): Promise<KeptToken> {
    turn.requireOn();
    const stored = await this.#tokens.load();
    turn.requireOn();
    // Somebody else who shares the store has renewed already, or this is the first look.
    const found = stored && keptOf(stored);
    if (found !== undefined && found.value !== old && this.#now() < found.expiresAt) return found;
    const renewed = stored && (await this.#exchanged(stored, turn));
    turn.requireOn();
    if (renewed !== undefined) return keptOf(renewed);
    // Whoever shares the store has logged out.
    this.#keeper.set(undefined);
    throw notLoggedIn();
  }

  /** What is in the store after a refresh of `stored`: what that brought, or what somebody else has put there meanwhile. */
  async #exchanged(stored: StoredTokens, turn: SessionTurn): Promise<StoredTokens | undefined> {
    const answer = this.#calls.refresh(stored.refreshToken);
    let issued: IssuedTokens;
    try {
      issued = await turn.whileOn(answer);
    } catch (error) {
      if (turn.isOver) answer.then((late) => this.#drop(late, turn)).catch(() => {});
      if (turn.isOver || !isFinal(error)) throw error;
      return this.#refused(stored, error, turn);
    }
    const renewed = this.#stored(issued);
    const there = await this.#tokens.replace(stored, renewed);
    if (there === undefined) this.#endAtServer(issued);
    else if (there !== renewed) this.#drop(issued, turn);
    return there;
  }

  /** The server has said that it is over, unless somebody else who shares the store has gone on. */
  async #refused(
    stored: StoredTokens,
    { reason }: ClientError,
    turn: SessionTurn,
  ): Promise<StoredTokens | undefined> {
    await this.#tokens.settled();
    const there = await this.#tokens.replace(stored, undefined);
    turn.requireOn();
    if (there !== undefined) return there;
    this.#begin(notLoggedIn(reason), undefined);
    if (!turn.isLeaving) void tell(this.#onEnd, reason);
    throw notLoggedIn(reason);
  }

  /** What came too late goes the way of its session: it is ended after a logout that did not reach the server. */
  #drop(late: IssuedTokens, { isLeaving, isClosed }: SessionTurn): void {
    if (isLeaving && !isClosed) this.#endAtServer(late);
  }

  /** Nobody waits for it, and nobody is told: the session would end by itself, later. */
  #endAtServer({ accessToken }: IssuedTokens): void {
    this.#calls.logout([this.header, bearerText(accessToken)]).catch(() => {});
  }

  #noted(token: KeptToken): KeptToken {
    this.#turns.set(token.value, this.#turn);
    const [oldest] = this.#turns.keys();
    if (this.#turns.size > mostTurns && oldest !== undefined) this.#turns.delete(oldest);
    return token;
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
