import { inheritanceProblem, roleLimits, roleViolations } from "../core/role.ts";
import { isRoleFor, tenantOfRole } from "../core/tenant.ts";
import { builtInRoles } from "./built-in-roles.ts";
import { changedValues } from "./changed-values.ts";
import { Conflict } from "./contracts.ts";
import type { NewRole, RolePatch, RoleRecord } from "./role-contracts.ts";
import type { AuditEntry } from "./session-contracts.ts";
import { requireStorableText } from "./storable-text.ts";

/** A role as every store keeps it: one row of the table `roles`. Instants are milliseconds since the epoch. */
export interface RoleRow {
  readonly name: string;
  readonly description: string;
  /** A JSON array of patterns. */
  readonly permissions: string;
  /** A JSON array of names. */
  readonly inherits: string;
  readonly built_in: number;
  readonly created_at: number;
  readonly updated_at: number;
  /** The one that the name begins with. */
  readonly tenant: string | null;
}

/** A fresh frozen record: nothing in it is shared with the store. A built-in role is what this program says it is. */
export function toRoleRecord(row: RoleRow): RoleRecord {
  const builtIn = Number(row.built_in) !== 0;
  const own = builtIn ? builtInRoles.find(({ name }) => name === row.name) : undefined;
  return Object.freeze({
    name: row.name,
    description: own?.description ?? row.description,
    permissions: own?.permissions ?? list(row.permissions),
    inherits: own?.inherits ?? list(row.inherits),
    builtIn,
    tenantId: row.tenant ?? undefined,
    createdAt: new Date(Number(row.created_at)),
    updatedAt: new Date(Number(row.updated_at)),
  });
}

/** The rows that a store begins with. */
export function builtInRows(now: number): readonly RoleRow[] {
  return builtInRoles.map((role) => rowOf(role, { built_in: 1, created_at: now, updated_at: now }));
}

/** The row of a new role among the others. Throws `Conflict` for what it must not be. */
export function newRoleRow(role: NewRole, others: readonly RoleRow[], now: number): RoleRow {
  const row = rowOf(role, { built_in: 0, created_at: now, updated_at: now });
  requireSound(row);
  if (others.some(({ name }) => name === row.name)) throw new Conflict("name", "this name is in use");
  requireInheritance([...others, row], row);
  return row;
}

/** Applies a patch to one of the rows; undefined if it changes nothing. Throws `Conflict` for what must not be. */
export function changeRole(
  before: RoleRow,
  patch: RolePatch,
  rows: readonly RoleRow[],
  now: number,
): RoleRow | undefined {
  requireChangeable(before);
  const row: RoleRow = {
    ...before,
    description: patch.description ?? before.description,
    permissions: JSON.stringify(
      merged(list(before.permissions), patch.addPermissions, patch.removePermissions),
    ),
    inherits: JSON.stringify(merged(list(before.inherits), patch.addInherits, patch.removeInherits)),
  };
  const columns = ["description", "permissions", "inherits"] as const;
  if (columns.every((column) => row[column] === before[column])) return undefined;
  requireSound(row);
  requireInheritance(
    rows.map((other) => (other.name === row.name ? row : other)),
    row,
  );
  return { ...row, updated_at: now };
}

/** The role without a parent that is going; undefined if it has none such. */
export function withoutParent(row: RoleRow, parent: string, now: number): RoleRow | undefined {
  const inherits = list(row.inherits);
  if (!inherits.includes(parent)) return undefined;
  return { ...row, inherits: JSON.stringify(inherits.filter((name) => name !== parent)), updated_at: now };
}

/** Throws `Conflict` for a role of the program's own. */
export function requireChangeable({ built_in }: RoleRow): void {
  if (Number(built_in) !== 0) throw new Conflict("name", "a built-in role cannot be changed or deleted");
}

export function roleInUse(what: string): Conflict {
  return new Conflict("name", `the role ${what}; with force it is deleted all the same`);
}

export function noSuchRole(field: string, name: string): Conflict {
  return new Conflict(field, `there is no role ${name}`);
}

/** The audit row of a change of roles: of a new one, of one that is gone, or of one that is another now. */
export function roleAudit(
  action: "role.created" | "role.updated" | "role.deleted",
  { before, after }: { readonly before?: RoleRow; readonly after?: RoleRow },
  by: string,
): AuditEntry {
  const about = { actor: by, action, target: `role:${(after ?? before)?.name ?? ""}`, details: {} };
  if (before !== undefined && after !== undefined)
    return { ...about, ...changedValues(valuesOf(before), valuesOf(after)) };
  if (before !== undefined) return { ...about, before: valuesOf(before) };
  return after === undefined ? about : { ...about, after: valuesOf(after) };
}

function valuesOf({ description, permissions, inherits }: RoleRow): Readonly<Record<string, string>> {
  return { description, permissions, inherits };
}

/** The audit row of a role that a user gets or loses. */
export function assignmentAudit(
  action: "role.assigned" | "role.unassigned",
  userId: string,
  role: string,
  by: string,
): AuditEntry {
  return { actor: by, action, target: `user:${userId}`, related: `role:${role}`, details: { role } };
}

/** Whether a key is limited to the role. */
export function keyNames(roles: string, name: string): boolean {
  return list(roles).includes(name);
}

function rowOf(role: NewRole, more: Pick<RoleRow, "built_in" | "created_at" | "updated_at">): RoleRow {
  return {
    name: role.name,
    description: role.description ?? "",
    permissions: JSON.stringify(merged([], role.permissions, [])),
    inherits: JSON.stringify(merged([], role.inherits, [])),
    tenant: tenantOfRole(role.name) ?? null,
    ...more,
  };
}

/** Each once, in order. */
function merged(
  before: readonly string[],
  add: readonly string[] = [],
  remove: readonly string[] = [],
): readonly string[] {
  const all = new Set([...before, ...add]);
  for (const text of remove) all.delete(text);
  return [...all].sort();
}

function requireSound(row: RoleRow): void {
  const { name, description } = row;
  requireStorableText("description", description);
  if (description.length > roleLimits.description) {
    throw new Conflict("description", `at most ${roleLimits.description} characters`);
  }
  const [violation] = roleViolations({
    name,
    permissions: list(row.permissions),
    inherits: list(row.inherits),
  });
  if (violation !== undefined) throw new Conflict(violation.field, violation.description);
}

function requireInheritance(rows: readonly RoleRow[], { tenant, inherits }: RoleRow): void {
  // Another tenant's is as good as absent.
  const foreign = list(inherits).find((parent) => !isRoleFor(tenant ?? undefined, parent));
  if (foreign !== undefined) throw noSuchRole("inherits", foreign);
  const problem = inheritanceProblem(
    new Map(rows.map((row) => [row.name, { inherits: list(row.inherits) }])),
  );
  if (problem !== undefined) throw new Conflict("inherits", problem.description);
}

function list(json: string): readonly string[] {
  return Object.freeze(JSON.parse(json) as string[]);
}
