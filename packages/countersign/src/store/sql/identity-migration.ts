import type { Transaction } from "kysely";
import type { SqlSchema } from "./sql-schema.ts";

/** The fourth step of the schema: identities that were linked once, and must not be provisioned again. */
export async function createFormerIdentities(trx: Transaction<SqlSchema>): Promise<void> {
  await trx.schema
    .createTable("former_identities")
    .addColumn("issuer", "text", (column) => column.notNull())
    .addColumn("subject", "text", (column) => column.notNull())
    .addColumn("unlinked_at", "bigint", (column) => column.notNull())
    .addPrimaryKeyConstraint("former_identities_key", ["issuer", "subject"])
    .execute();
}
