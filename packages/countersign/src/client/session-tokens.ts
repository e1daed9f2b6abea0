import { ClientError, clientStatus } from "./client-error.ts";
import { tell } from "./tell.ts";
import type { StoredTokens, TokenStore } from "./token-store.ts";

/** What the store has yet to take. */
interface Unsaved {
  /** Undefined: nobody is logged in. */
  readonly tokens: StoredTokens | undefined;
  /** Whose place it takes in the store, by the refresh token there. Undefined: of whatever is there. */
  readonly over: { readonly refreshToken: string | undefined } | undefined;
}

export interface SessionTokensOptions {
  readonly store: TokenStore;
  readonly onError: ((error: ClientError) => void) | undefined;
  readonly now: () => number;
}

/** How long a store that failed is left alone. */
const restMs = 1000;
/** How long somebody who shares a store without a lock may take to save what a refresh has brought. */
const settlingMs = 50;

/** The tokens of a session: in its store, and here for as long as the store does not take them. */
export class SessionTokens {
  readonly #options: SessionTokensOptions;
  #unsaved: Unsaved | undefined;
  #retryAt = Number.POSITIVE_INFINITY;
  /** Has somebody been told that the store fails? Once is enough until it works again. */
  #isTold = false;
  /** Writes of this process come one after the other. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: SessionTokensOptions) {
    this.#options = options;
  }

  /** Undefined where nobody is logged in. Rejects with UNAVAILABLE where that cannot be known. */
  async load(): Promise<StoredTokens | undefined> {
    let stored: StoredTokens | undefined;
    try {
      if (this.#unsaved === undefined || this.#unsaved.over !== undefined)
        stored = await this.#options.store.load();
    } catch (error) {
      if (this.#unsaved === undefined) throw unavailable("The tokens could not be read", error);
      return this.#unsaved.tokens;
    }
    const { over, tokens } = this.#unsaved ?? { over: { refreshToken: undefined }, tokens: stored };
    if (this.#unsaved === undefined || over === undefined || over.refreshToken === stored?.refreshToken)
      return tokens;
    // Somebody who shares the store has gone on.
    this.#unsaved = undefined;
    return stored;
  }

  /** Puts them in the place of whatever is there, as `load()` says from now on. What the store has against it is told. */
  async put(tokens: StoredTokens | undefined): Promise<ClientError | undefined> {
    const unsaved: Unsaved = { tokens, over: undefined };
    this.#unsaved = unsaved;
    try {
      return await this.alone(() => this.#inOrder(() => this.#save(unsaved)));
    } catch (error) {
      return this.#failed(error);
    }
  }

  /** Puts them in the place of `old`. Returns what is there then: something else, if that came first. */
  replace(old: StoredTokens, tokens: StoredTokens | undefined): Promise<StoredTokens | undefined> {
    return this.#inOrder(async () => {
      // A store that cannot say that it has something else has not been told of anything else by us.
      const there = await this.load().catch(() => old);
      const before = this.#unsaved;
      if (before !== undefined && before.tokens !== there) return before.tokens;
      if (there?.refreshToken !== old.refreshToken) return there;
      const over = before === undefined ? { refreshToken: old.refreshToken } : before.over;
      const unsaved: Unsaved = { tokens, over };
      this.#unsaved = unsaved;
      await this.#save(unsaved);
      return tokens;
    });
  }

  /** Tries once more what the store did not take, a second after that at the earliest. Nobody waits for it. */
  retry(): void {
    const unsaved = this.#unsaved;
    if (unsaved === undefined || this.#options.now() < this.#retryAt) return;
    this.#retryAt = Number.POSITIVE_INFINITY;
    const work = async (): Promise<void> => {
      // It may find that this is of no use any more.
      await this.load();
      await this.#save(unsaved);
    };
    this.alone(() => this.#inOrder(work)).catch((error: unknown) => this.#failed(error));
  }

  /** Runs it while nobody else does who shares the tokens. Rejects with a `ClientError`. */
  async alone<R>(work: () => Promise<R>): Promise<R> {
    const { store } = this.#options;
    if (store.alone === undefined) return work();
    const done: { readonly result: R }[] = [];
    try {
      await store.alone(async () => {
        done.push({ result: await work() });
      });
    } catch (error) {
      if (done.length === 0 && error instanceof ClientError) throw error;
      if (done.length === 0) throw unavailable("The tokens could not be locked", error);
      this.#failed(error);
    }
    const [ended] = done;
    if (ended === undefined) throw unavailable("The tokens could not be locked", undefined);
    return ended.result;
  }

  /** Waits until others have saved what they got before. */
  async settled(): Promise<void> {
    if (this.#options.store.alone === undefined) await new Promise((done) => setTimeout(done, settlingMs));
  }

  /** Something newer may have taken its place: then that is saved by whoever brought it. */
  async #save(unsaved: Unsaved): Promise<ClientError | undefined> {
    if (this.#unsaved !== unsaved) return undefined;
    try {
      await this.#options.store.save(unsaved.tokens);
    } catch (error) {
      if (unsaved.tokens === undefined) await this.#remember(unsaved);
      return this.#failed(error);
    }
    this.#isTold = false;
    if (this.#unsaved === unsaved) this.#unsaved = undefined;
    return undefined;
  }

  /** What a logout could not remove is what it may remove later: not what somebody else logs in with until then. */
  async #remember(unsaved: Unsaved): Promise<void> {
    try {
      const refreshToken = (await this.#options.store.load())?.refreshToken;
      if (this.#unsaved === unsaved) this.#unsaved = { tokens: undefined, over: { refreshToken } };
    } catch {
      // It is removed, whatever it is.
    }
  }

  #failed(cause: unknown): ClientError {
    const { onError, now } = this.#options;
    const error = cause instanceof ClientError ? cause : unavailable("The tokens could not be stored", cause);
    this.#retryAt = now() + restMs;
    if (!this.#isTold) void tell(onError, error);
    this.#isTold = true;
    return error;
  }

  #inOrder<R>(work: () => Promise<R>): Promise<R> {
    const mine = this.#last.then(work);
    this.#last = mine.catch(() => {});
    return mine;
  }
}

function unavailable(text: string, cause: unknown): ClientError {
  return new ClientError(clientStatus.UNAVAILABLE, text, undefined, { cause });
}
