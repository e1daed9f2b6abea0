/** The tokens of a session. */
export interface StoredTokens {
  readonly accessToken: string;
  readonly refreshToken: string;
  /** When the access token ends, in milliseconds since the epoch, by this machine's clock. */
  readonly expiresAt: number;
}

/**
 * Where a session's tokens are kept: one's own storage may outlive the process, or be shared by several. Whoever reads a
 * refresh token can go on as its user. One user at a time: whoever logs in or out does so for all who share it. What fails is told to the
 * session's `onError`.
 */
export interface TokenStore {
  /** Undefined where nobody is logged in. */
  load(): StoredTokens | undefined | Promise<StoredTokens | undefined>;
  /** Undefined: logged out. */
  save(tokens: StoredTokens | undefined): void | Promise<void>;
  /**
   * Runs a renewal, or what a login or a logout saves, while nobody else does who shares the tokens: a file's lock,
   * `navigator.locks`. A refresh token is good for once. Without this, what others do is noticed by loading before and after;
   * two renewals at the same instant are settled by the server's grace of ten seconds.
   */
  alone?<R>(renewal: () => Promise<R>): Promise<R>;
}

/** For this process only. */
export function memoryTokenStore(tokens?: StoredTokens): TokenStore {
  let kept = tokens;
  return {
    load: () => kept,
    save(given) {
      kept = given;
    },
  };
}
