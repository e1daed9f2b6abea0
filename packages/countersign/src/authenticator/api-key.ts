import { hash } from "node:crypto";
import type { Authenticator, AuthRuntime } from "../core/authenticator.ts";
import type { Call } from "../core/call.ts";
import { credentialStart, longestCredential, refuseUnrecognized } from "../core/credential.ts";
import { allow, andThen, type Decision, type Denied, deny, type MaybePromise } from "../core/decision.ts";
import type { DenialDetail, Reason } from "../core/denial.ts";
import type { ApiKeyIdentity, Principal } from "../core/principal.ts";
import type { Verdict } from "../core/revocation.ts";
import { apiKeyPrefix, parseApiKey } from "../keys/key-format.ts";
import { principalOf } from "./account.ts";
import { type CachedCredential, fill, recheck, refusal } from "./cached-credential.ts";
import { type CredentialCache, createCredentialCache } from "./credential-cache.ts";
import { type FoundKey, type KeyLookup, type StoredKeysOptions, storedKeys } from "./key-lookup.ts";

/** What authenticators of API keys have in common, wherever the keys are. */
export interface KeyAuthenticatorOptions<P> {
  /** In lower case. Default: `x-api-key`. The default is not read where another one is set. */
  readonly header?: string;
  /** The scheme before the key, as in `authorization: ApiKey cs_…`. Default: none. */
  readonly scheme?: string;
  /** What keys begin with. Default: `cs`. */
  readonly prefix?: string;
  /** Good keys that are remembered. Default: 65,536. */
  readonly capacity?: number;
  /** Default: `api_key`. */
  readonly name?: string;
  /** Turns the principal into one of the application's own kind. Default: the principal as it is. */
  readonly toPrincipal?: (principal: Principal) => P;
}

export interface ApiKeyOptions<P> extends StoredKeysOptions, KeyAuthenticatorOptions<P> {}

/** Stored API keys: a warm check costs a SHA-256 and a look-up, and touches no store. */
export function apiKey<P = Principal>(options: ApiKeyOptions<P>): Authenticator<P> {
  return keyAuthenticator(options, storedKeys(options));
}

/** An authenticator of keys that are read somewhere. A warm check never gets there. */
export function keyAuthenticator<P>(
  options: KeyAuthenticatorOptions<P>,
  lookup: KeyLookup,
): Authenticator<P> {
  const settings = settle(options, lookup);
  const { name, header, scheme, challenge } = settings;
  return Object.freeze({
    name,
    header,
    challenge,
    missingMessage: "API key required",
    unrecognized: (value: string) => refuseUnrecognized(value, scheme, "API_KEY_INVALID"),
    start(runtime: AuthRuntime) {
      const checker = new ApiKeyChecker<P>(settings, runtime);
      return (value: string, call: Call) => checker.authenticate(value, call);
    },
  });
}

interface Settings<P> {
  readonly name: string;
  readonly header: string;
  readonly scheme: string;
  readonly prefix: string;
  readonly keyPrefix: string;
  readonly challenge: string;
  readonly capacity: number;
  readonly lookup: KeyLookup;
  readonly toPrincipal: (principal: Principal) => P;
}

function settle<P>(options: KeyAuthenticatorOptions<P>, lookup: KeyLookup): Settings<P> {
  const { name = "api_key", header = "x-api-key", scheme = "", prefix = "cs", capacity = 65_536 } = options;
  return Object.freeze({
    name,
    header,
    scheme,
    prefix,
    keyPrefix: apiKeyPrefix({ prefix }),
    challenge: scheme === "" ? "ApiKey" : scheme,
    capacity,
    lookup,
    toPrincipal: options.toPrincipal ?? ((principal: Principal) => principal as P),
  });
}

class ApiKeyChecker<P> {
  readonly #settings: Settings<P>;
  readonly #runtime: AuthRuntime;
  readonly #cache: CredentialCache<CachedCredential<P>>;

