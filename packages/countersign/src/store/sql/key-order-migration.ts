import { sql, type Transaction } from "kysely";
import { orderExpressions } from "../api-key-order.ts";
import type { SqlSchema } from "./sql-schema.ts";

/** What lists of keys can be in the order of, besides the time when they were made. */
export async function orderApiKeys(trx: Transaction<SqlSchema>): Promise<void> {
  const { name, lastUsedAt, expiresAt, totalRequests } = orderExpressions;
  for (const [index, place] of [
    ["api_keys_by_name", name],
    ["api_keys_by_last_use", lastUsedAt],
    ["api_keys_by_expiry", expiresAt],
    ["api_keys_by_requests", totalRequests],
  ] as const)
    await sql`create index ${sql.ref(index)} on api_keys (${sql.raw(place)}, id)`.execute(trx);
}
