import { hash } from "node:crypto";
import type { Authenticator, AuthRuntime } from "../core/authenticator.ts";
import type { Call } from "../core/call.ts";
import { credentialStart, longestCredential, refuseUnrecognized } from "../core/credential.ts";
import { andThen, type Decision, type MaybePromise } from "../core/decision.ts";
import type { Principal } from "../core/principal.ts";
import type { UserSource } from "../core/user.ts";
import { createKeyDigests, type KeyDigests, type Pepper } from "../keys/key-digest.ts";
import { apiKeyPrefix, type ParsedApiKey, parseApiKey } from "../keys/key-format.ts";
import type { ApiKeyRecord, ApiKeySource } from "../store/api-key-contracts.ts";
import { apiKeyStatus } from "../store/api-key-status.ts";
import type { Redigested } from "../store/secret-contracts.ts";
import { KeyChecker, type KeyCheckerOptions, type Restricted } from "./key-checker.ts";
import type { OnScopeUsed } from "./noted-permissions.ts";

/** What an authenticator of stored keys is told, whoever made them. */
export interface StoredKeyOptions<P> {
  /** Where their owners are. A key of an owner who is gone or disabled is refused. */
  readonly users: UserSource;
  /** The peppers of stored digests: the first is the current one. */
  readonly peppers: readonly [Pepper, ...Pepper[]];
  /** Hears of the digest under the current pepper of each key that is read, found right, and stored under an older one. Must not throw. */
  readonly onOlderPepper?: ((change: Redigested) => void) | undefined;
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

export interface ApiKeyOptions<P> extends StoredKeyOptions<P> {
  /** Where keys are stored. */
  readonly keys: ApiKeySource;
}

/** Stored API keys: a warm check costs a SHA-256 and a look-up, and touches no store. */
export function apiKey<P = Principal>(options: ApiKeyOptions<P>): Authenticator<P> {
  const settings = { ...settle(options), keys: options.keys };
  const { name, header, scheme, challenge } = settings;
  return Object.freeze({
    name,
    header,
    challenge,
    missingMessage: "API key required",
    unrecognized: (value: string) => refuseUnrecognized(value, scheme, "API_KEY_INVALID"),
    start(runtime: AuthRuntime) {
      const reader = new ApiKeyReader<P>(settings, runtime);
      return (value: string, call: Call) => reader.authenticate(value, call);
    },
  });
}

/** Options with their defaults. */
export interface StoredKeySettings<P> extends KeyCheckerOptions<P> {
  readonly header: string;
  readonly scheme: string;
  readonly prefix: string;
  readonly keyPrefix: string;
  readonly digests: KeyDigests;
  readonly currentPepper: string;
  readonly onOlderPepper: (change: Redigested) => void;
}

export function settle<P>(options: StoredKeyOptions<P>): StoredKeySettings<P> {
  const { name = "api_key", header = "x-api-key", scheme = "", prefix = "cs", capacity = 65_536 } = options;
  return Object.freeze({
    name,
    header,
    scheme,
    prefix,
    keyPrefix: apiKeyPrefix({ prefix }),
    challenge: scheme === "" ? "ApiKey" : scheme,
    capacity,
    users: options.users,
    digests: createKeyDigests(options.peppers),
    currentPepper: options.peppers[0].id,
    onOlderPepper: options.onOlderPepper ?? (() => {}),
    restricted: options.restricted ?? "checked",
    clientAddress: options.clientAddress ?? ((call: Call) => call.peer.address),
    onScopeUsed: options.onScopeUsed,
    toPrincipal: options.toPrincipal ?? ((principal: Principal) => principal as P),
  });
}

class ApiKeyReader<P> {
  readonly #settings: StoredKeySettings<P> & Pick<ApiKeyOptions<P>, "keys">;
  readonly #runtime: AuthRuntime;
  readonly #checker: KeyChecker<P>;

  constructor(settings: StoredKeySettings<P> & Pick<ApiKeyOptions<P>, "keys">, runtime: AuthRuntime) {
    this.#settings = settings;
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

  /** The way to the store, for a key that is not remembered. */
  #read(key: string, digest: string, call: Call): MaybePromise<Decision<P>> {
    const { prefix, keys, digests } = this.#settings;
    const parsed = parseApiKey(key, { prefix });
    // Not of our making or mistyped: refused without asking the store.
    if (parsed === undefined) return this.#checker.deny("API_KEY_INVALID", undefined);
    const proven = () =>
      andThen(keys.load(parsed.id), (record) => {
        if (!digests.matches(parsed.body, record) || record === undefined)
          return this.#checker.deny("API_KEY_INVALID", record?.id);
        this.#redigest(parsed, record);
        return record;
      });
    return this.#checker.read(digest, call, proven, parsed.id);
  }

  /** Only now is the key's secret there. */
  #redigest({ body }: ParsedApiKey, record: ApiKeyRecord): void {
    const { digests, currentPepper, onOlderPepper } = this.#settings;
    const { id, digest, pepperId } = record;
    if (pepperId === currentPepper || apiKeyStatus(record, new Date(this.#runtime.now())) !== "active")
      return;
    onOlderPepper({ id, from: { digest, pepperId }, to: digests.digest(body) });
  }
}
