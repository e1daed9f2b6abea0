import { hash } from "node:crypto";
import type { Authenticator, AuthRuntime } from "../core/authenticator.ts";
import { credentialStart, longestCredential, refuseUnrecognized } from "../core/credential.ts";
import { allow, andThen, type Decision, type Denied, deny, type MaybePromise } from "../core/decision.ts";
import type { DenialDetail, Reason } from "../core/denial.ts";
import type { ApiKeyIdentity, Principal } from "../core/principal.ts";
import type { Verdict } from "../core/revocation.ts";
import type { UserSource } from "../core/user.ts";
import { createKeyDigests, type KeyDigests, type Pepper } from "../keys/key-digest.ts";
import { apiKeyPrefix, type ParsedApiKey, parseApiKey } from "../keys/key-format.ts";
import { apiKeyStatus } from "../store/api-key-status.ts";
import type { ApiKeyRecord, ApiKeySource } from "../store/contracts.ts";
import { principalOf } from "./account.ts";
import { type CachedCredential, fill, recheck, refusal } from "./cached-credential.ts";
import { type CredentialCache, createCredentialCache } from "./credential-cache.ts";

export interface ApiKeyOptions<P> {
  /** Where keys are stored. */
  readonly keys: ApiKeySource;
  /** Where their owners are. A key of an owner who is gone or disabled is refused. */
  readonly users: UserSource;
  /** The peppers of stored digests: the first is the current one. */
  readonly peppers: readonly [Pepper, ...Pepper[]];
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

/** Stored API keys: a warm check costs a SHA-256 and a look-up, and touches no store. */
export function apiKey<P = Principal>(options: ApiKeyOptions<P>): Authenticator<P> {
  const settings = settle(options);
  const { name, header, scheme, challenge } = settings;
  return Object.freeze({
    name,
    header,
    challenge,
    missingMessage: "API key required",
    unrecognized: (value: string) => refuseUnrecognized(value, scheme, "API_KEY_INVALID"),
    start(runtime: AuthRuntime) {
      const checker = new ApiKeyChecker<P>(settings, runtime);
      return (value: string) => checker.authenticate(value);
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
  readonly keys: ApiKeySource;
  readonly users: UserSource;
  readonly digests: KeyDigests;
  readonly toPrincipal: (principal: Principal) => P;
}

function settle<P>(options: ApiKeyOptions<P>): Settings<P> {
  const { name = "api_key", header = "x-api-key", scheme = "", prefix = "cs", capacity = 65_536 } = options;
  return Object.freeze({
    name,
    header,
    scheme,
    prefix,
    keyPrefix: apiKeyPrefix({ prefix }),
    challenge: scheme === "" ? "ApiKey" : scheme,
    capacity,
    keys: options.keys,
    users: options.users,
    digests: createKeyDigests(options.peppers),
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
    runtime.onCache?.(this.#cache);
  }

  authenticate(value: string): MaybePromise<Decision<P>> | undefined {
    const { scheme, keyPrefix } = this.#settings;
    const start = credentialStart(value, scheme);
    if (start === -1 || !value.startsWith(keyPrefix, start) || value.length > longestCredential)
      return undefined;
    // The cache is keyed by a digest, so that neither its memory nor the time of a look-up tells of the key.
    const digest = hash("sha256", value, "binary");
    const cached = this.#cache.get(digest);
    if (cached === undefined) return this.#read(start === 0 ? value : value.slice(start), digest);
    if (this.#runtime.now() >= cached.decision.expiresAt) {
      return this.#deny("API_KEY_EXPIRED", cached.subject.keyId);
    }
    if (cached.stamp === this.#runtime.revocations.version) return cached.decision;
    const verdict = recheck(this.#runtime, cached);
    if (verdict === "good") return cached.decision;
    if (verdict === "stale") return this.#read(start === 0 ? value : value.slice(start), digest);
    return this.#refuse(verdict, cached.subject.keyId);
  }

  /** The way to the store, for a key that is not remembered. */
  #read(key: string, digest: string): MaybePromise<Decision<P>> {
    const { prefix, keys } = this.#settings;
    const parsed = parseApiKey(key, { prefix });
    // Not of our making or mistyped: refused without asking the store.
    if (parsed === undefined) return this.#deny("API_KEY_INVALID", undefined);
    return fill(
      this.#runtime,
      (stamp) => andThen(keys.load(parsed.id), (record) => this.#settle(parsed, record, stamp)),
      (credential) => this.#cache.set(digest, credential),
      (verdict) => this.#refuse(verdict, parsed.id),
    );
  }

  #settle(
    parsed: ParsedApiKey,
    record: ApiKeyRecord | undefined,
    stamp: number,
  ): MaybePromise<CachedCredential<P> | Denied> {
    const { digests, users } = this.#settings;
    if (!digests.matches(parsed.body, record) || record === undefined) {
      return this.#deny("API_KEY_INVALID", record?.id);
    }
    const refusal = refusalOf[apiKeyStatus(record, new Date(this.#runtime.now()))];
    if (refusal !== undefined) return this.#deny(refusal, record.id);
    return andThen(users.load(record.userId), (owner) => {
      if (owner === undefined) return this.#deny("API_KEY_REVOKED", record.id);
      if (!owner.isActive) return this.#deny("USER_DISABLED", record.id);
      return this.#found(record, principalOf(owner, this.#factsOf(record), this.#runtime.roles), stamp);
    });
  }

  #found(record: ApiKeyRecord, principal: Principal, stamp: number): CachedCredential<P> {
    const { name, toPrincipal } = this.#settings;
    const expiresAt = record.expiresAt?.getTime() ?? Number.POSITIVE_INFINITY;
    // No comparison with such a date is ever true: the key would never expire.
    if (Number.isNaN(expiresAt)) throw new TypeError(`the key ${record.id} expires at an invalid date`);
    return {
      decision: allow(toPrincipal(principal), name, expiresAt),
      // The account's own spelling of the id, which is the one that the revocation log has.
      subject: { userId: principal.userId, keyId: record.id },
      stamp,
    };
  }

  #factsOf(record: ApiKeyRecord): { authenticator: string; apiKey: ApiKeyIdentity; clientId: string } {
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

const refusalOf = {
  active: undefined,
  disabled: "API_KEY_DISABLED",
  expired: "API_KEY_EXPIRED",
  revoked: "API_KEY_REVOKED",
} as const;
