import type { Authenticator, AuthRuntime } from "../core/authenticator.ts";
import { credentialStart, longestCredential, refuseUnrecognized } from "../core/credential.ts";
import { allow, andThen, type Decision, type Denied, deny, type MaybePromise } from "../core/decision.ts";
import type { Reason } from "../core/denial.ts";
import type { Principal } from "../core/principal.ts";
import type { Verdict } from "../core/revocation.ts";
import type { UserSource } from "../core/user.ts";
import type { InvalidToken } from "../jwt/invalid-token.ts";
import { createTokenCache, type TokenCache } from "../jwt/token-cache.ts";
import {
  createTokenVerifier,
  type TokenVerifier,
  type TokenVerifierOptions,
  type VerifiedToken,
} from "../jwt/verifier.ts";
import { principalOf } from "./account.ts";
import { type CachedCredential, fill, recheck, refusal } from "./cached-credential.ts";
import { principalOfClaims } from "./claims-principal.ts";

export interface JwtOptions<P> extends TokenVerifierOptions {
  /**
   * Where users are. With it, a user who is gone or disabled is refused, and flags, roles and permissions are those
   * of the account as it is now. Without it they are those that the token was signed with.
   */
  readonly users?: UserSource;
  /** In lower case. Default: `authorization`. */
  readonly header?: string;
  /** Default: `Bearer`. The empty string: the header holds the bare token. */
  readonly scheme?: string;
  /** Good tokens that are remembered. Default: 65,536; each costs about a kilobyte. */
  readonly capacity?: number;
  /** Default: `jwt`. */
  readonly name?: string;
  /** Turns the principal into one of the application's own kind. Default: the principal as it is. */
  readonly toPrincipal?: (principal: Principal) => P;
}

interface CachedToken<P> extends CachedCredential<P> {
  /** The whole header value. */
  readonly value: string;
  /** Milliseconds since the epoch. The decision's `expiresAt` is the other end. */
  readonly notBefore: number;
  /**
   * The whole seconds that lie within: for these no other number is looked at. Small integers are part of the object,
   * while each millisecond of the epoch is a number elsewhere in memory, which costs a cache miss.
   */
  readonly goodFrom: number;
  readonly goodUntil: number;
}

/** Signed tokens (RFC 7519): a warm check costs a look-up by the token's end and one comparison with the whole. */
export function jwt<P = Principal>(options: JwtOptions<P>): Authenticator<P> {
  const { name = "jwt", header = "authorization", scheme = "Bearer", capacity = 65_536, users } = options;
  const verifier = createTokenVerifier(options);
  const toPrincipal = options.toPrincipal ?? ((principal: Principal) => principal as P);
  const challenge = scheme === "" ? "Bearer" : scheme;
  const settings: Settings<P> = Object.freeze({
    name,
    scheme,
    challenge,
    capacity,
    users,
    verifier,
    toPrincipal,
  });
  return Object.freeze({
    name,
    header,
    challenge,
    unrecognized: (value: string) => refuseUnrecognized(value, scheme, "TOKEN_INVALID"),
    start(runtime: AuthRuntime) {
      const checker = new TokenChecker<P>(settings, runtime);
      return (value: string) => checker.authenticate(value);
    },
  });
}

/** The largest second that is a small integer; later ones are looked at exactly. */
const lastSecond = 2 ** 31 - 1;

interface Settings<P> {
  readonly name: string;
  readonly scheme: string;
  readonly challenge: string;
  readonly capacity: number;
  readonly users: UserSource | undefined;
  readonly verifier: TokenVerifier;
  readonly toPrincipal: (principal: Principal) => P;
}

class TokenChecker<P> {
  readonly #settings: Settings<P>;
  readonly #runtime: AuthRuntime;
  readonly #cache: TokenCache<CachedToken<P>>;
  /** RFC 6750 section 3.1 */
  readonly #challenges: readonly string[];

