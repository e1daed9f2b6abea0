import { hash, timingSafeEqual } from "node:crypto";
import type { Authenticator, AuthRuntime } from "../core/authenticator.ts";
import type { Call } from "../core/call.ts";
import { credentialStart } from "../core/credential.ts";
import { andThen, type Decision, type Denied, deny, type MaybePromise } from "../core/decision.ts";
import type { Principal } from "../core/principal.ts";
import {
  foreignDigest,
  foreignHmac,
  isForeignKey,
  longestPrefix,
  shortestPrefix,
} from "../keys/foreign-hash.ts";
import { createMissBudget } from "../keys/miss-budget.ts";
import { type NetworkOf, networkReader } from "../limits/network.ts";
import type { ApiKeyRecord } from "../store/api-key-contracts.ts";
import type { ImportedKey, KeyImportState, KeyImportStore } from "../store/key-import-contracts.ts";
import { readingKeys, type StoredKeyOptions, type StoredKeySettings, settle } from "./api-key.ts";
import { KeyChecker } from "./key-checker.ts";
import { type GoodKey, provenKey, subjectOf } from "./key-lookup.ts";

/** Checks a key against a slow hash, bcrypt or Argon2, off the event loop and in a bounded queue. `origin`: whose turn it is. */
export type VerifySlowHash = (hash: string, key: string, origin: string | undefined) => Promise<boolean>;

export interface ImportedKeyOptions<P> extends StoredKeyOptions<P> {
  readonly imports: Pick<KeyImportStore, "state" | "find" | "settle">;
  /** Opens a secret that keys were hashed with elsewhere. */
  readonly openSecret: (sealed: Uint8Array) => Uint8Array;
  readonly verifySlowHash: VerifySlowHash;
  /** Strings in a minute, from one IPv4 address or IPv6 /64, that turn out to be no key. Default: 60; of all callers together 6,000. */
  readonly missesPerNetwork?: number;
  /** Addresses and ranges that many callers share: only counted together. Default: those of this machine. */
  readonly sharedAddresses?: readonly string[];
}

/** Wrong keys in a minute that begin as one imported key does, with a slow hash. */
const missesPerKey = 10;
const missesOfAll = 6000;

/**
 * Keys that were made elsewhere, of any shape, by the hashes that were imported. At its first use a key is hashed anew as ours
 * are. A string that is none costs one query, and nothing at all where no keys were imported; a slow hash is only computed for
 * who presents the prefix of one that is there. Should come after every other authenticator of its header.
 */
export function importedKey<P = Principal>(options: ImportedKeyOptions<P>): Authenticator<P> {
  const settings = settle(options);
  return readingKeys(settings, (runtime) => new ImportedKeyReader<P>(settings, options, runtime));
}

interface KnownState extends KeyImportState {
  /** The version of the revocation view at which reading it began. */
  readonly version: number;
  readonly keys: ReadonlyMap<string, Uint8Array>;
}

class ImportedKeyReader<P> {
  readonly #settings: StoredKeySettings<P>;
  readonly #options: ImportedKeyOptions<P>;
  readonly #runtime: AuthRuntime;
  readonly #checker: KeyChecker<P>;
  readonly #ofNetworks;
  readonly #ofAll = createMissBudget(missesOfAll);
  readonly #ofKeys = createMissBudget(missesPerKey);
  readonly #networkOf: NetworkOf;
  #state: KnownState | undefined;
  #reading: Promise<KnownState> | undefined;

  constructor(settings: StoredKeySettings<P>, options: ImportedKeyOptions<P>, runtime: AuthRuntime) {
    const { missesPerNetwork = 60, sharedAddresses } = options;
    this.#settings = settings;
    this.#options = options;
    this.#runtime = runtime;
    this.#checker = new KeyChecker(settings, runtime);
    this.#ofNetworks = createMissBudget(missesPerNetwork);
    this.#networkOf = networkReader(sharedAddresses);
  }

