import type { CallLimit } from "./limit.ts";
import { compilePermissions, meetOfLists, type PermissionSet } from "./permission-set.ts";
import { isForTenants } from "./tenant.ts";

/** The API key that a call came with: the record, never the secret. */
export interface ApiKeyIdentity {
  /** The public part of the key. */
  readonly id: string;
  readonly name: string;
  /** `service`, `cli`, `webhook`, `internal`, `development`, or `static` for a key from configuration. */
  readonly type: string;
  /** The permissions that the key was limited to; without these and without roles it has its owner's, except those that begin `auth.`. */
  readonly scopes: readonly string[];
  /** The roles that the key was limited to. */
  readonly roles?: readonly string[] | undefined;
  /** What scopes and roles stand for, live; absent for a key without either. */
  readonly limits?: PermissionSet | undefined;
  /** How often it may be used, beside what is configured for all: the same array for as long as the key is the same. */
  readonly callLimits?: readonly CallLimit[] | undefined;
}

/** Who is calling. Built by an authenticator, kept on the server's side, never written to metadata or headers. */
export interface Principal {
  /** A decimal string in the program; any stable string in a library without a store. */
  readonly userId: string;
  readonly username: string | undefined;
  readonly email: string | undefined;
  readonly isStaff: boolean;
  readonly isSuperuser: boolean;
  /** Those that were assigned by name. What they inherit counts too: ask `holdsRole()`. */
  readonly roles: readonly string[];
  readonly permissions: PermissionSet;
  /** `jwt`, `api_key`, or the name that an authenticator was given. */
  readonly authenticator: string;
  /** The verified claims of a token; empty for every other credential. */
  readonly claims: Readonly<Record<string, unknown>>;
  readonly apiKey: ApiKeyIdentity | undefined;
  /** The program that calls on the user's behalf: an API key's id, or a token's `client_id`. */
  readonly clientId: string | undefined;
  /** The session of ours that the token belongs to. Another issuer's `sid` is none of ours, and stays a claim. */
  readonly sessionId?: string | undefined;
  /** The tenant that the caller belongs to; absent or undefined for callers of the installation itself. */
  readonly tenantId?: string | undefined;
}

/** No permission at all, shared by every principal that has none. */
export const noPermissions: PermissionSet = Object.freeze({
  has: () => false,
  [Symbol.iterator]: () => [][Symbol.iterator](),
});

/** Claims of a credential that has none. */
export const noClaims: Readonly<Record<string, unknown>> = Object.freeze({});

/**
 * May this principal do `permission`? A superuser may do everything that is not denied. A key may do what its scopes
 * and roles name; without either it has its owner's rights, except managing keys and accounts (permissions that begin
 * with `auth.`). Nobody in a tenant, its superusers included, may do what concerns the whole installation.
 */
export function grants(principal: Principal, permission: string): boolean {
  const { apiKey, permissions, tenantId } = principal;
  if (tenantId !== undefined && !isForTenants(permission)) return false;
  if (apiKey !== undefined && !keyCovers(apiKey, permission)) return false;
  return principal.isSuperuser ? permissions.denies?.(permission) !== true : permissions.has(permission);
}

/** Was the key limited, to whatever it is? */
export function isLimited({ scopes, roles = [] }: ApiKeyIdentity): boolean {
  return scopes.length > 0 || roles.length > 0;
}

/** Do a key's scopes and roles name this permission? Not for a key without either: nothing is named. */
export function keyNames(apiKey: ApiKeyIdentity, permission: string): boolean {
  return limitsOf(apiKey)?.has(permission) === true;
}

/** Does this principal hold the role, by assignment or by inheritance? A superuser needs it like anyone else. */
export function holdsRole(
  { roles, permissions }: Pick<Principal, "roles" | "permissions">,
  role: string,
): boolean {
  return permissions.hasRole === undefined ? roles.includes(role) : permissions.hasRole(role);
}

/** All that a principal may do, as patterns; denials last. For a superuser `**`. */
export function permissionsOf({ apiKey, permissions, isSuperuser }: Principal): readonly string[] {
  const all = [...permissions];
  const limits = apiKey === undefined ? undefined : limitsOf(apiKey);
  const held = isSuperuser ? ["**", ...all.filter((text) => text.startsWith("!"))] : all;
  if (limits !== undefined) return [...meetOfLists(held, limits)];
  return apiKey === undefined ? held : held.filter((text) => !text.startsWith(managing));
}

/** What begins with it manages keys and accounts. */
const managing = "auth.";

function keyCovers(apiKey: ApiKeyIdentity, permission: string): boolean {
  const limits = limitsOf(apiKey);
  return limits === undefined ? !permission.startsWith(managing) : limits.has(permission);
}

/** Scopes of keys that somebody else's authenticator made. */
const compiledScopes = new WeakMap<readonly string[], PermissionSet>();

function limitsOf(apiKey: ApiKeyIdentity): PermissionSet | undefined {
  const { limits, scopes } = apiKey;
  if (limits !== undefined || !isLimited(apiKey)) return limits;
  const known = compiledScopes.get(scopes) ?? compilePermissions(scopes);
  compiledScopes.set(scopes, known);
  return known;
}
