import { Conflict } from "../contracts.ts";
import type { AuditEntry, NewSigningKey, SigningKeyRecord, SigningKeyStore } from "../session-contracts.ts";
import {
  newSigningKeyRow,
  type Retirement,
  retireKey,
  type SigningKeyRow,
  signingKeyCreated,
  signingKeyRetired,
  toSigningKeyRecord,
} from "../signing-key-row.ts";
import { requireStorableText } from "../storable-text.ts";

export interface MemorySigningKeysOptions {
  readonly now: () => number;
  readonly audit: { appendNow(entry: AuditEntry): unknown };
}

export class MemorySigningKeys implements SigningKeyStore {
  readonly #options: MemorySigningKeysOptions;
  readonly #rows = new Map<string, SigningKeyRow>();

  constructor(options: MemorySigningKeysOptions) {
    this.#options = options;
  }

  async create(key: NewSigningKey, by: string): Promise<SigningKeyRecord> {
    requireStorableText("by", by);
    const row = newSigningKeyRow(key, this.#options.now());
    if (this.#rows.has(row.kid)) throw new Conflict("kid", "this kid is in use");
    this.#rows.set(row.kid, row);
    this.#options.audit.appendNow(signingKeyCreated(row, by));
    return toSigningKeyRecord(row);
  }

  async list(now: Date): Promise<readonly SigningKeyRecord[]> {
    return [...this.#rows.values()]
      .filter(({ removed_at }) => removed_at === null || removed_at > now.getTime())
      .sort((a, b) => a.created_at - b.created_at || (a.kid < b.kid ? -1 : 1))
      .map(toSigningKeyRecord);
  }

  async retire(kid: string, at: Retirement, by: string): Promise<SigningKeyRecord | undefined> {
    requireStorableText("by", by);
    const row = this.#rows.get(kid);
    const edit = row && retireKey(row, at);
    if (row === undefined || edit === undefined) return row && toSigningKeyRecord(row);
    const retired = { ...row, ...edit };
    this.#rows.set(kid, retired);
    this.#options.audit.appendNow(signingKeyRetired(kid, edit, by));
    return toSigningKeyRecord(retired);
  }
}
