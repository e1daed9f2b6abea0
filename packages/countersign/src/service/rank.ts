import { beyond } from "../core/permission-set.ts";
import { isLimited, type Principal, permissionsOf } from "../core/principal.ts";
import { Refusal } from "../core/refusal.ts";
import type { RoleDirectory } from "../core/role-directory.ts";
import type { UserAccount } from "../core/user.ts";

/** Rights that an account has, or is about to get. */
export type Rights = Pick<UserAccount, "isStaff" | "isSuperuser" | "roles" | "permissions">;

/** Where the permissions of roles are looked up. */
export type Roles = Pick<RoleDirectory, "permissionsOf">;

/**
 * Refuses to touch an account, or to grant rights, beyond the caller's own: whoever may manage accounts could
 * otherwise take over one that may do more.
 */
export function requireRank(caller: Principal, rights: Rights, roles: Roles): void {
  if (isUnlimited(caller)) return;
  const higher = (rights.isSuperuser && !caller.isSuperuser) || (rights.isStaff && !mayBeStaff(caller));
  if (higher || beyond(permissionsOf(caller), roles.permissionsOf(rights.roles, rights.permissions))) {
    throw new Refusal("PERMISSION_DENIED", { message: "That account may do more than you may" });
  }
}

/** Refuses to hand out, or to change, what the caller does not hold. */
export function requireHeld(caller: Principal, permissions: Iterable<string>): void {
  if (isUnlimited(caller) || beyond(permissionsOf(caller), permissions) === undefined) return;
  throw new Refusal("PERMISSION_DENIED", { message: "That role may do more than you may" });
}

/** A superuser who did not come with a limited key. What is denied to superusers, they can lift. */
function isUnlimited({ isSuperuser, apiKey }: Principal): boolean {
  return isSuperuser && (apiKey === undefined || !isLimited(apiKey));
}

function mayBeStaff({ isStaff, isSuperuser }: Principal): boolean {
  return isStaff || isSuperuser;
}
