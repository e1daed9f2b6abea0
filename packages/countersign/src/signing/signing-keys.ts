import type { MaybePromise } from "../core/decision.ts";
import { Refusal } from "../core/refusal.ts";
import type { Algorithm } from "../jwt/algorithms.ts";
import { algorithmSpec } from "../jwt/algorithms.ts";
import type { JwkSet } from "../jwt/jwk.ts";
import type { SigningKey } from "../jwt/key.ts";
import type { KeyRing } from "../jwt/key-ring.ts";
import type { Seal } from "../session/seal.ts";
import { Conflict } from "../store/contracts.ts";
import type { NewSigningKey, SigningKeyRecord, SigningKeyStore } from "../store/session-contracts.ts";
import { generateKey, type KeyImport, type KeyMaterial, readKey } from "./key-material.ts";
import { KeySet, type LoadedKey, signerAmong } from "./key-set.ts";
import { openKey, sealKey, type UnreadableSigningKey } from "./sealed-key.ts";

export interface SigningKeysOptions {
  readonly store: SigningKeyStore;
  readonly seal: Seal;
  /** Of the keys that are made. */
  readonly algorithm: Algorithm;
  /** How long access tokens are good for: a key is kept until the last one that it signed has expired. */
  readonly lifetimeSeconds: number;
  /** How long a new key is published before it signs. Default: 600; at least 2. */
  readonly publishAheadSeconds?: number | undefined;
  /** How often the store is looked at. Default: 500. */
  readonly pollEveryMs?: number | undefined;
  /** Default: the clock. */
  readonly now?: (() => Date) | undefined;
  /** Hears of a store that cannot be read, and of keys that cannot be used. */
  readonly onError?: ((error: unknown) => void) | undefined;
}

/** When a new key begins to sign. */
export interface Succession {
  /** `published`: once everyone who reads the JWK Set can have it. `soon`: in two seconds, once every node has it. */
  readonly when?: "published" | "soon" | undefined;
  /** `remove`: nothing that the others signed is accepted from now on, and the new key signs at once. Default: `retire`. */
  readonly others?: "retire" | "remove" | undefined;
}

export interface SigningKeyRotation extends Succession {
  /** Default: the one of the options. */
  readonly algorithm?: Algorithm | undefined;
}

/**
 * An issuer's signing keys: kept sealed in a store, followed by every node. While the store is away, the keys that are
 * known go on.
 */
export interface SigningKeys {
  /** Loads the keys, makes the first one if there is none, and follows the store. Rejects as `load` does. */
  start(): Promise<void>;
  /** Reads the store once. Rejects with `UnreadableSigningKey` for a key that cannot be opened. */
  load(): Promise<void>;
  /** Ends following, and waits for what is under way. The keys stay. */
  stop(): Promise<void>;
  /** The key that signs at an instant; where that is gone, the one that signs now. Throws a `Refusal` (`UNAVAILABLE`)
   *  if there is none. Default: now. */
  current(at?: Date): SigningKey;
  /** The key that signs now, for tokens of any lifetime: it is kept for as long. Makes the first one if there is none. While the
   *  store is followed, it is only asked where the key was kept for less. */
  currentFor(lifetimeSeconds: number): MaybePromise<SigningKey>;
  /** Every key whose signatures are accepted. Throws as `current` does if there is none. */
  ring(): KeyRing;
  /** The public keys, for everyone to see. */
  jwks(): JwkSet;
  /** The keys that are not removed, oldest first, from the store. */
  list(): Promise<readonly SigningKeyRecord[]>;
  /** Makes a key that takes the place of all others. Throws `Conflict` on `algorithm` where shared secrets and
   *  asymmetric keys would be accepted side by side. */
  rotate(rotation: SigningKeyRotation, by: string): Promise<SigningKeyRecord>;
  /** The same with a key from elsewhere. Throws a `TypeError` for one that cannot be used, `Conflict` on `kid`. */
  import(key: KeyImport, succession: Succession, by: string): Promise<SigningKeyRecord>;
  /** Lets a key sign no more: makes its successor, if it has none. Undefined if there is no such key. */
  retire(kid: string, by: string): Promise<SigningKeyRecord | undefined>;
  /** Lets nothing that a key has signed be accepted from now on, and makes its successor, if it has none that signs. */
  remove(kid: string, by: string): Promise<SigningKeyRecord | undefined>;
}

