import type { CallAllowance } from "../core/call-allowance.ts";
import { type ApiKeyRecord, Conflict, type NewApiKey } from "./contracts.ts";
import { keptName } from "./fold-case.ts";
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
  readonly prefix: string;
  /** A JSON array of strings, like the next four. */
  readonly scopes: string;
  readonly roles: string;
  readonly address_ranges: string;
  readonly methods: string;
  readonly tags: string;
  /** A JSON array of `CallAllowance`. */
  readonly call_limits: string;
  readonly created_at: number;
  readonly updated_at: number | null;
  readonly expires_at: number | null;
  readonly disabled_at: number | null;
  readonly revoked_at: number | null;
  readonly revoked_reason: string | null;
  readonly revoked_by: string | null;
  readonly rotated_at: number | null;
  readonly grace_ends_at: number | null;
  readonly replaced_by: string | null;
  readonly replaces: string | null;
  readonly last_used_at: number | null;
  readonly last_used_address: string | null;
  readonly last_used_agent: string | null;
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
    prefix: row.prefix,
    scopes: texts(row.scopes),
    roles: texts(row.roles),
    addressRanges: texts(row.address_ranges),
    methods: texts(row.methods),
    callLimits: Object.freeze(JSON.parse(row.call_limits) as CallAllowance[]),
    tags: texts(row.tags),
    createdAt: new Date(Number(row.created_at)),
    updatedAt: toDate(row.updated_at),
    expiresAt: toDate(row.expires_at),
    disabledAt: toDate(row.disabled_at),
    revokedAt: toDate(row.revoked_at),
    revokedReason: row.revoked_reason ?? undefined,
    revokedBy: row.revoked_by ?? undefined,
    rotatedAt: toDate(row.rotated_at),
    graceEndsAt: toDate(row.grace_ends_at),
    replacedBy: row.replaced_by ?? undefined,
    replaces: row.replaces ?? undefined,
    lastUsedAt: toDate(row.last_used_at),
    lastUsedAddress: row.last_used_address ?? undefined,
    lastUsedAgent: row.last_used_agent ?? undefined,
    totalRequests: Number(row.total_requests),
    madeBy: row.made_by ?? undefined,
    tenantId: row.tenant ?? undefined,
  });
}

/** The row of a new key of somebody in that tenant. Throws `Conflict` on text that cannot be stored and `TypeError` on an invalid date. */
export function newApiKeyRow(key: NewApiKey, now: number, tenant: string | null): ApiKeyRow {
  for (const field of [
    "id",
    "name",
    "description",
    "type",
    "pepperId",
    "prefix",
    "madeBy",
    "createdBy",
  ] as const) {
    requireStorableText(field, key[field]);
  }
  return {
    id: key.id,
    name: keptName(key.name),
    description: key.description ?? "",
    type: key.type,
    user_id: key.userId,
    digest: Uint8Array.from(key.digest),
    pepper_id: key.pepperId,
    prefix: key.prefix ?? "",
    scopes: listText("scopes", key.scopes ?? []),
    roles: listText("roles", key.roles ?? []),
    address_ranges: listText("addressRanges", key.addressRanges ?? []),
    methods: listText("methods", key.methods ?? []),
    tags: listText("tags", key.tags ?? []),
    call_limits: JSON.stringify(key.callLimits ?? []),
    created_at: now,
    updated_at: null,
    expires_at: instantOf("expiresAt", key.expiresAt) ?? null,
    disabled_at: null,
    revoked_at: null,
    revoked_reason: null,
    revoked_by: null,
    rotated_at: null,
    grace_ends_at: null,
    replaced_by: null,
    replaces: null,
    last_used_at: null,
    last_used_address: null,
    last_used_agent: null,
    total_requests: 0,
    made_by: key.madeBy ?? null,
    tenant,
  };
}

/** A JSON array. Throws `Conflict` on a text in it that cannot be stored. */
export function listText(field: string, list: readonly string[]): string {
  for (const text of list) requireStorableText(field, text);
  return JSON.stringify(list);
}

/** Milliseconds since the epoch. Throws `TypeError` for a date that is none. */
export function instantOf(field: string, date: Date | undefined): number | undefined {
  const at = date?.getTime();
  if (Number.isNaN(at)) throw new TypeError(`${field} is not a valid date`);
  return at;
}

/** A key that is revoked makes no more keys, even if it was good when it asked. */
export function makerRevoked(): Conflict {
  return new Conflict("madeBy", "the key that makes it is revoked");
}

export function nameTaken(): Conflict {
  return new Conflict("name", "another key of this user has this name");
}

export function idTaken(): Conflict {
  return new Conflict("id", "this id is in use");
}

function texts(json: string): readonly string[] {
  return Object.freeze(JSON.parse(json) as string[]);
}
