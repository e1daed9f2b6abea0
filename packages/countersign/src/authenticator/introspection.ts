import { hash } from "node:crypto";
import type { Authenticator, AuthRuntime } from "../core/authenticator.ts";
import type { Call } from "../core/call.ts";
import { credentialStart, longestCredential, refuseUnrecognized } from "../core/credential.ts";
import { allow, andThen, type Decision, type Denied, deny, type MaybePromise } from "../core/decision.ts";
import type { Reason } from "../core/denial.ts";
import { requireKnown } from "../core/known-options.ts";
import type { Principal } from "../core/principal.ts";
import type { Verdict } from "../core/revocation.ts";
import { peekToken } from "../jwt/peek.ts";
import {
  type ActiveToken,
  createIntrospector,
  type Introspector,
  type IntrospectorOptions,
} from "../oidc/introspector.ts";
import type { Issuer } from "../oidc/issuer.ts";
import { type CachedCredential, fill, recheck, refusal, tokenReasons } from "./cached-credential.ts";
import { type CredentialCache, createCredentialCache } from "./credential-cache.ts";
import {
  createForeignerFinder,
  type FindForeigner,
  type ForeignPrincipalOptions,
} from "./foreign-principal.ts";
import { type TokenAuthenticatorOptions, tokenOptions } from "./jwt.ts";
import { withOfferedScheme } from "./offered-scheme.ts";

export interface IntrospectionOptions<P>
  extends Omit<IntrospectorOptions, "requireSubject">,
    ForeignPrincipalOptions,
    TokenAuthenticatorOptions<P> {
  readonly issuer: Issuer;
  /** What this issuer's tokens begin with; others are left to other authenticators. Default: anything. */
  readonly prefix?: string | undefined;
  /** How long an answer is believed, in seconds; never beyond the token's end. Default: 30; from 1 to 300. */
  readonly cacheSeconds?: number | undefined;
  /** The same of the answer that a token is not good. Default: 5. */
  readonly negativeCacheSeconds?: number | undefined;
}

const introspectionOptions = [
  ...tokenOptions,
  ...(["issuer", "accounts", "mapping", "client", "audience", "leewaySeconds", "prefix"] as const),
  ...(["cacheSeconds", "negativeCacheSeconds", "timeoutMs", "maxBytes", "maxInFlight"] as const),
] satisfies (keyof IntrospectionOptions<unknown>)[];

/**
 * Opaque tokens, which their issuer is asked about (RFC 7662), and its tokens that are JWTs. A warm check costs a
 * SHA-256 and a look-up. What the issuer revokes is refused when the answer is no longer believed.
 */
export function introspection<P = Principal>(options: IntrospectionOptions<P>): Authenticator<P> {
  requireKnown("introspection()", options, introspectionOptions);
  const settings = settle(options);
  const { name, challenge, scheme } = settings;
  return withOfferedScheme({
    name,
    header: options.header ?? "authorization",
    scheme,
    challenge,
    unrecognized: (value: string) => refuseUnrecognized(value, scheme, "TOKEN_INVALID"),
    start(runtime: AuthRuntime) {
      const checker = new IntrospectionChecker<P>(settings, runtime);
      return (value: string, call: Call) => checker.authenticate(value, call);
    },
  });
}

interface Settings<P> {
  readonly name: string;
  readonly scheme: string;
  readonly challenge: string;
  readonly prefix: string;
  readonly capacity: number;
  readonly cacheMs: number;
  readonly negativeCacheMs: number;
  readonly issuer: Issuer;
  readonly introspector: Introspector;
  readonly find: FindForeigner;
  readonly toPrincipal: (principal: Principal) => P;
}

function settle<P>(options: IntrospectionOptions<P>): Settings<P> {
  const { issuer, name = "introspection", scheme = "Bearer", capacity = 65_536, prefix = "" } = options;
  const { cacheSeconds = 30, negativeCacheSeconds = 5 } = options;
  for (const [option, value] of Object.entries({ cacheSeconds, negativeCacheSeconds })) {
    // Not 0: an open stream is decided anew each time that its answer ends.
    if (!Number.isFinite(value) || value < 1 || value > 300)
      throw new TypeError(`${option} is a number from 1 to 300`);
  }
  return Object.freeze({
    name,
    scheme,
    challenge: scheme === "" ? "Bearer" : scheme,
    prefix,
    capacity,
    cacheMs: cacheSeconds * 1000,
    negativeCacheMs: negativeCacheSeconds * 1000,
    issuer,
    introspector: createIntrospector(issuer, { ...options, requireSubject: options.accounts !== undefined }),
    find: createForeignerFinder(name, options),
    toPrincipal: options.toPrincipal ?? ((principal: Principal) => principal as P),
  });
}

