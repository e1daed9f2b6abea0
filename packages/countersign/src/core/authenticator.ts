import type { CacheReadings } from "./cache-readings.ts";
import type { Call } from "./call.ts";
import type { Decision, MaybePromise } from "./decision.ts";
import type { Reason } from "./denial.ts";
import type { CredentialThrottle } from "./limit.ts";
import type { RevocationView } from "./revocation.ts";
import type { RoleDirectory } from "./role-directory.ts";

/** What `createAuth` shares with its authenticators. */
export interface AuthRuntime {
  readonly revocations: RevocationView;
  /** What the roles of accounts, keys and tokens stand for. Absent: their names alone, and no permissions. */
  readonly roles?: RoleDirectory | undefined;
  /** To be asked before a credential is verified that is not remembered. Absent: every one may be. */
  readonly throttle?: CredentialThrottle | undefined;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** No other authenticator reads this one's header. */
  readonly sole: boolean;
  /** Told of each cache that is made, so that it can be measured. */
  readonly onCache?: ((readings: CacheReadings) => void) | undefined;
}

/**
 * Checks one header value. Undefined: this is not a credential of mine, ask the next one. A throw or a rejection
 * means that it could not tell, and becomes `UNAVAILABLE`. `CREDENTIALS_MISSING`, from one that reads no header: what
 * the connection brought is no credential, and the cause says why.
 */
export type Authenticate<P> = (value: string, call: Call) => MaybePromise<Decision<P>> | undefined;

/** One way of proving who is calling. The first one that recognises a credential decides; its answer is final. */
export interface Authenticator<P> {
  /** Ends up in `Principal.authenticator` and in logs. */
  readonly name: string;
  /**
   * The header it reads, in lower case. Undefined: it reads none but the connection, and is asked only where no header
   * has a credential; its value is then the empty string.
   */
  readonly header: string | undefined;
  /** Value for `WWW-Authenticate` when this authenticator could have been used; undefined if there is none for it. */
  readonly challenge: string | undefined;
  /** What stands before the credential in its header; the empty string: nothing. Default: the first word of `challenge`. */
  readonly scheme?: string;
  /** The message of `CREDENTIALS_MISSING` where this is the only way in. */
  readonly missingMessage?: string;
  /** Why a value is refused that no authenticator of this header recognises. */
  unrecognized(value: string): Reason;
  /** Called once by each `createAuth`, so that two of them never share a cache. */
  start(runtime: AuthRuntime): Authenticate<P>;
}
