import type { FieldViolation } from "./call-error.ts";

/** What may belong to a tenant. Absent or undefined: it is the installation's own. */
export interface Tenanted {
  readonly tenantId?: string | undefined;
}

/** What begins with it manages the program itself. */
const managing = "auth.";

/** Of that, what is looked at and changed within one tenant. Everything else of it concerns the whole installation. */
const withinTenants: readonly string[] = [
  "auth.users:",
  "auth.keys:",
  "auth.sessions:",
  "auth.roles:",
  "auth.tokens:introspect",
  "auth.tokens:revoke",
  "auth.logs:read",
  // Not to write: what the installation limits is not the tenant's to forget.
  "auth.limits:read",
  "auth.audit:read",
];

/**
 * May this permission count for somebody in a tenant? What services of our own guard counts only once they keep
 * tenants apart: a permission that is new is the installation's until it is listed here.
 */
export function isForTenants(permission: string): boolean {
  return !permission.startsWith(managing) || withinTenants.some((start) => permission.startsWith(start));
}

const tenantId = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** Whether a tenant may be called that: as a DNS label is. */
export function isTenantId(text: string): boolean {
  return typeof text === "string" && tenantId.test(text);
}

const longestName = 100;

/** What is wrong with a tenant by itself; a member that is undefined is not looked at. */
export function tenantViolations(tenant: {
  readonly id?: string | undefined;
  readonly name?: string | undefined;
}): readonly FieldViolation[] {
  const { id, name } = tenant;
  const violations: FieldViolation[] = [];
  if (id !== undefined && !isTenantId(id)) {
    violations.push({
      field: "id",
      description: "1 to 63 lower-case letters, digits and hyphens, a hyphen neither first nor last",
    });
  }
  if (name !== undefined && !isTenantName(name)) {
    violations.push({ field: "name", description: `1 to ${longestName} characters on one line` });
  }
  return violations;
}

function isTenantName(name: string): boolean {
  return name.trim() !== "" && name.length <= longestName && name.isWellFormed() && !/\p{Cc}/u.test(name);
}

/** The tenant of a role, which its name begins with: `acme/support`. Undefined for the installation's own. */
export function tenantOfRole(name: string): string | undefined {
  const slash = name.indexOf("/");
  return slash === -1 ? undefined : name.slice(0, slash);
}

/** The name of a role of that tenant. */
export function roleOfTenant(tenant: string | undefined, name: string): string {
  return tenant === undefined ? name : `${tenant}/${name}`;
}

/** May a role be held, inherited or named by what belongs to this tenant? Its own, and the installation's. */
export function isRoleFor(tenant: string | undefined, role: string): boolean {
  const owner = tenantOfRole(role);
  return owner === undefined || owner === tenant;
}