/** A refusal that is remembered until an instant in milliseconds since the epoch. */
interface RememberedRefusal {
  readonly denied: Denied;
  readonly until: number;
}

class IntrospectionChecker<P> {
  readonly #settings: Settings<P>;
  readonly #runtime: AuthRuntime;
  readonly #good: CredentialCache<CachedCredential<P>>;
  readonly #bad: CredentialCache<RememberedRefusal>;
  /** Questions under way, by the digest of their token. */
  readonly #asking = new Map<string, Promise<Decision<P>>>();
  readonly #challenges: readonly string[];

  constructor(settings: Settings<P>, runtime: AuthRuntime) {
    const { capacity, challenge } = settings;
    this.#settings = settings;
    this.#runtime = runtime;
    this.#good = createCredentialCache({ capacity });
    this.#bad = createCredentialCache({ capacity });
    runtime.onCache?.(this.#good);
    this.#challenges = Object.freeze([`${challenge} error="invalid_token"`]);
  }

  authenticate(value: string, call: Call): MaybePromise<Decision<P>> | undefined {
    const { scheme, prefix } = this.#settings;
    const start = credentialStart(value, scheme);
    if (start === -1 || !value.startsWith(prefix, start) || value.length > longestCredential)
      return undefined;
    const digest = hash("sha256", value, "binary");
    const cached = this.#good.get(digest);
    const now = this.#runtime.now();
    if (cached !== undefined && now < cached.decision.expiresAt) {
      if (cached.stamp === this.#runtime.revocations.version) return cached.decision;
      const verdict = recheck(this.#runtime, cached);
      if (verdict === "good") return cached.decision;
      if (verdict !== "stale") return this.#refuse(verdict);
    }
    const bad = this.#bad.get(digest);
    if (bad !== undefined && now < bad.until) return bad.denied;
    return this.#askOnce(value, start, digest, cached === undefined ? call : undefined);
  }

  /** `stranger`: the call, where nothing good is remembered of the token. */
  #askOnce(
    value: string,
    start: number,
    digest: string,
    stranger: Call | undefined,
  ): MaybePromise<Decision<P>> | undefined {
    const known = this.#asking.get(digest);
    if (known !== undefined) return known;
    // What is no token is not sent anywhere.
    if (refuseUnrecognized(value, this.#settings.scheme, "TOKEN_INVALID") !== "TOKEN_INVALID")
      return undefined;
    const token = start === 0 ? value : value.slice(start);
    const seen = peekToken(token);
    if (seen !== undefined && !this.#settings.issuer.names.includes(seen.issuer ?? "")) return undefined;
    const tooMany = stranger && this.#runtime.throttle?.refusalBefore(stranger);
    if (tooMany !== undefined) return tooMany;
    const asking = this.#ask(token, digest).finally(() => this.#asking.delete(digest));
    this.#asking.set(digest, asking);
    return asking;
  }

  async #ask(token: string, digest: string): Promise<Decision<P>> {
    return fill(
      this.#runtime,
      async (stamp) => {
        const { introspector, find, issuer } = this.#settings;
        const answer = await introspector.ask(token, this.#runtime.now());
        if (!answer.ok) return this.#remember(digest, answer.reason, answer.cause);
        return andThen(
          find({ issuer: issuer.name, claims: answer.claims }, this.#runtime.roles),
          (principal) =>
            "ok" in principal
              ? this.#deny(principal.reason, principal.cause)
              : this.#found(answer, principal, stamp),
        );
      },
      (credential) => this.#good.set(digest, credential),
      (verdict) => this.#refuse(verdict),
    );
  }

  #found({ claims, expiresAt }: ActiveToken, principal: Principal, stamp: number): CachedCredential<P> {
    const { name, cacheMs, toPrincipal } = this.#settings;
    const { iss: issuer, jti, iat: issuedAt = 0 } = claims;
    // An open stream is decided anew when the answer is no longer believed.
    const until = Math.min(expiresAt, this.#runtime.now() + cacheMs);
    return {
      decision: allow(toPrincipal(principal), name, until),
      subject: { userId: principal.userId, tenantId: principal.tenantId, issuer, jti, issuedAt },
      stamp,
    };
  }

  #remember(digest: string, reason: Reason, cause: string): Denied {
    const denied = this.#deny(reason, cause);
    this.#bad.set(digest, { denied, until: this.#runtime.now() + this.#settings.negativeCacheMs });
    return denied;
  }

  #refuse(verdict: Exclude<Verdict, "good">): Denied {
    return refusal(verdict, tokenReasons, { challenges: this.#challenges });
  }

  #deny(reason: Reason, cause?: string): Denied {
    return deny(reason, { challenges: this.#challenges, cause });
  }
}
