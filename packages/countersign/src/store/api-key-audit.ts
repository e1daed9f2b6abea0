import type { ApiKeyRow } from "./api-key-row.ts";
import type { AuditEntry } from "./audit-contracts.ts";
import { changedValues, filledValues } from "./changed-values.ts";

/** The audit row of a new key. */
export function apiKeyCreated(row: ApiKeyRow): AuditEntry {
  return { ...aboutKey(row), action: "key.created", details: {}, after: filledValues(valuesOf(row)) };
}

/** The audit row of a change of a key. */
export function apiKeyChanged(before: ApiKeyRow, after: ApiKeyRow): AuditEntry {
  const change = changedValues(valuesOf(before), valuesOf(after));
  const about = { ...aboutKey(after), ...change };
  if (before.revoked_at === null && after.revoked_at !== null) {
    const details = { reason: after.revoked_reason ?? "" };
    return { ...about, actor: after.revoked_by ?? undefined, action: "key.revoked", details };
  }
  if ((before.disabled_at === null) === (after.disabled_at === null))
    return { ...about, action: "key.updated", details: {} };
  return { ...about, action: after.disabled_at === null ? "key.enabled" : "key.disabled", details: {} };
}

function aboutKey({ id, user_id }: ApiKeyRow): Pick<AuditEntry, "target" | "related"> {
  return { target: `key:${id}`, related: `user:${user_id}` };
}

/** Without the digest, and without what is counted. */
function valuesOf(row: ApiKeyRow): Readonly<Record<string, string>> {
  return {
    name: row.name,
    description: row.description,
    type: row.type,
    user: row.user_id,
    scopes: row.scopes,
    roles: row.roles,
    pepper: row.pepper_id,
    madeBy: row.made_by ?? "",
    expiresAt: instant(row.expires_at),
    disabledAt: instant(row.disabled_at),
    revokedAt: instant(row.revoked_at),
  };
}

function instant(at: number | null): string {
  return at === null ? "" : new Date(Number(at)).toISOString();
}
