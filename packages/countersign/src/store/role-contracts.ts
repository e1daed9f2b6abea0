import type { RoleDefinition, RoleSource } from "../core/role.ts";

/** A role as a store keeps it. */
export interface RoleRecord extends RoleDefinition {
  readonly description: string;
  readonly inherits: readonly string[];
  /** One of the program's own (`builtInRoles`): it cannot be changed or deleted. */
  readonly builtIn: boolean;
  /** The tenant that its name begins with; undefined for a role of the installation. */
  readonly tenantId: string | undefined;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export interface NewRole extends RoleDefinition {
  readonly description?: string | undefined;
}

/** A member that is absent or undefined stays as it is. Of what is added and removed at once, nothing stays. */
export interface RolePatch {
  readonly description?: string | undefined;
  readonly addPermissions?: readonly string[] | undefined;
  readonly removePermissions?: readonly string[] | undefined;
  readonly addInherits?: readonly string[] | undefined;
  readonly removeInherits?: readonly string[] | undefined;
}

export interface RoleQuery {
  readonly limit: number;
  /** The name of the last role of the page before. */
  readonly after?: string | undefined;
  /** Those of this tenant, and the installation's; the empty text: the latter alone. Absent: all. */
  readonly tenantId?: string | undefined;
}

/**
 * Roles, and who holds them. A tenant's role is called `TENANT/NAME`; for whatever belongs elsewhere it is not there. Every change appends its revocation event and its audit row (`role.created`,
 * `role.updated`, `role.deleted`; `role.assigned` and `role.unassigned` about the user) in the same transaction; a change
 * that changes nothing appends neither.
 */
export interface RoleStore extends RoleSource {
  /** All of them, in order of name. */
  load(): Promise<readonly RoleRecord[]>;
  find(name: string): Promise<RoleRecord | undefined>;
  /** In order of name. */
  list(query: RoleQuery): Promise<readonly RoleRecord[]>;
  /** Throws `Conflict` on `tenant` for one that is not there, on `name` if it is taken, on what `roleViolations()` names, and on `inherits` for a role that is not there and for a chain that is too long. */
  create(role: NewRole, by: string): Promise<RoleRecord>;
  /** Undefined if there is no such role. Throws `Conflict` as `create` does, on `inherits` for a circle, and on `name` for a built-in role. */
  update(name: string, patch: RolePatch, by: string): Promise<RoleRecord | undefined>;
  /**
   * False if there is no such role. Throws `Conflict` on `name` for a built-in role, and unless it is forced for one that
   * is held by a user, limits a key that is not revoked, or is inherited. Forced, it is taken from users and from roles;
   * a key keeps its name, which stands for nothing.
   */
  delete(name: string, how: { readonly force: boolean }, by: string): Promise<boolean>;
  /** Returns the user's roles; undefined if there is no such user. Throws `Conflict` on `role` if there is no such role. */
  assign(userId: string, role: string, by: string): Promise<readonly string[] | undefined>;
  /** Returns the user's roles; undefined if there is no such user. */
  unassign(userId: string, role: string, by: string): Promise<readonly string[] | undefined>;
}
