import type { RevocationEvent } from "../../core/revocation.ts";
import { isRoleFor } from "../../core/tenant.ts";
import { pageLimit } from "../page-limit.ts";
import type { NewRole, RolePatch, RoleQuery, RoleRecord, RoleStore } from "../role-contracts.ts";
import {
  assignmentAudit,
  builtInRows,
  changeRole,
  newRoleRow,
  noSuchRole,
  type RoleRow,
  requireChangeable,
  roleAudit,
  roleInUse,
  toRoleRecord,
  withoutParent,
} from "../role-row.ts";
import type { AuditEntry } from "../session-contracts.ts";
import { requireStorableText } from "../storable-text.ts";
import type { MemoryRevocationLog } from "./memory-revocation-log.ts";
import type { MemoryTenants } from "./memory-tenants.ts";
import type { MemoryUsers } from "./memory-users.ts";

export interface MemoryRolesOptions {
  readonly now: () => number;
  readonly revocations: MemoryRevocationLog;
  readonly audit: { appendNow(entry: AuditEntry): unknown };
  readonly users: MemoryUsers;
  readonly apiKeys: { isLimitedTo(role: string): boolean };
  readonly tenants: Pick<MemoryTenants, "require">;
}

/** Rows by name. Who holds a role stands in the rows of the users. */
export class MemoryRoles implements RoleStore {
  readonly #options: MemoryRolesOptions;
  #rows: ReadonlyMap<string, RoleRow>;

  constructor(options: MemoryRolesOptions) {
    this.#options = options;
    this.#rows = inOrder(builtInRows(options.now()));
  }

  /** Whether there is such a role for what belongs to that tenant. */
  has(name: string, tenant: string | null): boolean {
    return this.#rows.has(name) && isRoleFor(tenant ?? undefined, name);
  }

  /** Removes a tenant's roles. Returns whether it had any. */
  tenantDeleted(tenant: string): boolean {
    const kept = [...this.#rows.values()].filter((row) => row.tenant !== tenant);
    const had = kept.length < this.#rows.size;
    this.#rows = inOrder(kept);
    return had;
  }

  async load(): Promise<readonly RoleRecord[]> {
    return [...this.#rows.values()].map(toRoleRecord);
  }

  async find(name: string): Promise<RoleRecord | undefined> {
    const row = this.#rows.get(name);
    return row && toRoleRecord(row);
  }

  async list({ limit, after = "", tenantId }: RoleQuery): Promise<readonly RoleRecord[]> {
    const rows = [...this.#rows.values()]
      .filter(({ name }) => name > after)
      .filter(({ tenant }) => tenantId === undefined || tenant === null || tenant === tenantId);
    return rows.slice(0, pageLimit(limit)).map(toRoleRecord);
  }

  async create(role: NewRole, by: string): Promise<RoleRecord> {
    requireStorableText("by", by);
    const rows = [...this.#rows.values()];
    const row = newRoleRow(role, rows, this.#options.now());
    this.#options.tenants.require(row.tenant);
    this.#commit([...rows, row], roleAudit("role.created", { after: row }, by));
    return toRoleRecord(row);
  }

  async update(name: string, patch: RolePatch, by: string): Promise<RoleRecord | undefined> {
    requireStorableText("by", by);
    const rows = [...this.#rows.values()];
    const before = this.#rows.get(name);
    const row = before && changeRole(before, patch, rows, this.#options.now());
    if (before === undefined || row === undefined) return before && toRoleRecord(before);
    this.#commit(
      rows.map((other) => (other === before ? row : other)),
      roleAudit("role.updated", { before, after: row }, by),
    );
    return toRoleRecord(row);
  }

  async delete(name: string, { force }: { readonly force: boolean }, by: string): Promise<boolean> {
    requireStorableText("by", by);
    const row = this.#rows.get(name);
    if (row === undefined) return false;
    requireChangeable(row);
    const { users, apiKeys, now } = this.#options;
    const others = [...this.#rows.values()].filter((other) => other !== row);
    const heirs = others.flatMap((other) => withoutParent(other, name, now()) ?? []);
    if (!force) {
      if (users.holdersOf(name).length > 0) throw roleInUse("is assigned to users");
      if (heirs.length > 0) throw roleInUse("is inherited");
      if (apiKeys.isLimitedTo(name)) throw roleInUse("limits API keys");
    }
    const kept = others.map((other) => heirs.find((heir) => heir.name === other.name) ?? other);
    const changed = users.holdersOf(name).flatMap((id) => users.setRole(id, name, false) ?? []);
    this.#commit(kept, roleAudit("role.deleted", { before: row }, by), changed);
    return true;
  }

  async assign(userId: string, role: string, by: string): Promise<readonly string[] | undefined> {
    requireStorableText("by", by);
    const tenant = this.#options.users.tenantOf(userId);
    if (tenant === undefined) return undefined;
    if (!this.has(role, tenant)) throw noSuchRole("role", role);
    return this.#set(userId, role, assignmentAudit("role.assigned", userId, role, by));
  }

  async unassign(userId: string, role: string, by: string): Promise<readonly string[] | undefined> {
    requireStorableText("by", by);
    return this.#set(userId, role, assignmentAudit("role.unassigned", userId, role, by));
  }

  #set(userId: string, role: string, entry: AuditEntry): readonly string[] | undefined {
    const { users, revocations, audit } = this.#options;
    const event = users.setRole(userId, role, entry.action === "role.assigned");
    if (event !== undefined) {
      revocations.appendNow([event]);
      audit.appendNow(entry);
    }
    return users.load(userId)?.roles;
  }

  #commit(rows: readonly RoleRow[], entry: AuditEntry, events: readonly RevocationEvent[] = []): void {
    this.#rows = inOrder(rows);
    this.#options.revocations.appendNow([...events, { kind: "roles" }]);
    this.#options.audit.appendNow(entry);
  }
}

function inOrder(rows: readonly RoleRow[]): ReadonlyMap<string, RoleRow> {
  return new Map(
    rows.toSorted((one, other) => (one.name < other.name ? -1 : 1)).map((row) => [row.name, row]),
  );
}
