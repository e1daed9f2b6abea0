import type { ApiKeyRecord, NewApiKey } from "./api-key-contracts.ts";

/** A key that was made elsewhere, by the hash that is kept of it there. */
export interface NewKeyImport {
  readonly key: Omit<NewApiKey, "digest" | "link">;
  /** Tells the same line of another run. */
  readonly fingerprint: Uint8Array;
  /** `sha256`, `sha512`, `hmac-sha256`, `bcrypt` or `argon2`. */
  readonly algorithm: string;
  /** Of quick hashes: what the key is found by. */
  readonly lookup?: Uint8Array | undefined;
  /** Of slow hashes: what the key begins with, and no other imported key does. */
  readonly prefix?: string | undefined;
  readonly hash?: string | undefined;
  /** Of `hmac-sha256`: the secret, by the id that it was added with. */
  readonly secretId?: string | undefined;
}

/** What tells an imported key from all others. */
export type KeyImportMarks = Pick<NewKeyImport, "fingerprint" | "lookup" | "prefix">;

/** An imported key as it is found during authentication. */
export interface ImportedKey {
  readonly record: ApiKeyRecord;
  /** `countersign` after the first use: then `lookup` is a digest of ours. */
  readonly algorithm: string;
  readonly secretId: string | undefined;
  readonly lookup: Uint8Array | undefined;
  /** Of slow hashes. */
  readonly hash: string | undefined;
}

/** What a node has to know before it looks anything up. */
export interface KeyImportState {
  /** How many there are by how they are recognised. Empty if nothing was ever imported. */
  readonly algorithms: Readonly<Record<string, number>>;
  /** Sealed. */
  readonly secrets: readonly { readonly id: string; readonly sealed: Uint8Array }[];
}

/** How far keys have come over. */
export interface KeyImportProgress {
  readonly imported: number;
  /** Those that were used since, and are kept under our own digest. */
  readonly seen: number;
}

/** Keys that were made elsewhere. */
export interface KeyImportStore {
  state(): Promise<KeyImportState>;
  /** `tenantId` as in `ApiKeyQuery`. */
  progress(tenantId?: string): Promise<KeyImportProgress>;
  /** Those of the ids that were imported, with their algorithm. */
  algorithmsOf(ids: readonly string[]): Promise<ReadonlyMap<string, string>>;
  /** The keys that were imported with these fingerprints, by their hex. */
  known(fingerprints: readonly Uint8Array[]): Promise<ReadonlyMap<string, string>>;
  /** Throws the `Conflict` on `hash` or `prefix` that `add()` would throw now. */
  requireNew(marks: KeyImportMarks): Promise<void>;
  addSecret(id: string, sealed: Uint8Array): Promise<void>;
  /**
   * Adds one key, its record and its hash, in one transaction. Audit `key.imported`. Throws `Conflict` on `hash` for one that is
   * there, on `prefix` if it begins like that of another one, or the other way around, and as `ApiKeyStore.create()` does.
   */
  add(imported: NewKeyImport): Promise<ApiKeyRecord>;
  /** What one of these digests stands for; else the one whose prefix is among these. */
  find(lookups: readonly Uint8Array[], prefixes: readonly string[]): Promise<ImportedKey | undefined>;
  /** A key was used for the first time: from now on it is found by a digest of ours. */
  settle(id: string, own: { readonly digest: Uint8Array; readonly pepperId: string }): Promise<void>;
}
