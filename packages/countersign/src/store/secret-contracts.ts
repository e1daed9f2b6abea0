import type { AuditEntry } from "./session-contracts.ts";

/** Something that the store holds sealed under a master key. */
export interface SealedSecret {
  readonly kind: "signing-key" | "import" | "totp";
  /** A `kid`, the id of a secret that imported keys were hashed with, or the id of a user. */
  readonly id: string;
  /** Of a signing key. */
  readonly algorithm: string | undefined;
  readonly sealed: Uint8Array;
}

/** The same under another key. */
export interface Resealed extends Pick<SealedSecret, "kind" | "id"> {
  readonly from: Uint8Array;
  readonly to: Uint8Array;
}

/** How many keys a pepper is needed for: those that are neither revoked nor expired. */
export interface PepperUse {
  readonly id: string;
  readonly keys: number;
}

export interface StoredDigest {
  readonly digest: Uint8Array;
  readonly pepperId: string;
}

/** The digest of a key under another pepper. */
export interface Redigested {
  readonly id: string;
  readonly from: StoredDigest;
  readonly to: StoredDigest;
}

/** By what a secret of the configuration is recognised: it tells nothing of the secret. */
export interface SecretMark {
  readonly name: string;
  readonly mark: Uint8Array;
  readonly since: Date;
}

export interface SealedQuery {
  readonly limit: number;
  readonly after?: Pick<SealedSecret, "kind" | "id"> | undefined;
}

/** What is kept under secrets of the configuration, so that these can be changed. */
export interface SecretStore {
  /** All that is sealed, in portions and always in the same order. */
  sealed(query: SealedQuery): Promise<readonly SealedSecret[]>;
  /** Replaces those that are still as they were, in one transaction. Returns how many. */
  reseal(changes: readonly Resealed[], audit?: AuditEntry): Promise<number>;
  /** The ids of the peppers that keys which are not revoked are stored under, in order. However many keys there are, it takes no time. */
  pepperIds(): Promise<readonly string[]>;
  /** In the order of their ids. Looks at every key. */
  pepperUse(now: Date): Promise<readonly PepperUse[]>;
  /** Replaces the digests that are still as they were, in one transaction. Returns how many. */
  redigest(changes: readonly Redigested[]): Promise<number>;
  /** In the order of their names. */
  marks(): Promise<readonly SecretMark[]>;
  /** Writes a mark; one that is there already under the name is replaced if it differs. */
  mark(name: string, mark: Uint8Array): Promise<void>;
  /** Removes marks, and appends an audit entry with it. */
  unmark(names: readonly string[], audit?: AuditEntry): Promise<void>;
}
