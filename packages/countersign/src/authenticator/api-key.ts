import { hash } from "node:crypto";
import type { Authenticator, AuthRuntime } from "../core/authenticator.ts";
import type { Call } from "../core/call.ts";
import { credentialStart, longestCredential, refuseUnrecognized } from "../core/credential.ts";
import { andThen, type Decision, type MaybePromise } from "../core/decision.ts";
import { requireKnown } from "../core/known-options.ts";
import type { Principal } from "../core/principal.ts";
import type { UserSource } from "../core/user.ts";
import { createKeyDigests, type KeyDigests } from "../keys/key-digest.ts";
import { apiKeyPrefix, parseApiKey } from "../keys/key-format.ts";
import { KeyChecker, type KeyCheckerOptions, type Restricted } from "./key-checker.ts";
import { type KeyLookup, type StoredKeysOptions, storedKeys } from "./key-lookup.ts";
import type { OnScopeUsed } from "./noted-permissions.ts";
import { withOfferedScheme } from "./offered-scheme.ts";

/** What authenticators of API keys have in common, wherever the keys are. */
export interface KeyAuthenticatorOptions<P> {
  /** In lower case. Default: `x-api-key`. The default is not read where another one is set. */
  readonly header?: string;
  /**
   * The scheme before the key, as in `authorization: Key cs_…`. Default: none, and the value is the bare key; in `authorization`
   * it may have `ApiKey` before it, which is what challenges name.
   */
  readonly scheme?: string;
  /** What keys begin with. Default: `cs`. */
  readonly prefix?: string;
  /** Good keys that are remembered. Default: 65,536. */
  readonly capacity?: number;
  /** Default: `api_key`. */
  readonly name?: string;
  /**
   * What becomes of keys that are limited to addresses or methods. Default: `checked`. `refused` where the key is a value in a
   * request, and the call says nothing of who presented it.
   */
  readonly restricted?: Restricted;
  /** Where a call comes from, for keys that are limited to addresses. Default: the peer of the connection. */
  readonly clientAddress?: (call: Call) => string | undefined;
  /** Hears of each scope of a key that said yes to something, at least once. Must not throw. */
  readonly onScopeUsed?: OnScopeUsed | undefined;
  /** Turns the principal into one of the application's own kind. Default: the principal as it is. */
  readonly toPrincipal?: (principal: Principal) => P;
}

/** What an authenticator of stored keys is told, whoever made them. */
export interface StoredKeyOptions<P> extends KeyAuthenticatorOptions<P>, Omit<StoredKeysOptions, "keys"> {}

export interface ApiKeyOptions<P> extends KeyAuthenticatorOptions<P>, StoredKeysOptions {}

const apiKeyOptions = [
  ...(["header", "scheme", "prefix", "capacity", "name", "restricted", "clientAddress"] as const),
  ...(["onScopeUsed", "toPrincipal", "keys", "users", "peppers", "onOlderPepper"] as const),
] satisfies (keyof ApiKeyOptions<unknown>)[];

/** Stored API keys: a warm check costs a SHA-256 and a look-up, and touches no store. */
export function apiKey<P = Principal>(options: ApiKeyOptions<P>): Authenticator<P> {
  requireKnown("apiKey()", options, apiKeyOptions);
  return keyAuthenticator(options, storedKeys(options));
}

/** An authenticator of keys that are read somewhere. A warm check never gets there. */
export function keyAuthenticator<P>(
  options: KeyAuthenticatorOptions<P>,
  lookup: KeyLookup,
): Authenticator<P> {
  const settings = settleKeys(options, lookup.refuses?.bind(lookup));
  return readingKeys(settings, (runtime) => new ApiKeyReader<P>(settings, lookup, runtime));
}

