import { invalidArgument } from "../core/call-error.ts";
import { Refusal } from "../core/refusal.ts";
import { isTenantId, type Tenanted, tenantOfRole } from "../core/tenant.ts";

/*
 * Who may know of what. Callers of the installation know of everything that their permissions allow; callers in a tenant of
 * what is their tenant's, and to them everything else is as good as absent: a service asks here before it looks at anything
 * else, and then has nothing to refuse.
 */

/** May this caller know of the record? An anonymous one only of what is the installation's own. */
export function isVisibleTo(caller: Tenanted | undefined, record: Tenanted): boolean {
  if (caller === undefined) return record.tenantId === undefined;
  return caller.tenantId === undefined || caller.tenantId === record.tenantId;
}

/** The record, if the caller may know of it. */
export function visibleTo<R extends Tenanted>(
  caller: Tenanted | undefined,
  record: R | undefined,
): R | undefined {
  return record !== undefined && isVisibleTo(caller, record) ? record : undefined;
}

/** What no tenant is called: lists are empty but for what is everybody's. */
const noTenant = "/";

/**
 * The tenant that a list is kept to, as queries of stores have it. `asked`: what the caller wants to see, and undefined for
 * all that there is to see.
 */
export function tenantToList(caller: Tenanted | undefined, asked?: string): string | undefined {
  if (caller === undefined) return "";
  if (caller.tenantId === undefined) return asked;
  return asked === undefined || asked === caller.tenantId ? caller.tenantId : noTenant;
}

/** The tenant of what the caller makes. The empty text: the caller's own. Another one's is told like one that is not there. */
export function tenantOfNew(caller: Tenanted, asked: string): string | undefined {
  if (asked === "") return caller.tenantId;
  if (isTenantId(asked) && (caller.tenantId === undefined || caller.tenantId === asked)) return asked;
  throw invalidArgument({ field: "tenant", description: "there is no such tenant" });
}

/** Refuses to let a role be changed by a tenant that may only read and assign it. */
export function requireOwnRole(caller: Tenanted, role: string): void {
  if (caller.tenantId === undefined || tenantOfRole(role) === caller.tenantId) return;
  throw new Refusal("PERMISSION_DENIED", { message: "That role is the installation's" });
}
