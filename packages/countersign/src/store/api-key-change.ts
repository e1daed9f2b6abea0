import type { ApiKeyPatch, ApiKeyRotation, NewApiKey } from "./api-key-contracts.ts";
import { type ApiKeyRow, instantOf, listText, newApiKeyRow, toApiKeyRecord } from "./api-key-row.ts";
import { apiKeyStatus } from "./api-key-status.ts";
import { Conflict } from "./contracts.ts";
import { keptName } from "./fold-case.ts";
import { requireStorableText } from "./storable-text.ts";

/** Columns to be written. */
export type ApiKeyEdit = Partial<Omit<ApiKeyRow, "user_id">>;

/** Is its end behind it, one way or the other? */
export function isRevoked(row: ApiKeyRow, now: number): boolean {
  return apiKeyStatus(toApiKeyRecord(row), new Date(now)) === "revoked";
}

/** What revoking a key writes. Undefined for one that is revoked already. */
export function revocationOf(
  row: ApiKeyRow,
  { reason, by }: { readonly reason: string; readonly by: string },
  now: number,
): ApiKeyEdit | undefined {
  return isRevoked(row, now) ? undefined : { revoked_at: now, revoked_reason: reason, revoked_by: by };
}

/** What a patch writes: no columns for one that changes nothing. Throws `Conflict` as `ApiKeyStore.update()` does. */
export function editOf(row: ApiKeyRow, patch: ApiKeyPatch, now: number): ApiKeyEdit {
  for (const field of ["name", "description", "type"] as const) requireStorableText(field, patch[field]);
  if (isRevoked(row, now)) throw new Conflict("id", "a key that is revoked is not changed any more");
  const { expiresAt } = patch;
  if (expiresAt !== undefined) requireMovableEnd(row, now);
  const list = (field: "scopes" | "roles" | "addressRanges" | "methods" | "tags"): string | undefined => {
    const texts = patch[field];
    return texts === undefined ? undefined : listText(field, texts);
  };
  const wanted = {
    name: patch.name === undefined ? undefined : keptName(patch.name),
    description: patch.description,
    type: patch.type,
    scopes: list("scopes"),
    roles: list("roles"),
    address_ranges: list("addressRanges"),
    methods: list("methods"),
    tags: list("tags"),
    call_limits: patch.callLimits === undefined ? undefined : JSON.stringify(patch.callLimits),
    expires_at: expiresAt === "never" ? null : instantOf("expiresAt", expiresAt),
  };
  // PostgreSQL gives 64-bit columns as text.
  const before = { ...row, expires_at: row.expires_at === null ? null : Number(row.expires_at) };
  const changed = Object.entries(wanted).filter(
    ([column, value]) => value !== undefined && value !== before[column as keyof ApiKeyRow],
  );
  return changed.length === 0 ? {} : { ...(Object.fromEntries(changed) as ApiKeyEdit), updated_at: now };
}

function requireMovableEnd(row: ApiKeyRow, now: number): void {
  if (row.replaced_by !== null)
    throw new Conflict("expiresAt", "another key has taken its place: its end can only come sooner");
  if (row.expires_at !== null && Number(row.expires_at) <= now)
    throw new Conflict("expiresAt", "a key that has expired stays so: make a new one");
}

/** Both rows of a rotation. Throws `Conflict` on `id` for a key that cannot be rotated. */
export function rotationOf(
  row: ApiKeyRow,
  rotation: ApiKeyRotation,
  now: number,
): { readonly created: ApiKeyRow; readonly edit: ApiKeyEdit } {
  requireStorableText("by", rotation.by);
  const old = toApiKeyRecord(row);
  const status = apiKeyStatus(old, new Date(now));
  if (status !== "active") throw new Conflict("id", `a key that is ${status} is not rotated`);
  if (old.replacedBy !== undefined)
    throw new Conflict("id", `it was rotated already: rotate ${old.replacedBy}`);
  const { graceEndsAt, by: _by, link: _link, ...made } = rotation;
  const { name, description, type, userId, tags, scopes, roles, addressRanges, methods, callLimits } = old;
  const key: NewApiKey = {
    ...{ name, description, type, userId, tags, scopes, roles, addressRanges, methods, callLimits },
    ...made,
  };
  // A name from before names were kept in NFC stays: another key may have the kept form by now.
  const created = { ...newApiKeyRow(key, now, row.tenant), name: row.name, replaces: old.id };
  const end = Math.min(
    instantOf("graceEndsAt", graceEndsAt) ?? now,
    old.expiresAt?.getTime() ?? Number.POSITIVE_INFINITY,
  );
  const over = end <= now;
  return {
    created,
    edit: {
      rotated_at: now,
      grace_ends_at: Math.max(end, now),
      replaced_by: created.id,
      revoked_reason: "rotated",
      revoked_by: rotation.by,
      ...(over && { revoked_at: now }),
    },
  };
}