/** An authenticator of keys that are read so. */
export function readingKeys<P>(
  { name, header, scheme, challenge }: KeySettings<P>,
  readerOf: (runtime: AuthRuntime) => {
    authenticate(value: string, call: Call): MaybePromise<Decision<P>> | undefined;
  },
): Authenticator<P> {
  return withOfferedScheme({
    name,
    header,
    scheme,
    challenge,
    missingMessage: "API key required",
    unrecognized: (value: string) => refuseUnrecognized(value, scheme, "API_KEY_INVALID"),
    start(runtime: AuthRuntime) {
      const reader = readerOf(runtime);
      return (value: string, call: Call) => reader.authenticate(value, call);
    },
  });
}

export interface KeySettings<P> extends KeyCheckerOptions<P> {
  readonly header: string;
  readonly scheme: string;
  readonly prefix: string;
  readonly keyPrefix: string;
}

export interface StoredKeySettings<P> extends KeySettings<P> {
  readonly users: UserSource;
  readonly digests: KeyDigests;
  readonly currentPepper: string;
}

function settleKeys<P>(
  options: KeyAuthenticatorOptions<P>,
  refuses?: KeyCheckerOptions<P>["refuses"],
): KeySettings<P> {
  const { name = "api_key", header = "x-api-key", scheme = "", prefix = "cs", capacity = 65_536 } = options;
  return Object.freeze({
    name,
    header,
    scheme,
    prefix,
    keyPrefix: apiKeyPrefix({ prefix }),
    challenge: scheme === "" ? "ApiKey" : scheme,
    capacity,
    restricted: options.restricted ?? "checked",
    clientAddress: options.clientAddress ?? ((call: Call) => call.peer.address),
    onScopeUsed: options.onScopeUsed,
    refuses,
    toPrincipal: options.toPrincipal ?? ((principal: Principal) => principal as P),
  });
}

/** What is settled of keys that are stored here. */
export function settle<P>(options: StoredKeyOptions<P>): StoredKeySettings<P> {
  return Object.freeze({
    ...settleKeys(options),
    users: options.users,
    digests: createKeyDigests(options.peppers),
    currentPepper: options.peppers[0].id,
  });
}

class ApiKeyReader<P> {
  readonly #settings: KeySettings<P>;
  readonly #lookup: KeyLookup;
  readonly #runtime: AuthRuntime;
  readonly #checker: KeyChecker<P>;

  constructor(settings: KeySettings<P>, lookup: KeyLookup, runtime: AuthRuntime) {
    this.#settings = settings;
    this.#lookup = lookup;
    this.#runtime = runtime;
    this.#checker = new KeyChecker(settings, runtime);
  }

  authenticate(value: string, call: Call): MaybePromise<Decision<P>> | undefined {
    const { scheme, keyPrefix } = this.#settings;
    const start = credentialStart(value, scheme);
    if (start === -1 || !value.startsWith(keyPrefix, start) || value.length > longestCredential)
      return undefined;
    // The cache is keyed by a digest, so that neither its memory nor the time of a look-up tells of the key.
    const digest = hash("sha256", value, "binary");
    const known = this.#checker.recall(digest, call);
    return known ?? this.#read(start === 0 ? value : value.slice(start), digest, call);
  }

  /** The way to where keys are, for one that is not remembered, or that changed since. */
  #read(key: string, digest: string, call: Call): MaybePromise<Decision<P>> {
    const parsed = parseApiKey(key, { prefix: this.#settings.prefix });
    // Not of our making or mistyped: refused without asking anybody.
    if (parsed === undefined) return this.#checker.deny("API_KEY_INVALID");
    const { throttle, now } = this.#runtime;
    const tooMany = this.#checker.knows(digest) ? undefined : throttle?.refusalBefore(call, parsed.id);
    if (tooMany !== undefined) return tooMany;
    const proven = () =>
      andThen(this.#lookup.find(parsed, key, now), (found) =>
        found.ok ? found : this.#checker.deny(found.reason, found.subject),
      );
    return this.#checker.read(digest, call, proven, parsed.id);
  }
}
