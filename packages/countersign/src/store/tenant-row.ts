import { tenantViolations } from "../core/tenant.ts";
import { changedValues, filledValues } from "./changed-values.ts";
import { Conflict } from "./contracts.ts";
import { foldCase } from "./fold-case.ts";
import type { AuditEntry } from "./session-contracts.ts";
import { toDate } from "./stored-date.ts";
import type { NewTenant, TenantPatch, TenantRecord } from "./tenant-contracts.ts";

/**
 * A tenant as every store keeps it: one row of the table `tenants`. Instants are milliseconds since the epoch. The row
 * outlives the tenant, so that what still names it never passes to another one.
 */
export interface TenantRow {
  readonly id: string;
  readonly name: string;
  /** Null for a tenant that was deleted: its name is free again. */
  readonly name_folded: string | null;
  readonly disabled_at: number | null;
  readonly deleted_at: number | null;
  readonly created_at: number;
  readonly updated_at: number;
}

/** A fresh frozen record: nothing in it is shared with the store. */
export function toTenantRecord(row: TenantRow): TenantRecord {
  return Object.freeze({
    id: row.id,
    name: row.name,
    createdAt: new Date(Number(row.created_at)),
    updatedAt: new Date(Number(row.updated_at)),
    disabledAt: toDate(row.disabled_at),
  });
}

/** The row of a new tenant. Throws `Conflict` for an id or a name that cannot be. */
export function newTenantRow({ id, name = id }: NewTenant, now: number): TenantRow {
  requireSound({ id, name });
  const none = { disabled_at: null, deleted_at: null };
  return { id, ...nameColumns(name), ...none, created_at: now, updated_at: now };
}

/** Applies a patch; undefined if it changes nothing. */
export function changeTenant(before: TenantRow, { name }: TenantPatch, now: number): TenantRow | undefined {
  if (name === undefined || name === before.name) return undefined;
  requireSound({ name });
  return { ...before, ...nameColumns(name), updated_at: now };
}

/** Disables or enables; undefined if it is so already. */
export function switchTenant(before: TenantRow, disabled: boolean, now: number): TenantRow | undefined {
  if (disabled === (before.disabled_at !== null)) return undefined;
  return { ...before, disabled_at: disabled ? now : null, updated_at: now };
}

/** What is left of a tenant that goes: nobody of it would get in, and nothing else will have its id. */
export function deletedTenant(before: TenantRow, now: number): TenantRow {
  return { ...before, name_folded: null, disabled_at: before.disabled_at ?? now, deleted_at: now };
}

/** The audit row of a change: of a new tenant, or of one that is another now. */
export function tenantAudit(
  done: "created" | "updated" | "disabled" | "enabled" | "deleted",
  { before, after }: { readonly before?: TenantRow; readonly after: TenantRow },
  by: string,
): AuditEntry {
  const about = { actor: by, action: `tenant.${done}`, target: `tenant:${after.id}`, details: {} };
  if (before === undefined) return { ...about, after: filledValues(valuesOf(after)) };
  return { ...about, ...changedValues(valuesOf(before), valuesOf(after)) };
}

function valuesOf(row: TenantRow): Readonly<Record<string, string>> {
  const instant = (at: number | null): string => (at === null ? "" : new Date(Number(at)).toISOString());
  return { name: row.name, disabledAt: instant(row.disabled_at), deletedAt: instant(row.deleted_at) };
}

export function tenantTaken(field: "id" | "name"): Conflict {
  return new Conflict(field, field === "id" ? "this id is in use, or was" : "this name is in use");
}

export function tenantInUse(): Conflict {
  return new Conflict("id", "the tenant has users: delete them first");
}

/** What is to be created would belong to a tenant that is not there. */
export function noSuchTenant(): Conflict {
  return new Conflict("tenant", "there is no such tenant");
}

function requireSound(tenant: TenantPatch & { readonly id?: string }): void {
  const [violation] = tenantViolations(tenant);
  if (violation !== undefined) throw new Conflict(violation.field, violation.description);
}

function nameColumns(name: string): Pick<TenantRow, "name" | "name_folded"> {
  return { name, name_folded: foldCase(name) };
}
