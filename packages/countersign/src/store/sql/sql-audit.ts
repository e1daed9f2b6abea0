import type { Transaction } from "kysely";
import { type AuditRow, newAuditRow, toAuditRecord } from "../audit-row.ts";
import { auditOwner } from "../audit-tenant.ts";
import { pageLimit } from "../page-limit.ts";
import type { AuditEntry, AuditQuery, AuditRecord, AuditStore } from "../session-contracts.ts";
import { isStorableText } from "../storable-text.ts";
import { parseUserId } from "../user-id.ts";
import type { SqlBackend } from "./sql-backend.ts";
import type { SqlSchema } from "./sql-schema.ts";

/** Appends to the audit log as a part of a change's own transaction. The update of the head row puts them in order. */
export async function appendAudit(
  trx: Transaction<SqlSchema>,
  entry: AuditEntry,
  now: number,
): Promise<AuditRow> {
  const columns = newAuditRow(entry, now);
  const head = await trx
    .updateTable("audit_head")
    .set((eb) => ({ sequence: eb("sequence", "+", 1) }))
    .returning("sequence")
    .executeTakeFirstOrThrow();
  const row = { sequence: Number(head.sequence), ...columns, tenant: await auditTenant(trx, entry) };
  await trx.insertInto("audit_log").values(row).execute();
  return row;
}

export class SqlAudit implements AuditStore {
  readonly #backend: SqlBackend;
  readonly #now: () => number;

  constructor(backend: SqlBackend, now: () => number) {
    this.#backend = backend;
    this.#now = now;
  }

  async append(entry: AuditEntry): Promise<AuditRecord> {
    return toAuditRecord(await this.#backend.write((trx) => appendAudit(trx, entry, this.#now())));
  }

  async list({ limit, before, action, target, tenantId }: AuditQuery): Promise<readonly AuditRecord[]> {
    if (![action, target, tenantId].every((text) => isStorableText(text ?? ""))) return [];
    let query = this.#backend.reader.selectFrom("audit_log").selectAll();
    if (before !== undefined) query = query.where("sequence", "<", before);
    if (action !== undefined) query = query.where("action", "=", action);
    if (target !== undefined) query = query.where("target", "=", target);
    if (tenantId !== undefined) query = query.where("tenant", "=", tenantId);
    const rows = await query.orderBy("sequence", "desc").limit(pageLimit(limit)).execute();
    return rows.map(toAuditRecord);
  }
}

/** The tenant that a row belongs to, as `auditOwner()` says where to look. */
async function auditTenant(trx: Transaction<SqlSchema>, entry: AuditEntry): Promise<string | null> {
  const owner = auditOwner(entry);
  if ("tenant" in owner) return owner.tenant ?? null;
  for (const id of owner.userIds) {
    const key = parseUserId(id);
    const user =
      key === undefined
        ? undefined
        : await trx.selectFrom("users").select("tenant").where("id", "=", key).executeTakeFirst();
    if (user !== undefined) return user.tenant;
  }
  return null;
}