/** Keys at rest: `start()` sets them going. The timer keeps no process alive. */
export function createSigningKeys(options: SigningKeysOptions): SigningKeys {
  return new StoredSigningKeys(options);
}

/** So long after it was made, every node that polls has a key. */
const settleMs = 2000;

class StoredSigningKeys implements SigningKeys {
  readonly #options: SigningKeysOptions;
  readonly #store: SigningKeyStore;
  readonly #now: () => Date;
  readonly #onError: (error: unknown) => void;
  #set = new KeySet([], 0);
  /** Keys that could not be opened: each is told of once. */
  readonly #unreadable = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #reading: Promise<void> = Promise.resolve();
  #polling = false;

  constructor(options: SigningKeysOptions) {
    algorithmSpec(options.algorithm);
    this.#options = options;
    this.#store = options.store;
    this.#now = options.now ?? (() => new Date());
    this.#onError = options.onError ?? (() => {});
  }

  async start(): Promise<void> {
    await this.#loadOrMake();
    await this.#extendAll();
    this.#timer ??= setInterval(() => void this.#poll(), this.#options.pollEveryMs ?? 500).unref();
  }

  load(): Promise<void> {
    return this.#read((error) => {
      throw error;
    });
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#timer = undefined;
    await this.#reading.catch(() => {});
  }

  current(at?: Date): SigningKey {
    const then = at && this.#set.signerAt(at.getTime());
    const key = then ?? this.#set.signerAt(this.#now().getTime());
    if (key === undefined) throw new Refusal("UNAVAILABLE", { cause: "no signing key is active" });
    return key;
  }

  currentFor(lifetimeSeconds: number): MaybePromise<SigningKey> {
    const follows = this.#timer !== undefined;
    const known = follows ? this.#set.signerFor(this.#now().getTime(), lifetimeSeconds) : undefined;
    return known ?? this.#kept(lifetimeSeconds);
  }

  async #kept(lifetimeSeconds: number): Promise<SigningKey> {
    for (let attempt = 1; attempt <= 3; attempt++) {
      await this.#loadOrMake();
      const key = this.current();
      if (key.kid !== undefined && (await this.#store.extend(key.kid, lifetimeSeconds))) return key;
    }
    throw new Refusal("UNAVAILABLE", { cause: "the signing keys changed again each time they were read" });
  }

  ring(): KeyRing {
    const { ring } = this.#set;
    if (ring === undefined) throw new Refusal("UNAVAILABLE", { cause: "there is no signing key" });
    return ring;
  }

  jwks(): JwkSet {
    return this.#set.jwks;
  }

  list(): Promise<readonly SigningKeyRecord[]> {
    return this.#store.list(this.#now());
  }

  async rotate({ algorithm, ...succession }: SigningKeyRotation, by: string): Promise<SigningKeyRecord> {
    return this.#succeed(await generateKey(algorithm ?? this.#options.algorithm), succession, by);
  }

  async import(key: KeyImport, succession: Succession, by: string): Promise<SigningKeyRecord> {
    return this.#succeed(readKey(key), succession, by);
  }

  async retire(kid: string, by: string): Promise<SigningKeyRecord | undefined> {
    const record = (await this.list()).find((key) => key.kid === kid);
    if (record === undefined || record.retiredAt !== undefined) return record;
    await this.rotate({ algorithm: record.algorithm as Algorithm }, by);
    return (await this.list()).find((key) => key.kid === kid);
  }

  async remove(kid: string, by: string): Promise<SigningKeyRecord | undefined> {
    const records = await this.list();
    const record = records.find((key) => key.kid === kid);
    if (record === undefined) return undefined;
    const now = this.#now();
    // Should a successor be needed: where this key signs, at once; else when every node knows it.
    const signs = signerAmong(records, now.getTime()) === record;
    const activeFrom = signs ? now : new Date(now.getTime() + settleMs);
    const successor = this.#sealed(await generateKey(record.algorithm as Algorithm), activeFrom);
    const removed = await this.#store.remove(kid, successor, by);
    await this.#readLeniently();
    return removed;
  }

  async #succeed(material: KeyMaterial, succession: Succession, by: string): Promise<SigningKeyRecord> {
    const { when = "published", others = "retire" } = succession;
    const now = this.#now().getTime();
    const present = await this.list();
    const atOnce = others === "remove" || present.length === 0;
    if (!atOnce) requireSameKind(present, material.algorithm);
    const ahead = Math.max((this.#options.publishAheadSeconds ?? 600) * 1000, settleMs);
    const activeFrom = now + (atOnce ? 0 : when === "soon" ? settleMs : ahead);
    const created = await this.#store.rotate(this.#sealed(material, new Date(activeFrom)), others, by);
    await this.#readLeniently();
    return created;
  }

  #sealed(material: KeyMaterial, activeFrom: Date): NewSigningKey {
    const { seal, lifetimeSeconds } = this.#options;
    return sealKey(material, seal, { activeFrom, lifetimeSeconds });
  }

  async #loadOrMake(): Promise<void> {
    await this.load();
    if (this.#set.keys.some(({ record }) => record.retiredAt === undefined)) return;
    const first = await generateKey(this.#options.algorithm);
    await this.#store.createFirst(this.#sealed(first, this.#now()), "system");
    await this.load();
  }

  async #poll(): Promise<void> {
    if (this.#polling) return;
    this.#polling = true;
    try {
      await this.#readLeniently();
      await this.#extendAll();
    } catch (error) {
      // What has had its time goes all the same.
      this.#set = new KeySet(this.#set.keys, this.#now().getTime(), this.#set);
      this.#onError(error);
    } finally {
      this.#polling = false;
    }
  }

  /** A key that cannot be opened is left out: nothing is signed with it, and nothing that it signed is accepted. */
  #readLeniently(): Promise<void> {
    return this.#read((error) => {
      if (!this.#unreadable.has(error.kid)) this.#onError(error);
      this.#unreadable.add(error.kid);
    });
  }

  /** One after the other, so that what was read first is not put in place last. */
  #read(onUnreadable: (error: UnreadableSigningKey) => void): Promise<void> {
    const read = this.#reading.then(async () => {
      const now = this.#now();
      const records = await this.#store.list(now);
      const known = new Map(this.#set.keys.map((key) => [key.record.kid, key]));
      const keys: LoadedKey[] = [];
      for (const record of records) {
        const pair = known.get(record.kid) ?? this.#open(record, onUnreadable);
        if (pair !== undefined) keys.push({ ...pair, record });
      }
      this.#put(new KeySet(keys, now.getTime(), this.#set));
    });
    this.#reading = read.catch(() => {});
    return read;
  }

  #open(record: SigningKeyRecord, onUnreadable: (error: UnreadableSigningKey) => void) {
    try {
      return openKey(record, this.#options.seal);
    } catch (error) {
      onUnreadable(error as UnreadableSigningKey);
      return undefined;
    }
  }

  #put(set: KeySet): void {
    if (set.mixed && !this.#set.mixed)
      this.#onError(new Error("there are shared secrets and asymmetric keys: only the signer's kind counts"));
    this.#set = set;
  }

  /** A node that issues longer-lived tokens than the key's maker thought of says so. */
  async #extendAll(): Promise<void> {
    const { lifetimeSeconds } = this.#options;
    for (const { record } of this.#set.keys) {
      if (record.retiredAt === undefined && record.lifetimeSeconds < lifetimeSeconds)
        await this.#store.extend(record.kid, lifetimeSeconds);
    }
  }
}

function requireSameKind(present: readonly SigningKeyRecord[], algorithm: Algorithm): void {
  const isShared = (name: string): boolean => name.startsWith("HS");
  if (present.every((key) => isShared(key.algorithm) === isShared(algorithm))) return;
  throw new Conflict(
    "algorithm",
    isShared(algorithm)
      ? "asymmetric keys are in use, and an issuer never has shared secrets beside them: remove the others with this step"
      : "shared secrets are in use, and an issuer never has asymmetric keys beside them: remove the others with this step",
  );
}
