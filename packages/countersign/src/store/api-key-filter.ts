import type { ApiKeyQuery } from "./api-key-contracts.ts";
import { type ApiKeyRow, toApiKeyRecord } from "./api-key-row.ts";
import { apiKeyStatus } from "./api-key-status.ts";
import { keptName } from "./fold-case.ts";

/** Without regard to the case of ASCII letters, as every database does it. */
export function lowerAscii(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

/** Does the list that a query asks for have this key? Its position is not looked at. */
export function isListed(row: ApiKeyRow, query: Omit<ApiKeyQuery, "limit" | "after">): boolean {
  const { userId, status, type, tag, text, expiringBefore, unusedSince, madeBy, tenantId, now } = query;
  const key = toApiKeyRecord(row);
  return (
    (userId === undefined || key.userId === userId) &&
    (status === undefined || apiKeyStatus(key, now) === status) &&
    (type === undefined || key.type === type) &&
    (tag === undefined || key.tags.includes(tag)) &&
    (text === undefined || isNamed(row, text)) &&
    (expiringBefore === undefined || endsBetween(row, now.getTime(), expiringBefore.getTime())) &&
    (unusedSince === undefined || isUnusedSince(row, unusedSince.getTime())) &&
    (madeBy === undefined || key.madeBy === madeBy) &&
    (tenantId === undefined || (row.tenant ?? "") === tenantId)
  );
}

function isNamed({ name, id, prefix }: ApiKeyRow, text: string): boolean {
  return (
    lowerAscii(name).includes(lowerAscii(keptName(text))) || id.startsWith(text) || prefix.startsWith(text)
  );
}

function endsBetween(
  { revoked_at, grace_ends_at, expires_at }: ApiKeyRow,
  from: number,
  until: number,
): boolean {
  const end = grace_ends_at ?? expires_at;
  return revoked_at === null && end !== null && end > from && end < until;
}

function isUnusedSince({ created_at, last_used_at }: ApiKeyRow, since: number): boolean {
  return created_at < since && (last_used_at ?? 0) < since;
}
