import type { Transaction } from "kysely";
import type { SqlSchema } from "./sql-schema.ts";

/** What a key has to be kept for. No program of an earlier version made one. */
export async function addSigningKeyLifetime(trx: Transaction<SqlSchema>): Promise<void> {
  await trx.schema
    .alterTable("signing_keys")
    .addColumn("lifetime_seconds", "bigint", (column) => column.notNull().defaultTo(0))
    .execute();
}
