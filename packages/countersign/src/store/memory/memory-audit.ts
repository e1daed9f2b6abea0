import { type AuditRow, newAuditRow, toAuditRecord } from "../audit-row.ts";
import { pageLimit } from "../page-limit.ts";
import type { AuditEntry, AuditQuery, AuditRecord, AuditStore } from "../session-contracts.ts";

/** Rows in order of number. */
export class MemoryAudit implements AuditStore {
  readonly #now: () => number;
  readonly #rows: AuditRow[] = [];

  constructor(now: () => number) {
    this.#now = now;
  }

  /** For a change that must not be seen without its row. Throws before anything is appended. */
  appendNow(entry: AuditEntry): AuditRecord {
    const row = { sequence: this.#rows.length + 1, ...newAuditRow(entry, this.#now()) };
    this.#rows.push(row);
    return toAuditRecord(row);
  }

  async append(entry: AuditEntry): Promise<AuditRecord> {
    return this.appendNow(entry);
  }

  async list({ limit, before, action, target }: AuditQuery): Promise<readonly AuditRecord[]> {
    return this.#rows
      .filter((row) => before === undefined || row.sequence < before)
      .filter((row) => action === undefined || row.action === action)
      .filter((row) => target === undefined || row.target === target)
      .reverse()
      .slice(0, pageLimit(limit))
      .map(toAuditRecord);
  }
}
