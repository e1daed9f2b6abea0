import { tenantOfRole } from "../core/tenant.ts";
import type { AuditEntry } from "./audit-contracts.ts";

/**
 * Where to look for the tenant that an audit row belongs to: it is known, or it is that of the first of these users who is
 * there. What is about nobody's account is its actor's.
 */
export type AuditOwner =
  | { readonly tenant: string | null }
  | { readonly userIds: readonly [string, ...string[]] };

export function auditOwner({ target, details, tenant }: AuditEntry, actor: string): AuditOwner {
  if (tenant !== undefined) return { tenant };
  const colon = target.indexOf(":");
  const [kind, id] = [target.slice(0, colon), target.slice(colon + 1)];
  if (kind === "tenant") return { tenant: id };
  if (kind === "role") return { tenant: tenantOfRole(id) ?? null };
  const about = kind === "user" ? id : details["userId"];
  return { userIds: about === undefined ? [actor] : [about, actor] };
}