  constructor(settings: Settings<P>, runtime: AuthRuntime) {
    this.#settings = settings;
    this.#runtime = runtime;
    this.#cache = createCredentialCache({ capacity: settings.capacity });
  }

  authenticate(value: string, call: Call): MaybePromise<Decision<P>> | undefined {
    const { scheme, keyPrefix } = this.#settings;
    const start = credentialStart(value, scheme);
    if (start === -1 || !value.startsWith(keyPrefix, start) || value.length > longestCredential)
      return undefined;
    // The cache is keyed by a digest, so that neither its memory nor the time of a look-up tells of the key.
    const digest = hash("sha256", value, "binary");
    const cached = this.#cache.get(digest);
    if (cached === undefined) return this.#read(start === 0 ? value : value.slice(start), digest, call);
    if (this.#runtime.now() >= cached.decision.expiresAt) {
      return this.#deny("API_KEY_EXPIRED", cached.subject.keyId);
    }
    if (cached.stamp === this.#runtime.revocations.version) return cached.decision;
    const verdict = recheck(this.#runtime, cached);
    if (verdict === "good") return cached.decision;
    if (verdict === "stale") return this.#read(start === 0 ? value : value.slice(start), digest);
    return this.#refuse(verdict, cached.subject.keyId);
  }

  /** The way to the store. `stranger`: the call, where the key is not remembered. */
  #read(key: string, digest: string, stranger?: Call): MaybePromise<Decision<P>> {
    const { prefix, lookup } = this.#settings;
    const parsed = parseApiKey(key, { prefix });
    // Not of our making or mistyped: refused without asking the store.
    if (parsed === undefined) return this.#deny("API_KEY_INVALID", undefined);
    const tooMany = stranger && this.#runtime.throttle?.refusalBefore(stranger, parsed.id);
    if (tooMany !== undefined) return tooMany;
    return fill(
      this.#runtime,
      (stamp) =>
        andThen(lookup.find(parsed, key, this.#runtime.now), (found) =>
          found.ok ? this.#found(found, stamp) : this.#deny(found.reason, found.keyId),
        ),
      (credential) => this.#cache.set(digest, credential),
      (verdict) => this.#refuse(verdict, parsed.id),
    );
  }

  #found({ key: record, owner }: FoundKey, stamp: number): CachedCredential<P> | Denied {
    const { name, lookup, toPrincipal } = this.#settings;
    const principal = principalOf(owner, this.#factsOf(record), this.#runtime.roles);
    const reason = lookup.refuses?.(principal);
    if (reason !== undefined) return this.#deny(reason, record.id);
    const expiresAt = record.expiresAt?.getTime() ?? Number.POSITIVE_INFINITY;
    // No comparison with such a date is ever true: the key would never expire.
    if (Number.isNaN(expiresAt)) throw new TypeError(`the key ${record.id} expires at an invalid date`);
    return {
      decision: allow(toPrincipal(principal), name, expiresAt),
      // The account's own spelling of the id, which is the one that the revocation log has.
      subject: { userId: principal.userId, tenantId: principal.tenantId, keyId: record.id },
      stamp,
    };
  }

  #factsOf(record: FoundKey["key"]): { authenticator: string; apiKey: ApiKeyIdentity; clientId: string } {
    const { id, name, type, scopes, roles } = record;
    const identity = Object.freeze({ id, name, type, scopes, roles });
    return { authenticator: this.#settings.name, apiKey: identity, clientId: id };
  }

  #deny(reason: Reason, apiKeyId: string | undefined): Denied {
    return deny(reason, this.#detail(apiKeyId));
  }

  #refuse(verdict: Exclude<Verdict, "good">, apiKeyId: string | undefined): Denied {
    const reasons = { revoked: "API_KEY_REVOKED", gone: "API_KEY_REVOKED" } as const;
    return refusal(verdict, reasons, this.#detail(apiKeyId));
  }

  #detail(apiKeyId: string | undefined): DenialDetail {
    const challenges = [this.#settings.challenge];
    return apiKeyId === undefined ? { challenges } : { challenges, subject: { apiKeyId } };
  }
}
