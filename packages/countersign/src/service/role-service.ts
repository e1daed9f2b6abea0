import type { CallContext } from "../context/call-context.ts";
import type { ServiceHandlers } from "../context/service-handlers.ts";
import { CallError, type CallStatus, type FieldViolation, invalidArgument } from "../core/call-error.ts";
import { compilePermissions } from "../core/permission-set.ts";
import { grants } from "../core/principal.ts";
import { isRoleName, roleLimits, roleViolations } from "../core/role.ts";
import type { RoleDirectory } from "../core/role-directory.ts";
import { isRoleFor, roleOfTenant, type Tenanted, tenantOfRole } from "../core/tenant.ts";
import type {
  AssignRoleRequest,
  CreateRoleRequest,
  DeleteRoleRequest,
  GetRoleRequest,
  GetUserRolesRequest,
  ListRolesRequest,
  ListUserPermissionsRequest,
  RoleService,
  UnassignRoleRequest,
  UpdateRoleRequest,
} from "../gen/auth/v1/roles_pb.ts";
import { Conflict, type Store, type UserRecord } from "../store/contracts.ts";
import type { RoleRecord } from "../store/role-contracts.ts";
import { found, pageOf, pageSize, readPageToken } from "./page.ts";
import { permissionText, permissionViolation } from "./permission-message.ts";
import { requireHeld, requireRank } from "./rank.ts";
import { roleMessage, userPermissions, userRolesMessage } from "./role-message.ts";
import { requireOwnRole, tenantOfNew, tenantToList, visibleTo } from "./tenancy.ts";

export interface RoleServiceOptions {
  readonly store: Pick<Store, "roles" | "users">;
  /** The roles of that store, followed. */
  readonly roles: RoleDirectory;
  /** Returns when this node has applied every change that is committed. */
  readonly caughtUp: () => Promise<void>;
}

/** `auth.v1.RoleService`: roles, and who holds them. */
export function createRoleService(options: RoleServiceOptions): ServiceHandlers<typeof RoleService> {
  return new RoleServiceHandlers(options);
}

class RoleServiceHandlers implements ServiceHandlers<typeof RoleService> {
  readonly #store: RoleServiceOptions["store"];
  readonly #roles: RoleDirectory;
  readonly #caughtUp: () => Promise<void>;

  constructor({ store, roles, caughtUp }: RoleServiceOptions) {
    this.#store = store;
    this.#roles = roles;
    this.#caughtUp = caughtUp;
  }

