import type { RevocationEvent } from "../../core/revocation.ts";
import type { ApiKeyRecord } from "../api-key-contracts.ts";
import { Conflict } from "../contracts.ts";
import { hashTaken, prefixTaken } from "../key-import-conflict.ts";
import type {
  ImportedKey,
  KeyImportMarks,
  KeyImportProgress,
  KeyImportState,
  KeyImportStore,
  NewKeyImport,
} from "../key-import-contracts.ts";
import type { Resealed, SealedSecret } from "../secret-contracts.ts";
import type { MemoryApiKeys } from "./memory-api-keys.ts";
import type { MemoryRevocationLog } from "./memory-revocation-log.ts";
import type { SealedRows } from "./memory-secrets.ts";

interface Row {
  readonly id: string;
  readonly fingerprint: string;
  readonly algorithm: string;
  readonly lookup: Uint8Array | undefined;
  readonly prefix: string | undefined;
  readonly hash: string | undefined;
  readonly secretId: string | undefined;
}

export interface MemoryKeyImportsOptions {
  readonly apiKeys: MemoryApiKeys;
  readonly revocations: MemoryRevocationLog;
}

export class MemoryKeyImports implements KeyImportStore, SealedRows {
  readonly #options: MemoryKeyImportsOptions;
  readonly #rows = new Map<string, Row>();
  readonly #secrets = new Map<string, Uint8Array>();

  constructor(options: MemoryKeyImportsOptions) {
    this.#options = options;
  }

  async state(): Promise<KeyImportState> {
    const algorithms: Record<string, number> = {};
    for (const { algorithm } of this.#rows.values()) algorithms[algorithm] = (algorithms[algorithm] ?? 0) + 1;
    return { algorithms, secrets: [...this.#secrets].map(([id, sealed]) => ({ id, sealed })) };
  }

  async progress(tenantId?: string): Promise<KeyImportProgress> {
    const rows = [...this.#rows.values()].filter(
      ({ id }) => tenantId === undefined || (this.#options.apiKeys.load(id)?.tenantId ?? "") === tenantId,
    );
    return {
      imported: rows.length,
      seen: rows.filter(({ algorithm }) => algorithm === "countersign").length,
    };
  }

  async algorithmsOf(ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
    return new Map(
      ids.flatMap((id) => {
        const row = this.#rows.get(id);
        return row === undefined ? [] : [[id, row.algorithm] as const];
      }),
    );
  }

  async known(fingerprints: readonly Uint8Array[]): Promise<ReadonlyMap<string, string>> {
    const wanted = new Set(fingerprints.map(hex));
    const rows = [...this.#rows.values()].filter(({ fingerprint }) => wanted.has(fingerprint));
    return new Map(rows.map(({ fingerprint, id }) => [fingerprint, id]));
  }

  async requireNew(marks: KeyImportMarks): Promise<void> {
    this.#requireNew(marks);
  }

  async addSecret(id: string, sealed: Uint8Array): Promise<void> {
    if (!this.#secrets.has(id)) this.#secrets.set(id, Uint8Array.from(sealed));
  }

  sealed(): readonly SealedSecret[] {
    return [...this.#secrets]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([id, sealed]) => ({ kind: "import", id, algorithm: undefined, sealed }));
  }

  reseal({ id, from, to }: Resealed): boolean {
    if (!same(this.#secrets.get(id), from)) return false;
    this.#secrets.set(id, Uint8Array.from(to));
    return true;
  }

  async add(imported: NewKeyImport): Promise<ApiKeyRecord> {
    const { key, algorithm, lookup, prefix, hash, secretId } = imported;
    const fingerprint = hex(imported.fingerprint);
    this.#requireNew(imported);
    if (secretId !== undefined && !this.#secrets.has(secretId))
      throw new Conflict("secretId", "no such secret");
    const record = this.#options.apiKeys.createNow({ ...key, digest: new Uint8Array() }, "key.imported");
    const event: RevocationEvent = { kind: "key", keyId: record.id, state: "changed" };
    this.#options.revocations.appendNow([event]);
    this.#rows.set(record.id, { id: record.id, fingerprint, algorithm, lookup, prefix, hash, secretId });
    return record;
  }

  async find(lookups: readonly Uint8Array[], prefixes: readonly string[]): Promise<ImportedKey | undefined> {
    const rows = [...this.#rows.values()];
    const row =
      rows.find(({ lookup }) => lookups.some((one) => same(lookup, one))) ??
      rows.find(({ prefix }) => prefix !== undefined && prefixes.includes(prefix));
    const record = row && this.#options.apiKeys.load(row.id);
    if (row === undefined || record === undefined) return undefined;
    const { algorithm, secretId, lookup, hash } = row;
    return { record, algorithm, secretId, lookup, hash };
  }

  async settle(id: string, own: { readonly digest: Uint8Array; readonly pepperId: string }): Promise<void> {
    const row = this.#rows.get(id);
    if (row === undefined) return;
    this.#options.apiKeys.setDigest(id, own);
    const none = { prefix: undefined, hash: undefined, secretId: undefined };
    this.#rows.set(id, { ...row, algorithm: "countersign", lookup: Uint8Array.from(own.digest), ...none });
  }

  #requireNew({ fingerprint, lookup, prefix }: KeyImportMarks): void {
    const mark = hex(fingerprint);
    const rows = [...this.#rows.values()];
    if (rows.some((row) => row.fingerprint === mark || same(row.lookup, lookup))) throw hashTaken();
    if (prefix === undefined) return;
    const isTaken = rows.some((row) => row.prefix !== undefined && overlap(row.prefix, prefix));
    if (isTaken) throw prefixTaken();
  }
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

function same(one: Uint8Array | undefined, other: Uint8Array | undefined): boolean {
  return one !== undefined && other !== undefined && hex(one) === hex(other);
}

function overlap(one: string, other: string): boolean {
  return one.startsWith(other) || other.startsWith(one);
}
