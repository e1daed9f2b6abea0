import { type AuditRow, newAuditRow, toAuditRecord } from "../audit-row.ts";
import { auditOwner } from "../audit-tenant.ts";
import { pageLimit } from "../page-limit.ts";
import type { AuditEntry, AuditQuery, AuditRecord, AuditStore } from "../session-contracts.ts";

/** Rows in order of number. */
export class MemoryAudit implements AuditStore {
  readonly #now: () => number;
  readonly #rows: AuditRow[] = [];
  #users: { tenantOf(id: string): string | null | undefined } | undefined;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Rows need users and users need rows: called once, before anything else. */
  takeUsers(users: { tenantOf(id: string): string | null | undefined }): void {
    this.#users = users;
  }

  /** For a change that must not be seen without its row. Throws before anything is appended. */
  appendNow(entry: AuditEntry): AuditRecord {
    const sequence = this.#rows.length + 1;
    const row = { sequence, ...newAuditRow(entry, this.#now()), tenant: this.#tenantOf(entry) };
    this.#rows.push(row);
    return toAuditRecord(row);
  }

  async append(entry: AuditEntry): Promise<AuditRecord> {
    return this.appendNow(entry);
  }

  #tenantOf(entry: AuditEntry): string | null {
    const owner = auditOwner(entry);
    if ("tenant" in owner) return owner.tenant ?? null;
    const known = owner.userIds.map((id) => this.#users?.tenantOf(id)).find((tenant) => tenant !== undefined);
    return known ?? null;
  }

  async list({ limit, before, action, target, tenantId }: AuditQuery): Promise<readonly AuditRecord[]> {
    return this.#rows
      .filter((row) => before === undefined || row.sequence < before)
      .filter((row) => action === undefined || row.action === action)
      .filter((row) => target === undefined || row.target === target)
      .filter((row) => tenantId === undefined || row.tenant === tenantId)
      .reverse()
      .slice(0, pageLimit(limit))
      .map(toAuditRecord);
  }
}
