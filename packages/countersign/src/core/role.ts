import type { FieldViolation } from "./call-error.ts";
import type { MaybePromise } from "./decision.ts";
import { permissionProblem } from "./permission.ts";
import { isTenantId, tenantOfRole } from "./tenant.ts";

/** A named set of permissions. */
export interface RoleDefinition {
  readonly name: string;
  /** Patterns: `orders:read`, `orders:*`, `!orders:delete`. */
  readonly permissions: readonly string[];
  /** Names of roles whose permissions, and denials, this one has too. */
  readonly inherits?: readonly string[] | undefined;
}

/** Where roles are defined. `load` answers with all of them, and throws when it cannot tell. */
export interface RoleSource {
  load(): MaybePromise<readonly RoleDefinition[]>;
}

/** What one role may hold, and how long a chain of inheritance may be. */
export const roleLimits = Object.freeze({ permissions: 1000, inherits: 100, depth: 10, description: 500 });

const roleName = /^[A-Za-z0-9][A-Za-z0-9_.:-]{0,99}$/;

/** Whether a role may be called that. A tenant's role is called `TENANT/NAME`. */
export function isRoleName(name: string): boolean {
  if (typeof name !== "string") return false;
  const tenant = tenantOfRole(name);
  if (tenant === undefined) return roleName.test(name);
  return isTenantId(tenant) && roleName.test(name.slice(tenant.length + 1));
}

/** What is wrong with a role by itself: its name, its patterns, their number. */
export function roleViolations({
  name,
  permissions,
  inherits = [],
}: RoleDefinition): readonly FieldViolation[] {
  const violations: FieldViolation[] = [];
  if (!isRoleName(name)) {
    violations.push({
      field: "name",
      description: "1 to 100 letters, digits, or any of _ . : -, the first a letter or digit",
    });
  }
  if (permissions.length > roleLimits.permissions) {
    violations.push({ field: "permissions", description: `at most ${roleLimits.permissions}` });
  }
  for (const text of permissions) {
    const description = permissionProblem(text);
    if (description !== undefined) {
      violations.push({ field: "permissions", description });
      break;
    }
  }
  if (inherits.length > roleLimits.inherits) {
    violations.push({ field: "inherits", description: `at most ${roleLimits.inherits}` });
  }
  return violations;
}

/** What is wrong with how roles inherit from one another; undefined if nothing is. */
export interface InheritanceProblem {
  /** The role that inherits. */
  readonly role: string;
  readonly description: string;
}

/** Looks for a role that is not there, for a circle, and for a chain that is too long. Costs each role once. */
export function inheritanceProblem(
  roles: ReadonlyMap<string, Pick<RoleDefinition, "inherits">>,
): InheritanceProblem | undefined {
  const heights = new Map<string, number>();
  const open = new Set<string>();

  /** How many roles the longest chain from here has, or what is wrong with it. */
  function heightOf(role: string): number | InheritanceProblem {
    const known = heights.get(role);
    if (known !== undefined) return known;
    open.add(role);
    let height = 1;
    for (const parent of roles.get(role)?.inherits ?? []) {
      if (!roles.has(parent)) return { role, description: `there is no role ${parent}` };
      if (open.has(parent)) return { role, description: "roles inherit from one another in a circle" };
      // The stack is never deeper than a chain may be long.
      if (open.size >= roleLimits.depth + 1) return tooLong(role);
      const above = heightOf(parent);
      if (typeof above !== "number") return above;
      height = Math.max(height, above + 1);
    }
    open.delete(role);
    if (height > roleLimits.depth) return tooLong(role);
    heights.set(role, height);
    return height;
  }

  for (const role of roles.keys()) {
    open.clear();
    const height = heightOf(role);
    if (typeof height !== "number") return height;
  }
  return undefined;
}

function tooLong(role: string): InheritanceProblem {
  return { role, description: `a chain of more than ${roleLimits.depth} roles` };
}

/** Roles with all that they inherit, each once and the nearest first; names that are unknown are passed over. */
export function withInherited<R extends Pick<RoleDefinition, "inherits">>(
  roles: ReadonlyMap<string, R>,
  names: Iterable<string>,
): ReadonlyMap<string, R> {
  const found = new Map<string, R>();
  let next = [...names];
  while (next.length > 0) {
    const following: string[] = [];
    for (const name of next) {
      const role = roles.get(name);
      if (role === undefined || found.has(name)) continue;
      found.set(name, role);
      following.push(...(role.inherits ?? []));
    }
    next = following;
  }
  return found;
}
