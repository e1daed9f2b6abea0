import { sql, type Transaction } from "kysely";
import type { SqlSchema } from "./sql-schema.ts";

/** Tenants, and what belongs to one. What was there before is the installation's own. */
export async function createTenants(trx: Transaction<SqlSchema>): Promise<void> {
  await trx.schema
    .createTable("tenants")
    .addColumn("id", "text", (column) => column.primaryKey().notNull())
    .addColumn("name", "text", (column) => column.notNull())
    .addColumn("name_folded", "text", (column) => column.unique())
    .addColumn("disabled_at", "bigint")
    .addColumn("deleted_at", "bigint")
    .addColumn("created_at", "bigint", (column) => column.notNull())
    .addColumn("updated_at", "bigint", (column) => column.notNull())
    .execute();
  for (const table of ["users", "roles", "api_keys"] as const) {
    await trx.schema
      .alterTable(table)
      .addColumn("tenant", "text", (column) => column.references("tenants.id"))
      .execute();
  }
  await trx.schema.alterTable("audit_log").addColumn("tenant", "text").execute();
  await index(trx, "users", ["tenant", "id"]);
  await index(trx, "api_keys", ["tenant", "created_at", "id"]);
  await index(trx, "audit_log", ["tenant", "sequence"]);
}

/** For lists of one tenant's; what belongs to none takes no room in it. */
async function index(
  trx: Transaction<SqlSchema>,
  table: "users" | "api_keys" | "audit_log",
  columns: readonly string[],
): Promise<void> {
  await trx.schema
    .createIndex(`${table}_of_tenant`)
    .on(table)
    .columns([...columns] as never[])
    .where(sql.ref("tenant"), "is not", null)
    .execute();
}
