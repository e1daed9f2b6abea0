import type { Transaction } from "kysely";
import type { SqlWords } from "./sql-backend.ts";
import type { SqlSchema } from "./sql-schema.ts";

/** The seventh step of the schema: calls that were counted for rates and quotas. */
export async function createCallLimits(trx: Transaction<SqlSchema>, words: SqlWords): Promise<void> {
  await trx.schema
    .createTable("call_limits")
    .addColumn("id", words.bytes, (column) => column.primaryKey().notNull())
    .addColumn("slots", "text", (column) => column.notNull())
    .addColumn("expires_at", "bigint", (column) => column.notNull())
    .execute();
  await trx.schema.createIndex("call_limits_expired").on("call_limits").column("expires_at").execute();
}
