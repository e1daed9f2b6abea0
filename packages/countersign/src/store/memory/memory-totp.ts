import type { RevocationEvent } from "../../core/revocation.ts";
import type { Resealed, SealedSecret } from "../secret-contracts.ts";
import type { AuditEntry, FirstStep, TotpRecord, TotpStore } from "../session-contracts.ts";
import { requireStorableText } from "../storable-text.ts";
import {
  alreadyConfirmed,
  newTotpRow,
  requireStep,
  type TotpRow,
  toTotpRecord,
  totpAudit,
} from "../totp-row.ts";
import { noSuchUser } from "../user-conflict.ts";
import type { SealedRows } from "./memory-secrets.ts";
import type { OwnedByUsers } from "./memory-users.ts";

export interface MemoryTotpOptions {
  readonly now: () => number;
  readonly audit: { appendNow(entry: AuditEntry): unknown };
  readonly users: { has(id: string): boolean };
}

export class MemoryTotp implements TotpStore, OwnedByUsers, SealedRows {
  readonly #options: MemoryTotpOptions;
  readonly #rows = new Map<string, TotpRow>();
  /** Digests of the unused recovery codes, by user. */
  readonly #recovery = new Map<string, Set<string>>();

  constructor(options: MemoryTotpOptions) {
    this.#options = options;
  }

  async load(userId: string): Promise<TotpRecord | undefined> {
    const row = this.#rows.get(userId);
    return row && toTotpRecord(row);
  }

  async enroll(userId: string, sealedSecret: Uint8Array): Promise<void> {
    if (!this.#options.users.has(userId)) throw noSuchUser();
    if (this.#confirmed(userId) !== undefined) throw alreadyConfirmed();
    this.#rows.set(userId, newTotpRow(userId, sealedSecret));
  }

  async confirm(
    userId: string,
    { step, sealedSecret }: FirstStep,
    recoveryDigests: readonly Uint8Array[],
  ): Promise<boolean> {
    requireStep(step);
    const row = this.#rows.get(userId);
    if (row === undefined || row.confirmed_at !== null) return false;
    if (keyOf(row.sealed_secret) !== keyOf(sealedSecret)) return false;
    this.#rows.set(userId, { ...row, confirmed_at: this.#options.now(), last_step: step });
    this.#recovery.set(userId, new Set(recoveryDigests.map(keyOf)));
    this.#options.audit.appendNow(totpAudit("enabled", userId));
    return true;
  }

  async useStep(userId: string, step: number): Promise<boolean> {
    requireStep(step);
    const row = this.#confirmed(userId);
    if (row === undefined || row.last_step >= step) return false;
    this.#rows.set(userId, { ...row, last_step: step });
    return true;
  }

  async useRecoveryCode(userId: string, digest: Uint8Array): Promise<boolean> {
    if (this.#recovery.get(userId)?.delete(keyOf(digest)) !== true) return false;
    this.#options.audit.appendNow(totpAudit("recovery_code_used", userId));
    return true;
  }

  async disable(userId: string, by: string): Promise<boolean> {
    requireStorableText("by", by);
    if (!this.#rows.has(userId)) return false;
    this.userDeleted(userId);
    this.#options.audit.appendNow(totpAudit("disabled", userId, by));
    return true;
  }

  userDeleted(userId: string): readonly RevocationEvent[] {
    this.#rows.delete(userId);
    this.#recovery.delete(userId);
    return [];
  }

  sealed(): readonly SealedSecret[] {
    return [...this.#rows.values()]
      .sort((a, b) => Number(BigInt(a.user_id) - BigInt(b.user_id)))
      .map((row) => ({
        kind: "totp",
        id: row.user_id,
        algorithm: undefined,
        sealed: row.sealed_secret.slice(),
      }));
  }

  reseal({ id, from, to }: Resealed): boolean {
    const row = this.#rows.get(id);
    if (row === undefined || keyOf(row.sealed_secret) !== keyOf(from)) return false;
    this.#rows.set(id, { ...row, sealed_secret: Uint8Array.from(to) });
    return true;
  }

  #confirmed(userId: string): TotpRow | undefined {
    const row = this.#rows.get(userId);
    return row?.confirmed_at === null ? undefined : row;
  }
}

function keyOf(digest: Uint8Array): string {
  return Buffer.from(digest).toString("base64");
}
