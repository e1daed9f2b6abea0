import type { AuditEntry, AuditRecord } from "./session-contracts.ts";
import { requireStorableText } from "./storable-text.ts";

/** An audit record as every store keeps it: one row of the table `audit_log`. Nothing changes or removes one. */
export interface AuditRow {
  readonly sequence: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly actor: string;
  readonly action: string;
  readonly target: string;
  /** A JSON object of strings. */
  readonly details: string;
  readonly tenant: string | null;
}

/** A fresh frozen record: nothing in it is shared with the store. */
export function toAuditRecord(row: AuditRow): AuditRecord {
  return Object.freeze({
    sequence: Number(row.sequence),
    at: new Date(Number(row.at)),
    actor: row.actor,
    action: row.action,
    target: row.target,
    details: Object.freeze(JSON.parse(row.details) as Record<string, string>),
    ...(row.tenant !== null && { tenantId: row.tenant }),
  });
}

/** The row without the number and the tenant that the store gives it. Throws `Conflict` on text that cannot be stored. */
export function newAuditRow(entry: AuditEntry, now: number): Omit<AuditRow, "sequence" | "tenant"> {
  for (const field of ["actor", "action", "target"] as const) requireStorableText(field, entry[field]);
  const { actor, action, target } = entry;
  return { at: now, actor, action, target, details: JSON.stringify(entry.details) };
}
