import type { ApiKeyRow } from "./api-key-row.ts";
import type { AuditEntry } from "./audit-contracts.ts";
import { changedValues, filledValues } from "./changed-values.ts";

type Values = Readonly<Record<string, string>>;

/** The audit row of a new key. `by`: default as in `AuditEntry.actor`. */
export function keyCreated(
  action: "key.created" | "key.imported",
  row: ApiKeyRow,
  by: string | undefined,
): AuditEntry {
  return { actor: by, action, ...aboutKey(row), details: {}, after: filledValues(valuesOf(row)) };
}

/** The audit row of a change of a key. */
export function keyChanged(
  action: "key.updated" | "key.rotated" | "key.revoked" | "key.disabled" | "key.enabled",
  { before, after }: { readonly before: ApiKeyRow; readonly after: ApiKeyRow },
  by: string | undefined,
  details: Values = {},
): AuditEntry {
  const changed = changedValues(valuesOf(before), valuesOf(after));
  return { actor: by, action, ...aboutKey(after), details: { name: after.name, ...details }, ...changed };
}

/** The audit row of a key that somebody has got by a link: whoever has the link is nobody that is known. */
export function keyRevealed(row: ApiKeyRow, address: string | undefined): AuditEntry {
  const details = { name: row.name, address: address ?? "" };
  return { actor: "link", action: "key.revealed", ...aboutKey(row), details };
}

function aboutKey({ id, user_id, tenant }: ApiKeyRow): Pick<AuditEntry, "target" | "related" | "tenant"> {
  return { target: `key:${id}`, related: `user:${user_id}`, tenant };
}

/** Without the digest, and without what is counted. */
function valuesOf(row: ApiKeyRow): Values {
  return {
    name: row.name,
    description: row.description,
    type: row.type,
    user: row.user_id,
    tags: row.tags,
    scopes: row.scopes,
    roles: row.roles,
    addressRanges: row.address_ranges,
    methods: row.methods,
    callLimits: row.call_limits,
    pepper: row.pepper_id,
    madeBy: row.made_by ?? "",
    expiresAt: instant(row.expires_at),
    disabledAt: instant(row.disabled_at),
    revokedAt: instant(row.revoked_at),
    rotatedAt: instant(row.rotated_at),
    graceEndsAt: instant(row.grace_ends_at),
    replacedBy: row.replaced_by ?? "",
    replaces: row.replaces ?? "",
  };
}

function instant(at: number | null): string {
  return at === null ? "" : new Date(Number(at)).toISOString();
}