  constructor(settings: Settings<P>, runtime: AuthRuntime) {
    this.#challenges = Object.freeze([`${settings.challenge} error="invalid_token"`]);
    this.#settings = settings;
    this.#runtime = runtime;
    this.#cache = createTokenCache({ capacity: settings.capacity });
  }

  authenticate(value: string): MaybePromise<Decision<P>> | undefined {
    const cached = this.#cache.get(value);
    if (cached === undefined) return this.#verify(value);
    const now = this.#runtime.now();
    const second = Math.floor(now / 1000);
    if (second < cached.goodFrom || second >= cached.goodUntil) {
      if (now >= cached.decision.expiresAt) return this.#deny("TOKEN_EXPIRED");
      if (now < cached.notBefore) return this.#deny("TOKEN_INVALID");
    }
    if (cached.stamp === this.#runtime.revocations.version) return cached.decision;
    const verdict = recheck(this.#runtime, cached);
    if (verdict === "good") return cached.decision;
    if (verdict === "stale") return this.#verify(value);
    return this.#refuse(verdict, cached.subject.userId);
  }

  #verify(value: string): MaybePromise<Decision<P>> | undefined {
    const { scheme, verifier } = this.#settings;
    if (value.length > longestCredential) return undefined;
    const start = credentialStart(value, scheme);
    if (start === -1) return undefined;
    const token = start === 0 ? value : value.slice(start);
    // Whose it is must be guessed from what is not verified yet, but only where someone else may want it.
    if (!this.#runtime.sole && !verifier.recognizes(token)) return undefined;
    return andThen(verifier.verify(token, this.#runtime.now()), (verified) => {
      if (!verified.ok) return this.#invalid(value, verified);
      return fill(
        this.#runtime,
        (stamp) => this.#read(value, verified, stamp),
        (credential) => this.#cache.set(credential),
        (verdict) => this.#refuse(verdict, verified.userId),
      );
    });
  }

  #read(value: string, token: VerifiedToken, stamp: number): MaybePromise<CachedToken<P> | Denied> {
    const { users, name } = this.#settings;
    const { roles } = this.#runtime;
    if (users === undefined) return this.#found(value, token, principalOfClaims(token, name, roles), stamp);
    return andThen(users.load(token.userId), (account) => {
      if (account === undefined) return this.#deny("TOKEN_INVALID", "no such user");
      if (!account.isActive) return this.#deny("USER_DISABLED");
      const clientId = token.claims.client_id;
      const principal = principalOf(account, { authenticator: name, claims: token.claims, clientId }, roles);
      return this.#found(value, token, principal, stamp);
    });
  }

  #found(value: string, token: VerifiedToken, principal: Principal, stamp: number): CachedToken<P> {
    const { name, toPrincipal } = this.#settings;
    // Who does not say when a token was issued cannot escape from "everything issued before".
    const { iss: issuer = "", jti, sid: sessionId, iat: issuedAt = 0 } = token.claims;
    return {
      value,
      notBefore: token.notBefore,
      goodFrom: Math.ceil(token.notBefore / 1000),
      goodUntil: Math.min(Math.floor(token.expiresAt / 1000), lastSecond),
      stamp,
      decision: allow(toPrincipal(principal), name, token.expiresAt),
      // The account's own spelling of the id, which is the one that the revocation log has.
      subject: { userId: principal.userId, issuer, jti, sessionId, issuedAt },
    };
  }

  #refuse(verdict: Exclude<Verdict, "good">, userId: string | undefined): Denied {
    const challenges = this.#challenges;
    return refusal(
      verdict,
      "TOKEN_REVOKED",
      userId === undefined ? { challenges } : { challenges, subject: { userId } },
    );
  }

  #invalid(value: string, { reason, cause }: InvalidToken): Denied {
    // Whether others read the header too must not change the answer.
    const named =
      reason === "TOKEN_INVALID" ? refuseUnrecognized(value, this.#settings.scheme, reason) : reason;
    return this.#deny(named, cause);
  }

  #deny(reason: Reason, cause?: string): Denied {
    return deny(reason, { challenges: this.#challenges, cause });
  }
}
