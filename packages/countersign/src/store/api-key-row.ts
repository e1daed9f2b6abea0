import { type ApiKeyRecord, Conflict, type NewApiKey } from "./contracts.ts";
import { requireStorableText } from "./storable-text.ts";
import { toDate } from "./stored-date.ts";

/** An API key as every store keeps it: one row of the table `api_keys`. Instants are milliseconds since the epoch. */
export interface ApiKeyRow {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly type: string;
  readonly user_id: string;
  readonly digest: Uint8Array;
  readonly pepper_id: string;
  /** A JSON array of strings. */
  readonly scopes: string;
  /** A JSON array of strings. */
  readonly roles: string;
  readonly created_at: number;
  readonly expires_at: number | null;
  readonly disabled_at: number | null;
  readonly revoked_at: number | null;
  readonly revoked_reason: string | null;
  readonly revoked_by: string | null;
  readonly last_used_at: number | null;
  readonly total_requests: number;
  readonly made_by: string | null;
  /** The tenant of its user. */
  readonly tenant: string | null;
}

/** A fresh frozen record: nothing in it is shared with the store. */
export function toApiKeyRecord(row: ApiKeyRow): ApiKeyRecord {
  return Object.freeze({
    id: row.id,
    name: row.name,
    description: row.description,
    type: row.type,
    userId: row.user_id,
    digest: Uint8Array.from(row.digest),
    pepperId: row.pepper_id,
    scopes: Object.freeze(JSON.parse(row.scopes) as string[]),
    roles: Object.freeze(JSON.parse(row.roles) as string[]),
    createdAt: new Date(Number(row.created_at)),
    expiresAt: toDate(row.expires_at),
    disabledAt: toDate(row.disabled_at),
    revokedAt: toDate(row.revoked_at),
    revokedReason: row.revoked_reason ?? undefined,
    revokedBy: row.revoked_by ?? undefined,
    lastUsedAt: toDate(row.last_used_at),
    totalRequests: Number(row.total_requests),
    madeBy: row.made_by ?? undefined,
    tenantId: row.tenant ?? undefined,
  });
}

/** The row of a new key of somebody in that tenant. Throws `Conflict` on text that cannot be stored and `TypeError` on an invalid date. */
export function newApiKeyRow(key: NewApiKey, now: number, tenant: string | null): ApiKeyRow {
  for (const field of ["id", "name", "description", "type", "pepperId", "madeBy"] as const) {
    requireStorableText(field, key[field]);
  }
  const expiresAt = key.expiresAt?.getTime();
  if (Number.isNaN(expiresAt)) throw new TypeError("expiresAt is not a valid date");
  return {
    id: key.id,
    name: key.name,
    description: key.description ?? "",
    type: key.type,
    user_id: key.userId,
    digest: Uint8Array.from(key.digest),
    pepper_id: key.pepperId,
    scopes: JSON.stringify(key.scopes ?? []),
    roles: JSON.stringify(key.roles ?? []),
    created_at: now,
    expires_at: expiresAt ?? null,
    disabled_at: null,
    revoked_at: null,
    revoked_reason: null,
    revoked_by: null,
    last_used_at: null,
    total_requests: 0,
    made_by: key.madeBy ?? null,
    tenant,
  };
}

/** A key that is revoked makes no more keys, even if it was good when it asked. */
export function makerRevoked(): Conflict {
  return new Conflict("madeBy", "the key that makes it is revoked");
}
