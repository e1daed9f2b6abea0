import { compilePermissions, type PermissionSet } from "../core/permission-set.ts";
import type { ApiKeyIdentity, Principal } from "../core/principal.ts";
import { isLimited, noClaims, noPermissions } from "../core/principal.ts";
import type { RoleDirectory } from "../core/role-directory.ts";
import type { UserAccount } from "../core/user.ts";
import { LimitedPermissions } from "./limited-permissions.ts";
import { NotedPermissions, type OnScopeUsed } from "./noted-permissions.ts";

/** What a credential adds to the account that it stands for. */
export interface CredentialFacts {
  readonly authenticator: string;
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly apiKey?: ApiKeyIdentity;
  readonly clientId?: string | undefined;
  readonly sessionId?: string | undefined;
  /** Hears which scopes of a key are of use. */
  readonly onScopeUsed?: OnScopeUsed | undefined;
}

/** The principal of an account that was read from its source. */
export function principalOf(
  account: UserAccount,
  facts: CredentialFacts,
  roles?: RoleDirectory | undefined,
): Principal {
  const { apiKey } = facts;
  const owned = rightsOf(roles, account.roles, account.permissions);
  const limits = apiKey === undefined ? undefined : notedLimits(apiKey, roles, facts.onScopeUsed);
  const isGranted = (flag: string): boolean => limits === undefined || apiKey?.scopes.includes(flag) === true;
  const permissions =
    limits === undefined
      ? owned
      : new LimitedPermissions({ limits, owned, isSuperuser: account.isSuperuser });
  return Object.freeze({
    userId: account.id,
    username: account.username,
    email: account.email,
    // A limited key passes as staff or superuser only if that was granted, and its owner is one now.
    isStaff: account.isStaff && isGranted("staff"),
    isSuperuser: account.isSuperuser && isGranted("superuser"),
    roles: limits === undefined ? account.roles : heldRoles(apiKey, permissions),
    permissions,
    authenticator: facts.authenticator,
    claims: facts.claims ?? noClaims,
    apiKey: apiKey === undefined || limits === undefined ? apiKey : Object.freeze({ ...apiKey, limits }),
    clientId: facts.clientId,
    sessionId: facts.sessionId,
    tenantId: account.tenantId,
  });
}

/** What roles and patterns give together; without a directory, roles give nothing. */
export function rightsOf(
  directory: RoleDirectory | undefined,
  roles: readonly string[],
  permissions: readonly string[],
): PermissionSet {
  return directory === undefined ? permissionSet(permissions) : directory.permissionsOf(roles, permissions);
}

/** A set of patterns; the shared empty one if there are none. */
export function permissionSet(permissions: readonly string[]): PermissionSet {
  return permissions.length === 0 ? noPermissions : compilePermissions(permissions);
}

/** Undefined for a key without limits. Its limits are judged by their names: a role that is gone still limits. */
function limitsOf(apiKey: ApiKeyIdentity, directory: RoleDirectory | undefined): PermissionSet | undefined {
  return isLimited(apiKey) ? rightsOf(directory, apiKey.roles ?? [], apiKey.scopes) : undefined;
}

function notedLimits(
  apiKey: ApiKeyIdentity,
  directory: RoleDirectory | undefined,
  onScopeUsed: OnScopeUsed | undefined,
): PermissionSet | undefined {
  const limits = limitsOf(apiKey, directory);
  if (limits === undefined || onScopeUsed === undefined || apiKey.scopes.length === 0) return limits;
  return new NotedPermissions({ limits, keyId: apiKey.id, scopes: apiKey.scopes, onScopeUsed });
}

function heldRoles(
  apiKey: ApiKeyIdentity | undefined,
  permissions: LimitedPermissions | PermissionSet,
): readonly string[] {
  return (apiKey?.roles ?? []).filter((role) => permissions.hasRole?.(role) === true);
}
