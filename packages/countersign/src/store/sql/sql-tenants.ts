import type { Kysely, Transaction } from "kysely";
import type { RevocationEvent } from "../../core/revocation.ts";
import { pageLimit } from "../page-limit.ts";
import type { AuditEntry } from "../session-contracts.ts";
import { isStorableText, requireStorableText } from "../storable-text.ts";
import type { NewTenant, TenantPatch, TenantQuery, TenantRecord, TenantStore } from "../tenant-contracts.ts";
import {
  changeTenant,
  deletedTenant,
  newTenantRow,
  switchTenant,
  type TenantRow,
  tenantAudit,
  tenantInUse,
  tenantTaken,
  toTenantRecord,
} from "../tenant-row.ts";
import { tenantOf } from "./require-tenant.ts";
import { appendAudit } from "./sql-audit.ts";
import type { SqlBackend } from "./sql-backend.ts";
import { appendRevocations } from "./sql-revocation-log.ts";
import type { SqlSchema } from "./sql-schema.ts";

type Trx = Transaction<SqlSchema>;

export class SqlTenants implements TenantStore {
  readonly #backend: SqlBackend;
  readonly #now: () => number;

  constructor(backend: SqlBackend, now: () => number) {
    this.#backend = backend;
    this.#now = now;
  }

  async create(tenant: NewTenant, by: string): Promise<TenantRecord> {
    requireStorableText("by", by);
    const row = newTenantRow(tenant, this.#now());
    return this.#backend.write(async (trx) => {
      const known = await trx.selectFrom("tenants").select("id").where("id", "=", row.id).executeTakeFirst();
      if (known !== undefined) throw tenantTaken("id");
      await requireFreeName(trx, row);
      await trx.insertInto("tenants").values(row).execute();
      await this.#log(trx, tenantAudit("created", { after: row }, by));
      return toTenantRecord(row);
    });
  }

  async find(id: string): Promise<TenantRecord | undefined> {
    if (!isStorableText(id)) return undefined;
    const row = await tenantOf(this.#backend.reader, id);
    return row && toTenantRecord(row);
  }

  async list({ limit, after = "" }: TenantQuery): Promise<readonly TenantRecord[]> {
    if (!isStorableText(after)) return [];
    const rows = await this.#backend.reader
      .selectFrom("tenants")
      .selectAll()
      .where("id", ">", after)
      .where("deleted_at", "is", null)
      .orderBy("id")
      .limit(pageLimit(limit))
      .execute();
    return rows.map(toTenantRecord);
  }

  async update(id: string, patch: TenantPatch, by: string): Promise<TenantRecord | undefined> {
    return this.#change(id, by, async (trx, before) => {
      const row = changeTenant(before, patch, this.#now());
      if (row === undefined) return undefined;
      await requireFreeName(trx, row);
      return { row, audit: tenantAudit("updated", { before, after: row }, by), events: [] };
    });
  }

  async setDisabled(id: string, disabled: boolean, by: string): Promise<TenantRecord | undefined> {
    return this.#change(id, by, async (_trx, before) => {
      const row = switchTenant(before, disabled, this.#now());
      if (row === undefined) return undefined;
      const state = disabled ? "disabled" : "enabled";
      const events: RevocationEvent[] = [{ kind: "tenant", tenantId: id, state }];
      return { row, audit: tenantAudit(state, { before, after: row }, by), events };
    });
  }

  async delete(id: string, by: string): Promise<boolean> {
    const gone = await this.#change(id, by, async (trx, before) => {
      if (await hasUsers(trx, id)) throw tenantInUse();
      const roles = await trx.deleteFrom("roles").where("tenant", "=", id).returning("name").execute();
      const row = deletedTenant(before, this.#now());
      const events: RevocationEvent[] = [{ kind: "tenant", tenantId: id, state: "disabled" }];
      if (roles.length > 0) events.push({ kind: "roles" });
      return { row, audit: tenantAudit("deleted", { before, after: row }, by), events };
    });
    return gone !== undefined;
  }

  async #change(
    id: string,
    by: string,
    edit: (
      trx: Trx,
      before: TenantRow,
    ) => Promise<{ row: TenantRow; audit: AuditEntry; events: readonly RevocationEvent[] } | undefined>,
  ): Promise<TenantRecord | undefined> {
    requireStorableText("by", by);
    if (!isStorableText(id)) return undefined;
    return this.#backend.write(async (trx) => {
      const before = await tenantOf(trx, id);
      const change = before && (await edit(trx, before));
      if (change === undefined) return before && toTenantRecord(before);
      const { id: _id, ...row } = change.row;
      await trx.updateTable("tenants").set(row).where("id", "=", id).execute();
      await this.#log(trx, change.audit, change.events);
      return toTenantRecord(change.row);
    });
  }

  async #log(trx: Trx, entry: AuditEntry, events: readonly RevocationEvent[] = []): Promise<void> {
    if (events.length > 0) await appendRevocations(trx, events, this.#now());
    await appendAudit(trx, entry, this.#now());
  }
}

async function requireFreeName(trx: Trx, { id, name_folded }: TenantRow): Promise<void> {
  const other = await trx
    .selectFrom("tenants")
    .select("id")
    .where("name_folded", "=", name_folded)
    .where("id", "!=", id)
    .executeTakeFirst();
  if (other !== undefined) throw tenantTaken("name");
}

async function hasUsers(db: Kysely<SqlSchema>, id: string): Promise<boolean> {
  const user = await db.selectFrom("users").select("id").where("tenant", "=", id).limit(1).executeTakeFirst();
  return user !== undefined;
}
