import { type Guard, named } from "./guard.ts";
import { requirePermissionName } from "./permission.ts";
import { grants, holdsRole, keyNames, type Principal } from "./principal.ts";
import { isTenantId } from "./tenant.ts";

/** The rule `open`, by the name that other frameworks have for it: authentication does not run. */
export const allowAny = "open";

/** Any caller who is known. As a rule by itself it is `authenticated`; here to be combined. */
export const isAuthenticated: Guard<unknown> = named({ title: "isAuthenticated" }, () => true);

/** Staff, and superusers. */
export const isStaff: Guard<Pick<Principal, "isStaff" | "isSuperuser">> = named(
  { title: "isStaff", denialMessage: "Staff access required" },
  (principal) => principal.isStaff || principal.isSuperuser,
);

/** Superusers only. */
export const isSuperuser: Guard<Pick<Principal, "isSuperuser">> = named(
  { title: "isSuperuser", denialMessage: "Superuser access required" },
  (principal) => principal.isSuperuser,
);

/** The same as `isSuperuser`. */
export const isAdminUser = isSuperuser;

/** Holders of a permission, and superusers, unless it is denied them. A limited API key needs it among its scopes or roles. */
export function hasPermission(permission: string): Guard<Principal> {
  requirePermissionName("hasPermission", permission);
  const text = {
    title: `hasPermission(${permission})`,
    denialMessage: `Permission '${permission}' required`,
  };
  return named(text, (principal) => grants(principal, permission));
}

/** Holders of one of the permissions. */
export function hasAnyPermission(first: string, ...rest: readonly string[]): Guard<Principal> {
  const permissions = [first, ...rest];
  for (const permission of permissions) requirePermissionName("hasAnyPermission", permission);
  const text = {
    title: `hasAnyPermission(${permissions.join(", ")})`,
    denialMessage: `One of the permissions ${quoted(permissions)} required`,
  };
  return named(text, (principal) => {
    for (const permission of permissions) if (grants(principal, permission)) return true;
    return false;
  });
}

/** Holders of all of the permissions. */
export function hasAllPermissions(first: string, ...rest: readonly string[]): Guard<Principal> {
  const permissions = [first, ...rest];
  for (const permission of permissions) requirePermissionName("hasAllPermissions", permission);
  const text = {
    title: `hasAllPermissions(${permissions.join(", ")})`,
    denialMessage: `The permissions ${quoted(permissions)} required`,
  };
  return named(text, (principal) => {
    for (const permission of permissions) if (!grants(principal, permission)) return false;
    return true;
  });
}

/** Holders of a role, by assignment or by inheritance. A superuser needs it like anyone else. */
export function hasRole(role: string): Guard<Pick<Principal, "roles" | "permissions">> {
  if (typeof role !== "string" || role === "") throw new TypeError("hasRole() takes the name of a role");
  const text = { title: `hasRole(${role})`, denialMessage: `Role '${role}' required` };
  return named(text, (principal) => holdsRole(principal, role));
}

/**
 * Credentials that name a scope: a token whose claim `scope` or `scp` has it (RFC 8693 section 4.2), or an API key whose
 * scopes and roles include it. A credential that names no scopes is refused, whoever holds it.
 */
export function hasScope(scope: string): Guard<Pick<Principal, "apiKey" | "claims">> {
  requirePermissionName("hasScope", scope);
  const text = { title: `hasScope(${scope})`, denialMessage: `Scope '${scope}' required` };
  return named(text, ({ apiKey, claims }) => {
    if (apiKey !== undefined) return keyNames(apiKey, scope);
    return names(claims["scope"], scope) || names(claims["scp"], scope);
  });
}

/** Seconds by which clocks may be apart. */
const leewaySeconds = 60;

/**
 * Callers who proved who they are at most so many seconds ago, by the claim `auth_time` (OpenID Connect Core section 2).
 * A credential without it, such as an API key, is refused.
 */
export function maxAuthAge(seconds: number, now: () => number = Date.now): Guard<Pick<Principal, "claims">> {
  if (!Number.isFinite(seconds) || seconds <= 0)
    throw new TypeError("maxAuthAge() takes a number of seconds above 0");
  const text = { title: `maxAuthAge(${seconds})`, denialMessage: "A recent login is required" };
  return named(text, ({ claims }) => {
    const at = claims["auth_time"];
    if (typeof at !== "number") return false;
    const age = now() / 1000 - at;
    return age <= seconds && age >= -leewaySeconds;
  });
}

/** What each method of RFC 8176 proves: something known, something held, something of the body. `mfa` proves two. */
const factorOf: ReadonlyMap<string, string> = new Map([
  ...["pwd", "pin", "kba"].map((method) => [method, "knowledge"] as const),
  ...["otp", "sms", "tel", "hwk", "swk", "sc", "pop"].map((method) => [method, "possession"] as const),
  ...["face", "fpt", "iris", "retina", "vbm"].map((method) => [method, "body"] as const),
]);

/** Callers who logged in with two factors, by the claim `amr` (RFC 8176). An API key is refused. */
export const requireMfa: Guard<Pick<Principal, "claims">> = named(
  { title: "requireMfa", denialMessage: "Second factor required" },
  ({ claims }) => {
    const methods = claims["amr"];
    if (!Array.isArray(methods)) return false;
    let first: string | undefined;
    for (const method of methods) {
      if (method === "mfa") return true;
      const factor = typeof method === "string" ? factorOf.get(method) : undefined;
      if (factor !== undefined && first !== undefined && factor !== first) return true;
      first ??= factor;
    }
    return false;
  },
);

/** Callers whom one of these authenticators recognised: `jwt`, `api_key`, or the name that one was given. */
export function fromAuthenticator(
  first: string,
  ...rest: readonly string[]
): Guard<Pick<Principal, "authenticator">> {
  const all = [first, ...rest];
  if (all.some((name) => typeof name !== "string" || name === ""))
    throw new TypeError("fromAuthenticator() takes names that are not empty");
  const text = { title: `fromAuthenticator(${all.join(", ")})`, denialMessage: "Not with this credential" };
  return named(text, ({ authenticator }) => all.includes(authenticator));
}

/** Callers who belong to that tenant. */
export function inTenant(tenant: string): Guard<Pick<Principal, "tenantId">> {
  if (!isTenantId(tenant)) throw new TypeError("inTenant() takes the id of a tenant");
  return named({ title: `inTenant(${tenant})` }, ({ tenantId }) => tenantId === tenant);
}

/** Callers of the installation itself: those that belong to no tenant. */
export const ofInstallation: Guard<Pick<Principal, "tenantId">> = named(
  { title: "ofInstallation" },
  ({ tenantId }) => tenantId === undefined,
);

function quoted(permissions: readonly string[]): string {
  return permissions.map((permission) => `'${permission}'`).join(", ");
}

/** Whether a claim names a word: as a list, or in a text with spaces, which is not taken apart. */
function names(claim: unknown, word: string): boolean {
  if (Array.isArray(claim)) return claim.includes(word);
  if (typeof claim !== "string") return false;
  for (let at = claim.indexOf(word); at !== -1; at = claim.indexOf(word, at + 1)) {
    const end = at + word.length;
    if ((at === 0 || claim[at - 1] === " ") && (end === claim.length || claim[end] === " ")) return true;
  }
  return false;
}
