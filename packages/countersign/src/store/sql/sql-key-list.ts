import { type ExpressionBuilder, sql } from "kysely";
import type { ApiKeyQuery, ApiKeyRecord, ApiKeyStatus } from "../api-key-contracts.ts";
import { lowerAscii } from "../api-key-filter.ts";
import { newestKeysFirst, orderExpressions, placeOf } from "../api-key-order.ts";
import { toApiKeyRecord } from "../api-key-row.ts";
import { keptName } from "../fold-case.ts";
import { pageLimit } from "../page-limit.ts";
import { isStorableText } from "../storable-text.ts";
import { parseUserId } from "../user-id.ts";
import type { SqlBackend } from "./sql-backend.ts";
import { selectKeys } from "./sql-key-rows.ts";
import type { SqlSchema } from "./sql-schema.ts";
import { ofTenant } from "./tenant-filter.ts";

/** `ApiKeyStore.list()`: `isListed()` in SQL. */
export async function listKeys(backend: SqlBackend, query: ApiKeyQuery): Promise<readonly ApiKeyRecord[]> {
  const { userId, madeBy, tenantId, type, tag, text, after } = query;
  for (const part of [madeBy, tenantId, type, tag, text, after?.id, after?.name])
    if (part !== undefined && !isStorableText(part)) return [];
  const owner = userId === undefined ? undefined : parseUserId(userId);
  if (userId !== undefined && owner === undefined) return [];
  let keys = selectKeys(backend.reader);
  if (query.ids !== undefined) {
    const ids = query.ids.filter(isStorableText);
    if (ids.length === 0) return [];
    keys = keys.where("api_keys.id", "in", ids);
  }
  if (owner !== undefined) keys = keys.where("user_id", "=", owner);
  if (tenantId !== undefined) keys = keys.where((eb) => ofTenant(eb, tenantId));
  if (madeBy !== undefined) keys = keys.where("made_by", "=", madeBy);
  if (type !== undefined) keys = keys.where("type", "=", type);
  const position = sql.raw(backend.words.position);
  // What tags are made of needs no escapes in JSON.
  if (tag !== undefined) keys = keys.where(sql<boolean>`${position}(tags, ${JSON.stringify(tag)}) > 0`);
  if (text !== undefined)
    keys = keys.where(
      sql<boolean>`(${position}(lower(name), ${lowerAscii(keptName(text))}) > 0 or ${position}(id, ${text}) = 1 or ${position}(prefix, ${text}) = 1)`,
    );
  keys = keys.where((eb) => eb.and(conditions(eb, query)));
  return (await inOrder(keys, query)).map(toApiKeyRecord);
}

/**
 * From a position on, those that stand at the same place come first, and then what follows: each is one search in an index. Both at once
 * would be a comparison of pairs, for which SQLite reads an index on an expression from its beginning.
 */
async function inOrder(keys: KeySelection, { limit, after, sort = newestKeysFirst }: ApiKeyQuery) {
  const most = pageLimit(limit);
  const place = sql<string | number>`${sql.raw(orderExpressions[sort.by])}`;
  const direction = sort.descending ? "desc" : "asc";
  const beyond = sort.descending ? "<" : ">";
  const ordered = keys.orderBy(place, direction).orderBy("api_keys.id", direction);
  if (after === undefined) return ordered.limit(most).execute();
  const from = placeOf(after, sort.by);
  const beside = await keys
    .where(place, "=", from)
    .where("api_keys.id", beyond, after.id)
    .orderBy("api_keys.id", direction)
    .limit(most)
    .execute();
  if (beside.length === most) return beside;
  const rest = await ordered
    .where(place, beyond, from)
    .limit(most - beside.length)
    .execute();
  return [...beside, ...rest];
}

type KeySelection = ReturnType<typeof selectKeys>;
type Keys = ExpressionBuilder<SqlSchema, "api_keys">;

function conditions(eb: Keys, { status, expiringBefore, unusedSince, now }: ApiKeyQuery) {
  const all = [];
  if (status !== undefined) all.push(hasStatus(eb, status, now.getTime()));
  if (expiringBefore !== undefined) {
    const end = sql<number>`coalesce(grace_ends_at, expires_at)`;
    all.push(
      eb("revoked_at", "is", null),
      eb(end, ">", now.getTime()),
      eb(end, "<", expiringBefore.getTime()),
    );
  }
  if (unusedSince !== undefined) {
    const since = unusedSince.getTime();
    all.push(
      eb("created_at", "<", since),
      eb.or([eb("last_used_at", "is", null), eb("last_used_at", "<", since)]),
    );
  }
  return all;
}

/** `apiKeyStatus` in SQL. */
function hasStatus(eb: Keys, status: ApiKeyStatus, now: number) {
  const replaced = eb("grace_ends_at", "<=", now);
  if (status === "revoked") return eb.or([eb("revoked_at", "is not", null), replaced]);
  const inGrace = eb.or([eb("grace_ends_at", "is", null), eb("grace_ends_at", ">", now)]);
  const unrevoked = eb.and([eb("revoked_at", "is", null), inGrace]);
  if (status === "expired") return eb.and([unrevoked, eb("expires_at", "<=", now)]);
  const lasting = eb.or([eb("expires_at", "is", null), eb("expires_at", ">", now)]);
  return eb.and([unrevoked, lasting, eb("disabled_at", status === "disabled" ? "is not" : "is", null)]);
}
