import type { Transaction } from "kysely";
import { builtInRows } from "../role-row.ts";
import type { SqlSchema } from "./sql-schema.ts";

/** Roles, with those of the program's own; who holds them; and keys that are limited to some. */
export async function createRoleTables(trx: Transaction<SqlSchema>): Promise<void> {
  await trx.schema
    .createTable("roles")
    .addColumn("name", "text", (column) => column.primaryKey().notNull())
    .addColumn("description", "text", (column) => column.notNull())
    .addColumn("permissions", "text", (column) => column.notNull())
    .addColumn("inherits", "text", (column) => column.notNull())
    .addColumn("built_in", "integer", (column) => column.notNull())
    .addColumn("created_at", "bigint", (column) => column.notNull())
    .addColumn("updated_at", "bigint", (column) => column.notNull())
    .execute();
  await trx.schema
    .createTable("user_roles")
    .addColumn("user_id", "bigint", (column) => column.notNull().references("users.id").onDelete("cascade"))
    .addColumn("role", "text", (column) => column.notNull().references("roles.name").onDelete("cascade"))
    .addColumn("assigned_at", "bigint", (column) => column.notNull())
    .addPrimaryKeyConstraint("user_roles_key", ["user_id", "role"])
    .execute();
  // For the cascade, and for who holds a role.
  await trx.schema.createIndex("user_roles_by_role").on("user_roles").column("role").execute();
  await trx.schema
    .alterTable("api_keys")
    .addColumn("roles", "text", (column) => column.notNull().defaultTo("[]"))
    .execute();
  await trx
    .insertInto("roles")
    .values(builtInRows(Date.now()).map(({ tenant: _tenant, ...row }) => row))
    .execute();
}
