import type { Authenticator, AuthRuntime } from "../core/authenticator.ts";
import type { Call } from "../core/call.ts";
import { credentialStart, longestCredential, refuseUnrecognized } from "../core/credential.ts";
import { allow, andThen, type Decision, type Denied, deny, type MaybePromise } from "../core/decision.ts";
import type { DenialSubject, Reason } from "../core/denial.ts";
import { requireKnown } from "../core/known-options.ts";
import type { Principal } from "../core/principal.ts";
import type { Verdict } from "../core/revocation.ts";
import type { RoleDirectory } from "../core/role-directory.ts";
import type { UserAccount, UserSource } from "../core/user.ts";
import type { InvalidToken } from "../jwt/invalid-token.ts";
import { createTokenCache, type TokenCache } from "../jwt/token-cache.ts";
import {
  createTokenVerifier,
  type TokenVerifier,
  type TokenVerifierOptions,
  type VerifiedToken,
} from "../jwt/verifier.ts";
import { type CredentialFacts, principalOf } from "./account.ts";
import { type CachedCredential, fill, recheck, refusal, tokenReasons } from "./cached-credential.ts";
import { isTenantClear, principalOfClaims } from "./claims-principal.ts";
import { withOfferedScheme } from "./offered-scheme.ts";
import { bindingFaults, holdsBinding, type TokenBinding, tokenBinding } from "./token-binding.ts";

/** What authenticators of tokens have in common, whoever has issued the tokens. */
export interface TokenAuthenticatorOptions<P> {
  /** In lower case. Default: `authorization`. */
  readonly header?: string;
  /** Default: `Bearer`. The empty string: the header holds the bare token, and `authorization` may have `Bearer` before it. */
  readonly scheme?: string;
  /** Good tokens that are remembered. Default: 65,536; each costs about a kilobyte. */
  readonly capacity?: number;
  /** Default: `jwt`, `oidc`. */
  readonly name?: string;
  /** Turns the principal into one of the application's own kind. Default: the principal as it is. */
  readonly toPrincipal?: (principal: Principal) => P;
}

export interface JwtOptions<P> extends TokenVerifierOptions, TokenAuthenticatorOptions<P> {
  /**
   * Where users are. With it, a user who is gone or disabled is refused, and flags, roles and permissions are those
   * of the account as it is now. Without it they are those that the token was signed with.
   */
  readonly users?: UserSource;
  /** Does a `sid` name one of our own sessions? Default: true; `false` for tokens that somebody else has issued. */
  readonly sessions?: boolean;
}

/** Why a token that is right stands for nobody. */
export interface NobodyBehind {
  readonly ok: false;
  readonly reason: Reason;
  /** For logs. */
  readonly cause?: string;
}

/** What differs between authenticators of tokens. */
export interface TokenAuthenticatorParts {
  readonly name: string;
  readonly verifier: TokenVerifier;
  /** Whom a token that is right stands for. */
  readonly principal: (
    token: VerifiedToken,
    roles: RoleDirectory | undefined,
  ) => MaybePromise<Principal | NobodyBehind>;
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
  /** Asked about at each use: the same token is refused over another connection. */
  readonly binding: TokenBinding;
}

/** Names of what all of them take. */
export const tokenOptions = ["header", "scheme", "capacity", "name", "toPrincipal"] as const;

const jwtOptions = [
  ...tokenOptions,
  ...(["keys", "typ", "maxTokenLength", "issuer", "audience", "tokenType", "leewaySeconds"] as const),
  ...(["maxLifetimeSeconds", "requiredClaims", "requireExpiration", "userIdClaim", "alsoCheck"] as const),
  ...(["users", "sessions"] as const),
] satisfies (keyof JwtOptions<unknown>)[];

/** Signed tokens (RFC 7519): a warm check costs a look-up by the token's end and one comparison with the whole. */
export function jwt<P = Principal>(options: JwtOptions<P>): Authenticator<P> {
  requireKnown("jwt()", options, jwtOptions);
  return ownTokenAuthenticator(options, createTokenVerifier(options));
}

/** The same with a verifier that is there already. */
export function ownTokenAuthenticator<P>(
  options: TokenAuthenticatorOptions<P> & Pick<JwtOptions<P>, "users" | "sessions">,
  verifier: TokenVerifier,
): Authenticator<P> {
  const { name = "jwt", users, sessions = true } = options;
  const factsOf = ({ claims }: VerifiedToken): CredentialFacts => {
    const sessionId = sessions ? claims.sid : undefined;
    return { authenticator: name, claims, clientId: claims.client_id, sessionId };
  };
  return tokenAuthenticator(options, {
    name,
    verifier,
    principal: (token, roles) => {
      if (users === undefined)
        return isTenantClear(token) ? principalOfClaims(token, factsOf(token), roles) : tenantUnclear;
      return andThen(users.load(token.userId), (account) => principalOfUser(account, factsOf(token), roles));
    },
  });
}

const noSuchUser: NobodyBehind = Object.freeze({ ok: false, reason: "TOKEN_INVALID", cause: "no such user" });
const tenantUnclear: NobodyBehind = Object.freeze({
  ok: false,
  reason: "TOKEN_INVALID",
  cause: "claim tenant is malformed",
});
const userDisabled: NobodyBehind = Object.freeze({ ok: false, reason: "USER_DISABLED" });

