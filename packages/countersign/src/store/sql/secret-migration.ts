import { sql, type Transaction } from "kysely";
import type { SqlWords } from "./sql-backend.ts";
import type { SqlSchema } from "./sql-schema.ts";

/** Marks of the secrets that the rest is kept under, and how many keys a pepper is needed for without reading them all. */
export async function createSecretMarks(trx: Transaction<SqlSchema>, words: SqlWords): Promise<void> {
  await trx.schema
    .createTable("secret_marks")
    .addColumn("name", "text", (column) => column.primaryKey().notNull())
    .addColumn("mark", words.bytes, (column) => column.notNull())
    .addColumn("since", "bigint", (column) => column.notNull())
    .execute();
  await trx.schema
    .createIndex("api_keys_by_pepper")
    .on("api_keys")
    .columns(["pepper_id", "expires_at"])
    .where(sql.ref("revoked_at"), "is", null)
    .execute();
}
