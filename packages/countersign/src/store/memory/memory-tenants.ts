import type { RevocationEvent } from "../../core/revocation.ts";
import { pageLimit } from "../page-limit.ts";
import type { AuditEntry } from "../session-contracts.ts";
import { requireStorableText } from "../storable-text.ts";
import type { NewTenant, TenantPatch, TenantQuery, TenantRecord, TenantStore } from "../tenant-contracts.ts";
import {
  changeTenant,
  deletedTenant,
  newTenantRow,
  noSuchTenant,
  switchTenant,
  type TenantRow,
  tenantAudit,
  tenantInUse,
  tenantTaken,
  toTenantRecord,
} from "../tenant-row.ts";
import type { MemoryAudit } from "./memory-audit.ts";
import type { MemoryRevocationLog } from "./memory-revocation-log.ts";

export interface MemoryTenantsOptions {
  readonly now: () => number;
  readonly revocations: MemoryRevocationLog;
  readonly audit: MemoryAudit;
}

/** What belongs to tenants. */
export interface OwnedByTenants {
  readonly users: { isTenantEmpty(tenant: string): boolean };
  /** Returns whether it had any. */
  readonly roles: { tenantDeleted(tenant: string): boolean };
}

/** Rows by id, also those of tenants that are gone. */
export class MemoryTenants implements TenantStore {
  readonly #options: MemoryTenantsOptions;
  readonly #rows = new Map<string, TenantRow>();
  #owned: OwnedByTenants | undefined;

  constructor(options: MemoryTenantsOptions) {
    this.#options = options;
  }

  /** Tenants need users and users need tenants: called once, before anything else. */
  own(owned: OwnedByTenants): void {
    this.#owned = owned;
  }

  /** Since when the tenant is disabled. Throws `Conflict` on `tenant` if there is none; null for what belongs to none. */
  require(id: string | null): number | null {
    if (id === null) return null;
    const row = this.#live(id);
    if (row === undefined) throw noSuchTenant();
    return row.disabled_at;
  }

  /** Since when it is disabled, or gone. */
  disabledAt(id: string | null): number | null {
    return id === null ? null : (this.#rows.get(id)?.disabled_at ?? null);
  }

  async create(tenant: NewTenant, by: string): Promise<TenantRecord> {
    requireStorableText("by", by);
    const row = newTenantRow(tenant, this.#options.now());
    if (this.#rows.has(row.id)) throw tenantTaken("id");
    this.#requireFreeName(row);
    return this.#commit(row, tenantAudit("created", { after: row }, by));
  }

  async find(id: string): Promise<TenantRecord | undefined> {
    const row = this.#live(id);
    return row && toTenantRecord(row);
  }

  async list({ limit, after = "" }: TenantQuery): Promise<readonly TenantRecord[]> {
    return [...this.#rows.values()]
      .filter(({ id, deleted_at }) => id > after && deleted_at === null)
      .sort((one, other) => (one.id < other.id ? -1 : 1))
      .slice(0, pageLimit(limit))
      .map(toTenantRecord);
  }

  async update(id: string, patch: TenantPatch, by: string): Promise<TenantRecord | undefined> {
    requireStorableText("by", by);
    const before = this.#live(id);
    const row = before && changeTenant(before, patch, this.#options.now());
    if (before === undefined || row === undefined) return before && toTenantRecord(before);
    this.#requireFreeName(row);
    return this.#commit(row, tenantAudit("updated", { before, after: row }, by));
  }

  async setDisabled(id: string, disabled: boolean, by: string): Promise<TenantRecord | undefined> {
    requireStorableText("by", by);
    const before = this.#live(id);
    const row = before && switchTenant(before, disabled, this.#options.now());
    if (before === undefined || row === undefined) return before && toTenantRecord(before);
    const state = disabled ? "disabled" : "enabled";
    const events: RevocationEvent[] = [{ kind: "tenant", tenantId: id, state }];
    return this.#commit(row, tenantAudit(state, { before, after: row }, by), events);
  }

  async delete(id: string, by: string): Promise<boolean> {
    requireStorableText("by", by);
    const before = this.#live(id);
    if (before === undefined) return false;
    if (this.#owned?.users.isTenantEmpty(id) !== true) throw tenantInUse();
    const events: RevocationEvent[] = [{ kind: "tenant", tenantId: id, state: "disabled" }];
    if (this.#owned.roles.tenantDeleted(id)) events.push({ kind: "roles" });
    const row = deletedTenant(before, this.#options.now());
    this.#commit(row, tenantAudit("deleted", { before, after: row }, by), events);
    return true;
  }

  #live(id: string): TenantRow | undefined {
    const row = this.#rows.get(id);
    return row?.deleted_at === null ? row : undefined;
  }

  #requireFreeName({ id, name_folded }: TenantRow): void {
    const taken = [...this.#rows.values()].some((row) => row.id !== id && row.name_folded === name_folded);
    if (taken) throw tenantTaken("name");
  }

  #commit(row: TenantRow, entry: AuditEntry, events: readonly RevocationEvent[] = []): TenantRecord {
    this.#rows.set(row.id, row);
    this.#options.revocations.appendNow(events);
    this.#options.audit.appendNow(entry);
    return toTenantRecord(row);
  }
}
