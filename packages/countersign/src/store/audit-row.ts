import type { AuditEntry, AuditFilter, AuditOrigin, AuditRecord } from "./audit-contracts.ts";
import { isStorableText, requireStorableText } from "./storable-text.ts";

/** An audit record as every store keeps it: one row of the table `audit_log`. Nothing changes or removes one. */
export interface AuditRow extends AuditContent {
  /** See `AuditRecord.hash`. */
  readonly hash: string;
  /** `KEY-ID:HMAC` in hexadecimal digits. */
  readonly seal: string | null;
}

/** What is hashed of a row. JSON is kept as the text that was written. */
export interface AuditContent {
  readonly sequence: number;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly actor: string;
  readonly action: string;
  readonly target: string;
  /** A JSON object of strings. */
  readonly details: string;
  readonly related: string | null;
  /** A JSON object of strings. */
  readonly old_values: string | null;
  /** A JSON object of strings. */
  readonly new_values: string | null;
  readonly api_key: string | null;
  readonly authenticator: string | null;
  readonly address: string | null;
  readonly request_id: string | null;
  readonly tenant: string | null;
}

type Texts = Readonly<Record<string, string>>;

/** A fresh frozen record: nothing in it is shared with the store. */
export function toAuditRecord(row: AuditRow): AuditRecord {
  const { actor, action, target, hash } = row;
  return Object.freeze({
    sequence: Number(row.sequence),
    at: new Date(Number(row.at)),
    ...{ actor, action, target, hash },
    related: row.related ?? undefined,
    details: texts(row.details),
    before: row.old_values === null ? undefined : texts(row.old_values),
    after: row.new_values === null ? undefined : texts(row.new_values),
    origin: originOf(row),
    ...(row.tenant !== null && { tenantId: row.tenant }),
    sealedWith: row.seal?.split(":", 1)[0],
  });
}

/** The row without the number and the tenant that the store gives it. Throws `Conflict` on text that cannot be stored. */
export function newAuditRow(
  entry: AuditEntry,
  now: number,
  origin: AuditOrigin = {},
): Omit<AuditContent, "sequence" | "tenant"> {
  const actor = entry.actor ?? origin.actor ?? "system";
  const { action, target, related } = entry;
  for (const [field, text] of Object.entries({ actor, action, target, related }))
    requireStorableText(field, text);
  return {
    at: now,
    ...{ actor, action, target },
    details: JSON.stringify(entry.details),
    related: related ?? null,
    old_values: entry.before === undefined ? null : JSON.stringify(entry.before),
    new_values: entry.after === undefined ? null : JSON.stringify(entry.after),
    api_key: storable(origin.apiKeyId),
    authenticator: storable(origin.authenticator),
    address: storable(origin.address),
    request_id: storable(origin.requestId),
  };
}

/** Whether a row is among those that are asked for. SQL says the same. */
export function passesAuditFilter(row: AuditContent, filter: AuditFilter): boolean {
  const { actor, apiKeyId, action, target, since, until, text, tenantId } = filter;
  if (tenantId !== undefined && row.tenant !== tenantId) return false;
  if (actor !== undefined && row.actor !== actor) return false;
  if (apiKeyId !== undefined && row.api_key !== apiKeyId) return false;
  if (action !== undefined && row.action !== action) return false;
  if (target !== undefined && row.target !== target && row.related !== target) return false;
  if (since !== undefined && row.at < since.getTime()) return false;
  if (until !== undefined && row.at >= until.getTime()) return false;
  return text === undefined || searched.some((column) => row[column]?.includes(text) === true);
}

/** Where text is looked for. */
export const searched = [
  "action",
  "target",
  "related",
  "details",
  "old_values",
  "new_values",
  "address",
  "request_id",
] as const satisfies readonly (keyof AuditContent)[];

/** Does any text of a filter hold what no row can? */
export function isStorableFilter(filter: AuditFilter): boolean {
  const { actor, apiKeyId, action, target, text, tenantId } = filter;
  return [actor, apiKeyId, action, target, text, tenantId].every((part) => isStorableText(part ?? ""));
}

function originOf({ api_key, authenticator, address, request_id }: AuditContent): AuditOrigin {
  return Object.freeze({
    ...(api_key !== null && { apiKeyId: api_key }),
    ...(authenticator !== null && { authenticator }),
    ...(address !== null && { address }),
    ...(request_id !== null && { requestId: request_id }),
  });
}

/** What comes with a call must not keep a change from being made: what cannot be stored is left out. */
function storable(text: string | undefined): string | null {
  return text !== undefined && isStorableText(text) ? text.slice(0, 256).toWellFormed() : null;
}

function texts(json: string): Texts {
  return Object.freeze(JSON.parse(json) as Record<string, string>);
}