  authenticate(value: string, call: Call): MaybePromise<Decision<P>> | undefined {
    const start = credentialStart(value, this.#settings.scheme);
    if (start === -1 || this.#isEmpty()) return undefined;
    const key = start === 0 ? value : value.slice(start);
    if (!isForeignKey(key)) return undefined;
    const digest = hash("sha256", value, "binary");
    return this.#checker.recall(digest, call) ?? this.#read(key, digest, call);
  }

  /** As far as this node knows, nothing was imported; an import would have raised the version. */
  #isEmpty(): boolean {
    const { version, algorithms = {} } = this.#state ?? {};
    return version === this.#runtime.revocations.version && Object.keys(algorithms).length === 0;
  }

  async #read(key: string, digest: string, call: Call): Promise<Decision<P>> {
    const state = await this.#current();
    if (Object.keys(state.algorithms).length === 0) return this.#invalid();
    const origin = this.#networkOf(this.#settings.clientAddress(call));
    const wait = Math.max(this.#ofAll.take(""), origin === undefined ? 0 : this.#ofNetworks.take(origin));
    if (wait > 0)
      return deny("RATE_LIMITED", { retryAfterSeconds: wait, cause: "too many keys that are none" });
    return andThen(
      this.#checker.read(digest, call, () => this.#find(key, state, origin)),
      (decision) => {
        // Whoever holds a key has not missed, whatever else stands against the call.
        if (decision.ok || decision.denial.reason !== "API_KEY_INVALID") {
          this.#ofAll.giveBack("");
          if (origin !== undefined) this.#ofNetworks.giveBack(origin);
        }
        return decision;
      },
    );
  }

  async #find(key: string, state: KnownState, origin: string | undefined): Promise<GoodKey | Denied> {
    const record = await this.#prove(key, state, origin);
    if ("ok" in record) return record;
    const found = await provenKey(record, { users: this.#settings.users, now: this.#runtime.now });
    return found.ok ? found : this.#checker.deny(found.reason, found.subject);
  }

  async #prove(key: string, state: KnownState, origin: string | undefined): Promise<ApiKeyRecord | Denied> {
    const { imports } = this.#options;
    const isSlow = "bcrypt" in state.algorithms || "argon2" in state.algorithms;
    const found = await imports.find(this.#lookups(key, state), isSlow ? prefixesOf(key) : []);
    if (found === undefined) return this.#invalid();
    const { record, algorithm } = found;
    const proven =
      found.hash === undefined ? this.#fits(key, found, state) : await this.#verify(key, found, origin);
    if (proven !== true) return proven === false ? this.#invalid(record) : proven;
    // What it is found by is such a digest too: both change together.
    if (algorithm !== "countersign" || record.pepperId !== this.#settings.currentPepper)
      await imports.settle(record.id, this.#settings.digests.digest(own(key)));
    return record;
  }

  /** What it would be found by: under each of our peppers, and as others hash it. */
  #lookups(key: string, { algorithms, keys }: KnownState): readonly Uint8Array[] {
    return [
      ...("countersign" in algorithms
        ? this.#settings.digests.digests(own(key)).map(({ digest }) => digest)
        : []),
      ...(["sha256", "sha512"] as const).flatMap((name) =>
        name in algorithms ? [foreignDigest(name, key)] : [],
      ),
      ...("hmac-sha256" in algorithms ? [...keys.values()].map((secret) => foreignHmac(secret, key)) : []),
    ];
  }

  /** Is it found by the very digest that it should be? */
  #fits(
    key: string,
    { algorithm, secretId = "", lookup, record }: ImportedKey,
    { keys }: KnownState,
  ): boolean {
    if (algorithm === "countersign") return this.#settings.digests.matches(own(key), record);
    const secret = keys.get(secretId);
    const digest =
      algorithm === "hmac-sha256"
        ? secret && foreignHmac(secret, key)
        : foreignDigest(algorithm === "sha512" ? "sha512" : "sha256", key);
    return digest !== undefined && lookup?.length === digest.length && timingSafeEqual(digest, lookup);
  }

  async #verify(key: string, found: ImportedKey, origin: string | undefined): Promise<boolean | Denied> {
    const { id } = found.record;
    const wait = this.#ofKeys.take(id);
    if (wait > 0)
      return this.#checker.deny("RATE_LIMITED", subjectOf(found.record), {
        challenges: [],
        retryAfterSeconds: wait,
        cause: "guesses at one key",
      });
    const proven = await this.#options.verifySlowHash(found.hash ?? "", key, origin);
    if (proven) this.#ofKeys.giveBack(id);
    return proven;
  }

  /** Undefined where many share an address. */
  async #current(): Promise<KnownState> {
    if (this.#state?.version === this.#runtime.revocations.version) return this.#state;
    this.#reading ??= this.#load().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #load(): Promise<KnownState> {
    const { version } = this.#runtime.revocations;
    const state = await this.#options.imports.state();
    const keys = new Map(state.secrets.map(({ id, sealed }) => [id, this.#options.openSecret(sealed)]));
    this.#state = { ...state, version, keys };
    return this.#state;
  }

  #invalid(record?: ApiKeyRecord): Denied {
    return this.#checker.deny("API_KEY_INVALID", record && subjectOf(record));
  }
}

/** What our digest of a key of others is made of: never what one of ours could be. */
function own(key: string): string {
  return `imported:${key}`;
}

function prefixesOf(key: string): readonly string[] {
  const longest = Math.min(longestPrefix, key.length);
  return Array.from({ length: Math.max(0, longest - shortestPrefix + 1) }, (_, at) =>
    key.slice(0, shortestPrefix + at),
  );
}
