import type { ApiKeyIdentity, PermissionSet, Principal } from "../core/principal.ts";
import { noClaims, noPermissions } from "../core/principal.ts";
import type { UserAccount } from "../core/user.ts";

/** What a credential adds to the account that it stands for. */
export interface CredentialFacts {
  readonly authenticator: string;
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly apiKey?: ApiKeyIdentity;
  readonly clientId?: string | undefined;
  readonly sessionId?: string | undefined;
}

/** The principal of an account that was read from its source. */
export function principalOf(account: UserAccount, facts: CredentialFacts): Principal {
  const { apiKey } = facts;
  const scoped = apiKey !== undefined && apiKey.scopes.length > 0;
  return Object.freeze({
    userId: account.id,
    username: account.username,
    email: account.email,
    // A scoped key passes as staff or superuser only if that was granted, and its owner is one now.
    isStaff: account.isStaff && (!scoped || apiKey.scopes.includes("staff")),
    isSuperuser: account.isSuperuser && (!scoped || apiKey.scopes.includes("superuser")),
    roles: account.roles,
    permissions: scoped ? scopedPermissions(account, apiKey.scopes) : permissionSet(account.permissions),
    authenticator: facts.authenticator,
    claims: facts.claims ?? noClaims,
    apiKey,
    clientId: facts.clientId,
    sessionId: facts.sessionId,
  });
}

/** A set of permissions; the shared empty one if there are none. */
export function permissionSet(permissions: readonly string[]): PermissionSet {
  return permissions.length === 0 ? noPermissions : new Set(permissions);
}

/** What the scopes name and the owner holds now: a key never does more than its owner can. */
function scopedPermissions(account: UserAccount, scopes: readonly string[]): PermissionSet {
  if (account.isSuperuser) return permissionSet(scopes);
  const held = new Set(account.permissions);
  return permissionSet(scopes.filter((scope) => held.has(scope)));
}