  async createRole(request: CreateRoleRequest, context: CallContext) {
    const caller = context.requireUser();
    const { description, inherits } = request;
    const name = nameOfNew(caller, request);
    const permissions = request.permissions.map(permissionText);
    const violation = permissionViolation("permissions", request.permissions);
    const checked = violation === undefined ? permissions : [];
    requireNone(
      ...roleViolations({ name, permissions: checked, inherits }),
      ...[violation].filter(isThere),
      ...descriptionViolations(description),
    );
    await this.#caughtUp();
    requireHeld(caller, this.#roles.permissionsOf(usableBy(name, inherits), permissions));
    const role = { name, description, permissions, inherits };
    const record = await conflictsNamed(this.#store.roles.create(role, caller.userId), "ALREADY_EXISTS");
    await this.#caughtUp();
    return { role: roleMessage(record) };
  }

  async getRole({ name }: GetRoleRequest, context: CallContext) {
    return { role: roleMessage(await this.#find(name, context.requireUser())) };
  }

  async listRoles({ pageSize: size, pageToken, tenant }: ListRolesRequest, context: CallContext) {
    const limit = pageSize(size);
    const [after] = readPageToken(pageToken, 1) ?? [];
    const tenantId = tenantToList(context.requireUser(), tenant);
    const rows = await this.#store.roles.list({ limit: limit + 1, after, tenantId });
    const page = pageOf(rows, limit, ({ name }) => [name]);
    return { roles: page.rows.map(roleMessage), nextPageToken: page.nextPageToken };
  }

  async updateRole(request: UpdateRoleRequest, context: CallContext) {
    const { name, description, addInherits, removeInherits } = request;
    requireNone(
      ...[permissionViolation("add_permissions", request.addPermissions)].filter(isThere),
      ...descriptionViolations(description ?? ""),
      ...namesViolations("add_inherits", addInherits),
    );
    await this.#caughtUp();
    const caller = context.requireUser();
    const before = await this.#find(name, caller);
    requireOwnRole(caller, name);
    const [addPermissions, removePermissions] = [
      request.addPermissions.map(permissionText),
      request.removePermissions.map(permissionText),
    ];
    const permissions = without([...before.permissions, ...addPermissions], removePermissions);
    const inherits = without([...before.inherits, ...usableBy(name, addInherits)], removeInherits);
    const [held, wanted] = [before, { permissions, inherits }].map((role) => [
      ...this.#roles.permissionsOf(role.inherits, role.permissions),
    ]);
    requireHeld(caller, held ?? []);
    requireHeld(caller, wanted ?? []);
    requireHeld(caller, lifted(held ?? [], wanted ?? []));
    const patch = { description, addPermissions, removePermissions, addInherits, removeInherits };
    const update = this.#store.roles.update(name, patch, caller.userId);
    const role = found(await conflictsNamed(update, "FAILED_PRECONDITION"), "role");
    await this.#caughtUp();
    return { role: roleMessage(role) };
  }

  async deleteRole({ name, force }: DeleteRoleRequest, context: CallContext) {
    await this.#caughtUp();
    const caller = context.requireUser();
    const role = await this.#find(name, caller);
    requireOwnRole(caller, name);
    const held = [...this.#roles.permissionsOf(role.inherits, role.permissions)];
    requireHeld(caller, held);
    // Nobody loses a denial by a role that nobody has.
    if (force) requireHeld(caller, lifted(held, []));
    const deletion = this.#store.roles.delete(role.name, { force }, caller.userId);
    if (!(await conflictsNamed(deletion, "FAILED_PRECONDITION")))
      throw new CallError("NOT_FOUND", "No such role");
    await this.#caughtUp();
    return {};
  }

  async assignRole({ userId, role }: AssignRoleRequest, context: CallContext) {
    const caller = context.requireUser();
    const before = await this.#user(userId, caller);
    requireRank(caller, before, this.#roles);
    // Another tenant's gives nothing here: the store says that there is none such.
    const given = isRoleFor(before.tenantId, role) ? [role] : [];
    // The role by itself, too: a denial of another one may hide now what it gives.
    requireHeld(caller, this.#roles.permissionsOf(given));
    requireRank(caller, { ...before, roles: [...before.roles, ...given] }, this.#roles);
    const assignment = this.#store.roles.assign(before.id, role, caller.userId);
    return this.#changed(before.id, await conflictsNamed(assignment, "INVALID_ARGUMENT"));
  }

  async unassignRole({ userId, role }: UnassignRoleRequest, context: CallContext) {
    const caller = context.requireUser();
    const before = await this.#user(userId, caller);
    requireRank(caller, before, this.#roles);
    // What the role denied may come back.
    requireRank(caller, { ...before, roles: without(before.roles, [role]) }, this.#roles);
    return this.#changed(before.id, await this.#store.roles.unassign(before.id, role, caller.userId));
  }

  async getUserRoles(request: GetUserRolesRequest, context: CallContext) {
    const { id, roles } = await this.#readable(request, context);
    return { userRoles: userRolesMessage(id, roles) };
  }

  async listUserPermissions(request: ListUserPermissionsRequest, context: CallContext) {
    const { isSuperuser, isStaff, roles } = await this.#readable(request, context);
    return { isSuperuser, isStaff, roleNames: [...roles], permissions: userPermissions(this.#roles, roles) };
  }

  /** A role that the caller may know of: the installation's own are everybody's. */
  async #find(name: string, { tenantId }: Tenanted): Promise<RoleRecord> {
    const known = isRoleName(name) && (tenantId === undefined || isRoleFor(tenantId, name));
    return found(known ? await this.#store.roles.find(name) : undefined, "role");
  }

  /** A user, as new as the roles are that they are judged by. */
  async #user(id: bigint, caller: Tenanted): Promise<UserRecord> {
    await this.#caughtUp();
    return found(visibleTo(caller, await this.#store.users.load(String(id))), "user");
  }

  async #changed(userId: string, roles: readonly string[] | undefined) {
    const userRoles = userRolesMessage(userId, found(roles, "user"));
    await this.#caughtUp();
    return { userRoles };
  }

  /** The user that is asked about: oneself, or another one with the permission. */
  async #readable(
    { userId }: Pick<GetUserRolesRequest, "userId">,
    context: CallContext,
  ): Promise<UserRecord> {
    const caller = context.requireUser();
    const id = userId === undefined ? caller.userId : String(userId);
    if (id !== caller.userId && !grants(caller, "auth.roles:read")) {
      context.abortPermissionDenied("Permission 'auth.roles:read' required");
    }
    return found(visibleTo(caller, await this.#store.users.load(id)), "user");
  }
}

/** The name of a new role, with the tenant that it is for. */
function nameOfNew(caller: Tenanted, { name, tenant }: Pick<CreateRoleRequest, "name" | "tenant">): string {
  const named = tenantOfRole(name);
  if (named !== undefined && tenant !== "" && tenant !== named)
    throw invalidArgument({ field: "tenant", description: "the name begins with another one" });
  const short = named === undefined ? name : name.slice(named.length + 1);
  return roleOfTenant(tenantOfNew(caller, named ?? tenant), short);
}

/** Those that a role of this name may inherit from; the store says of the others that they are not there. */
function usableBy(name: string, inherits: readonly string[]): readonly string[] {
  return inherits.filter((parent) => isRoleFor(tenantOfRole(name), parent));
}

/** What was denied and is denied no more, as permissions to hold. */
function lifted(before: readonly string[], after: readonly string[]): readonly string[] {
  const still = compilePermissions(after);
  return before
    .filter((text) => text.startsWith("!") && !still.deniesText(text))
    .map((text) => text.slice(1));
}

function without(names: readonly string[], removed: readonly string[]): readonly string[] {
  return names.filter((name) => !removed.includes(name));
}

function isThere<T>(value: T | undefined): value is T {
  return value !== undefined;
}

function requireNone(...[first, ...rest]: readonly FieldViolation[]): void {
  if (first !== undefined) throw invalidArgument(first, ...rest);
}

function descriptionViolations(description: string): readonly FieldViolation[] {
  if (description.length <= roleLimits.description) return [];
  return [{ field: "description", description: `at most ${roleLimits.description} characters` }];
}

function namesViolations(field: string, names: readonly string[]): readonly FieldViolation[] {
  return names.every(isRoleName) ? [] : [{ field, description: "not the name of a role" }];
}

/** A conflict about the name has a status of its own; any other is about what was asked for. */
async function conflictsNamed<T>(change: Promise<T>, aboutName: CallStatus): Promise<T> {
  try {
    return await change;
  } catch (error) {
    if (!(error instanceof Conflict)) throw error;
    const violation = { field: error.field, description: error.message };
    if (error.field === "name") throw new CallError(aboutName, error.message, [violation]);
    throw invalidArgument(violation);
  }
}