/** The principal of an account, if there is one that is active. */
export function principalOfUser(
  account: UserAccount | undefined,
  facts: CredentialFacts,
  roles: RoleDirectory | undefined,
): Principal | NobodyBehind {
  if (account === undefined) return noSuchUser;
  return account.isActive ? principalOf(account, facts, roles) : userDisabled;
}

/** An authenticator of tokens that a verifier checks. A warm check never gets to the verifier or the principal. */
export function tokenAuthenticator<P>(
  options: TokenAuthenticatorOptions<P>,
  parts: TokenAuthenticatorParts,
): Authenticator<P> {
  const { header = "authorization", scheme = "Bearer", capacity = 65_536 } = options;
  const { name } = parts;
  const toPrincipal = options.toPrincipal ?? ((principal: Principal) => principal as P);
  const challenge = scheme === "" ? "Bearer" : scheme;
  const settings: Settings<P> = Object.freeze({ ...parts, scheme, challenge, capacity, toPrincipal });
  return withOfferedScheme({
    name,
    header,
    scheme,
    challenge,
    unrecognized: (value: string) => refuseUnrecognized(value, scheme, "TOKEN_INVALID"),
    start(runtime: AuthRuntime) {
      const checker = new TokenChecker<P>(settings, runtime);
      return (value: string, call: Call) => checker.authenticate(value, call);
    },
  });
}

/** The largest second that is a small integer; later ones are looked at exactly. */
const lastSecond = 2 ** 31 - 1;

interface Settings<P> extends TokenAuthenticatorParts {
  readonly scheme: string;
  readonly challenge: string;
  readonly capacity: number;
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
    runtime.onCache?.(this.#cache);
  }

  authenticate(value: string, call: Call): MaybePromise<Decision<P>> | undefined {
    const cached = this.#cache.get(value);
    if (cached === undefined) return this.#verify(value, call);
    const now = this.#runtime.now();
    const second = Math.floor(now / 1000);
    if (second < cached.goodFrom || second >= cached.goodUntil) {
      if (now >= cached.decision.expiresAt) return this.#deny("TOKEN_EXPIRED");
      if (now < cached.notBefore) return this.#deny("TOKEN_INVALID");
    }
    if (cached.binding !== undefined && !holdsBinding(cached.binding, call))
      return this.#invalid(value, bindingFaults.broken);
    if (cached.stamp === this.#runtime.revocations.version) return cached.decision;
    const verdict = recheck(this.#runtime, cached);
    if (verdict === "good") return cached.decision;
    if (verdict === "stale") return this.#verify(value, call, cached);
    return this.#refuse(verdict, cached.subject);
  }

  /** `known`: what is remembered of the token, which has to be read again. */
  #verify(value: string, call: Call, known?: CachedToken<P>): MaybePromise<Decision<P>> | undefined {
    const { scheme, verifier } = this.#settings;
    if (value.length > longestCredential) return undefined;
    const start = credentialStart(value, scheme);
    if (start === -1) return undefined;
    const token = start === 0 ? value : value.slice(start);
    // Whose it is must be guessed from what is not verified yet, but only where someone else may want it.
    if (!this.#runtime.sole && !verifier.recognizes(token)) return undefined;
    const tooMany = known === undefined ? this.#runtime.throttle?.refusalBefore(call) : undefined;
    if (tooMany !== undefined) return tooMany;
    return andThen(verifier.verify(token, this.#runtime.now()), (verified) => {
      if (!verified.ok) return this.#invalid(value, verified);
      const binding = tokenBinding(verified.claims);
      if (typeof binding === "object") return this.#invalid(value, binding);
      if (binding !== undefined && !holdsBinding(binding, call))
        return this.#invalid(value, bindingFaults.broken);
      return fill(
        this.#runtime,
        (stamp) => this.#read(value, verified, binding, stamp),
        (credential) => this.#cache.set(credential),
        (verdict) => this.#refuse(verdict, verified),
      );
    });
  }

  #read(
    value: string,
    token: VerifiedToken,
    binding: TokenBinding,
    stamp: number,
  ): MaybePromise<CachedToken<P> | Denied> {
    return andThen(this.#settings.principal(token, this.#runtime.roles), (principal) => {
      if ("ok" in principal) return this.#deny(principal.reason, principal.cause);
      return this.#found(value, token, binding, principal, stamp);
    });
  }

  #found(
    value: string,
    token: VerifiedToken,
    binding: TokenBinding,
    principal: Principal,
    stamp: number,
  ): CachedToken<P> {
    const { name, toPrincipal } = this.#settings;
    // Who does not say when a token was issued cannot escape from "everything issued before".
    const { iss: issuer = "", jti, iat: issuedAt = 0 } = token.claims;
    const { userId, tenantId, sessionId } = principal;
    return {
      value,
      notBefore: token.notBefore,
      goodFrom: Math.ceil(token.notBefore / 1000),
      goodUntil: Math.min(Math.floor(token.expiresAt / 1000), lastSecond),
      binding,
      stamp,
      decision: allow(toPrincipal(principal), name, token.expiresAt),
      // The account's own spelling of the id, which is the one that the revocation log has.
      subject: { userId, tenantId, issuer, jti, sessionId, kid: token.kid, issuedAt },
    };
  }

  #refuse(verdict: Exclude<Verdict, "good">, { userId, tenantId }: DenialSubject): Denied {
    return refusal(verdict, tokenReasons, {
      challenges: this.#challenges,
      subject: { userId, tenantId },
    });
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
