import type { RevocationEvent } from "../../core/revocation.ts";
import type { Resealed, SealedSecret } from "../secret-contracts.ts";
import type { AuditEntry, NewSigningKey, SigningKeyRecord, SigningKeyStore } from "../session-contracts.ts";
import {
  extendKey,
  keyRemoved,
  needsSuccessor,
  newSigningKeyRow,
  removeKey,
  requireFreeKid,
  requireLifetime,
  retireKey,
  type SigningKeyRow,
  signingKeyCreated,
  signingKeyRemoved,
  signingKeyRetired,
  toSigningKeyRecord,
} from "../signing-key-row.ts";
import { requireStorableText } from "../storable-text.ts";
import type { SealedRows } from "./memory-secrets.ts";

export interface MemorySigningKeysOptions {
  readonly now: () => number;
  readonly audit: { appendNow(entry: AuditEntry): unknown };
  readonly revocations: { appendNow(events: readonly RevocationEvent[]): unknown };
}

export class MemorySigningKeys implements SigningKeyStore, SealedRows {
  readonly #options: MemorySigningKeysOptions;
  readonly #rows = new Map<string, SigningKeyRow>();

  constructor(options: MemorySigningKeysOptions) {
    this.#options = options;
  }

  async createFirst(key: NewSigningKey, by: string): Promise<SigningKeyRecord | undefined> {
    const row = this.#newRow(key, by);
    if ([...this.#rows.values()].some(({ retired_at }) => retired_at === null)) return undefined;
    return this.#insert(row, by);
  }

  async rotate(key: NewSigningKey, others: "retire" | "remove", by: string): Promise<SigningKeyRecord> {
    const row = this.#newRow(key, by);
    if (others === "retire") return this.#succeed(row, by);
    for (const other of this.#rows.values()) this.#remove(other, by);
    return this.#insert(row, by);
  }

  async list(now: Date): Promise<readonly SigningKeyRecord[]> {
    return [...this.#rows.values()]
      .filter(({ removed_at }) => removed_at === null || removed_at > now.getTime())
      .sort((a, b) => a.created_at - b.created_at || (a.kid < b.kid ? -1 : 1))
      .map(toSigningKeyRecord);
  }

  async remove(kid: string, successor: NewSigningKey, by: string): Promise<SigningKeyRecord | undefined> {
    const next = this.#newRow(successor, by);
    const row = this.#rows.get(kid);
    if (row === undefined) return undefined;
    const needed = needsSuccessor([...this.#rows.values()], kid, this.#options.now());
    const removed = this.#remove(row, by);
    if (needed) this.#succeed(next, by);
    return toSigningKeyRecord(removed);
  }

  async extend(kid: string, lifetimeSeconds: number): Promise<boolean> {
    requireLifetime(lifetimeSeconds);
    const row = this.#rows.get(kid);
    const edit = row && extendKey(row, lifetimeSeconds, this.#options.now());
    if (row === undefined || edit === undefined) return false;
    this.#rows.set(kid, { ...row, ...edit });
    return true;
  }

  sealed(): readonly SealedSecret[] {
    return [...this.#rows.values()]
      .sort((a, b) => (a.kid < b.kid ? -1 : 1))
      .map(({ kid: id, algorithm, sealed_key }) => ({
        kind: "signing-key",
        id,
        algorithm,
        sealed: sealed_key.slice(),
      }));
  }

  reseal({ id, from, to }: Resealed): boolean {
    const row = this.#rows.get(id);
    if (row === undefined || Buffer.compare(row.sealed_key, from) !== 0) return false;
    this.#rows.set(id, { ...row, sealed_key: Uint8Array.from(to) });
    return true;
  }

  /** Throws before anything is changed. */
  #newRow(key: NewSigningKey, by: string): SigningKeyRow {
    requireStorableText("by", by);
    const row = newSigningKeyRow(key, this.#options.now());
    requireFreeKid(this.#rows.values(), row.kid);
    return row;
  }

  #insert(row: SigningKeyRow, by: string): SigningKeyRecord {
    this.#rows.set(row.kid, row);
    this.#options.audit.appendNow(signingKeyCreated(row, by));
    return toSigningKeyRecord(row);
  }

  #succeed(row: SigningKeyRow, by: string): SigningKeyRecord {
    for (const other of this.#rows.values()) {
      const edit = retireKey(other, row.active_from);
      if (edit === undefined) continue;
      this.#rows.set(other.kid, { ...other, ...edit });
      this.#options.audit.appendNow(signingKeyRetired(other.kid, edit, by));
    }
    return this.#insert(row, by);
  }

  #remove(row: SigningKeyRow, by: string): SigningKeyRow {
    const now = this.#options.now();
    const edit = removeKey(row, now);
    if (edit === undefined) return row;
    const removed = { ...row, ...edit };
    this.#rows.set(row.kid, removed);
    this.#options.revocations.appendNow([keyRemoved(row, now)]);
    this.#options.audit.appendNow(signingKeyRemoved(row.kid, by));
    return removed;
  }
}
