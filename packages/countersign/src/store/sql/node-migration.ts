import type { Transaction } from "kysely";
import type { SqlWords } from "./sql-backend.ts";
import type { SqlSchema } from "./sql-schema.ts";

/** Which nodes there are, as they say every few seconds. */
export async function createNodes(trx: Transaction<SqlSchema>, _words: SqlWords): Promise<void> {
  await trx.schema
    .createTable("nodes")
    .addColumn("id", "text", (column) => column.primaryKey().notNull())
    .addColumn("name", "text", (column) => column.notNull())
    .addColumn("version", "text", (column) => column.notNull())
    .addColumn("started_at", "bigint", (column) => column.notNull())
    .addColumn("last_seen_at", "bigint", (column) => column.notNull())
    .addColumn("grpc_address", "text", (column) => column.notNull())
    .addColumn("http_address", "text", (column) => column.notNull())
    .addColumn("revocation_head", "bigint", (column) => column.notNull())
    .addColumn("revocation_lag", "bigint", (column) => column.notNull())
    .addColumn("revocations_known_at", "bigint", (column) => column.notNull())
    .execute();
}
