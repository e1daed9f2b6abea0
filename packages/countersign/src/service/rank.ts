import { grants, type Principal } from "../core/principal.ts";
import { Refusal } from "../core/refusal.ts";
import type { UserAccount } from "../core/user.ts";

/** Rights that an account has, or is about to get. */
export type Rights = Pick<UserAccount, "isStaff" | "isSuperuser" | "permissions">;

/**
 * Refuses to touch an account, or to grant rights, beyond the caller's own: whoever may manage accounts could
 * otherwise take over one that may do more.
 */
export function requireRank(caller: Principal, rights: Rights): void {
  if (caller.isSuperuser) return;
  const beyond =
    rights.isSuperuser ||
    (rights.isStaff && !caller.isStaff) ||
    rights.permissions.some((permission) => !grants(caller, permission));
  if (beyond) throw new Refusal("PERMISSION_DENIED", { message: "That account may do more than you may" });
}
