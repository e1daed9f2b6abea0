import type { Transaction } from "kysely";
import type { SqlSchema } from "./sql-schema.ts";

/** The fifth step of the schema: what keeps guessing in bounds beyond a quarter of an hour, and which key made which. */
export async function addLoginLimits(trx: Transaction<SqlSchema>): Promise<void> {
  await trx.schema
    .alterTable("users")
    .addColumn("password_failures", "integer", (column) => column.notNull().defaultTo(0))
    .execute();
  await trx.schema.alterTable("users").addColumn("password_locked_at", "bigint").execute();
  await trx.schema
    .createTable("known_networks")
    .addColumn("user_id", "bigint", (column) => column.notNull().references("users.id").onDelete("cascade"))
    .addColumn("network", "text", (column) => column.notNull())
    .addColumn("expires_at", "bigint", (column) => column.notNull())
    .addPrimaryKeyConstraint("known_networks_key", ["user_id", "network"])
    .execute();
  await trx.schema.createIndex("known_networks_expired").on("known_networks").column("expires_at").execute();
  await trx.schema.alterTable("api_keys").addColumn("made_by", "text").execute();
  await trx.schema
    .createIndex("api_keys_made_by")
    .on("api_keys")
    .column("made_by")
    .where("made_by", "is not", null)
    .execute();
}
