import { sql, type Transaction } from "kysely";
import type { SqlWords } from "./sql-backend.ts";
import type { SqlSchema } from "./sql-schema.ts";

/** What keys are limited to, what took their place, what they are used for, links that give them out, and keys made elsewhere. */
export async function extendApiKeys(trx: Transaction<SqlSchema>, words: SqlWords): Promise<void> {
  await addColumns(trx);
  await createUsageTables(trx);
  await createLinks(trx, words);
  await createImports(trx, words);
}

async function addColumns(trx: Transaction<SqlSchema>): Promise<void> {
  const add = (name: string, fallback: string) =>
    trx.schema
      .alterTable("api_keys")
      .addColumn(name, "text", (column) => column.notNull().defaultTo(fallback))
      .execute();
  await add("prefix", "");
  for (const list of ["address_ranges", "methods", "tags", "call_limits"]) await add(list, "[]");
  for (const instant of ["updated_at", "rotated_at", "grace_ends_at"])
    await trx.schema.alterTable("api_keys").addColumn(instant, "bigint").execute();
  for (const text of ["replaced_by", "replaces", "last_used_address", "last_used_agent"])
    await trx.schema.alterTable("api_keys").addColumn(text, "text").execute();
  // A key that was replaced has given its name to the one in its place.
  await trx.schema.dropIndex("api_keys_names").execute();
  await trx.schema
    .createIndex("api_keys_names")
    .unique()
    .on("api_keys")
    .columns(["user_id", "name"])
    .where(sql<boolean>`revoked_at is null and replaced_by is null`)
    .execute();
}

async function createUsageTables(trx: Transaction<SqlSchema>): Promise<void> {
  await trx.schema
    .createTable("api_key_usage")
    .addColumn("key_id", "text", (column) => column.notNull())
    .addColumn("period", "text", (column) => column.notNull())
    .addColumn("starts_at", "bigint", (column) => column.notNull())
    .addColumn("allowed", "bigint", (column) => column.notNull())
    .addColumn("denied", "bigint", (column) => column.notNull())
    .addPrimaryKeyConstraint("api_key_usage_key", ["key_id", "period", "starts_at"])
    .execute();
  await trx.schema
    .createIndex("api_key_usage_old")
    .on("api_key_usage")
    .columns(["period", "starts_at"])
    .execute();
  await trx.schema
    .createTable("api_key_networks")
    .addColumn("key_id", "text", (column) => column.notNull())
    .addColumn("network", "text", (column) => column.notNull())
    .addColumn("last_used_at", "bigint", (column) => column.notNull())
    .addPrimaryKeyConstraint("api_key_networks_key", ["key_id", "network"])
    .execute();
  await trx.schema
    .createIndex("api_key_networks_old")
    .on("api_key_networks")
    .column("last_used_at")
    .execute();
  await trx.schema
    .createTable("api_key_scopes")
    .addColumn("key_id", "text", (column) => column.notNull())
    .addColumn("scope", "text", (column) => column.notNull())
    .addPrimaryKeyConstraint("api_key_scopes_key", ["key_id", "scope"])
    .execute();
}

async function createLinks(trx: Transaction<SqlSchema>, words: SqlWords): Promise<void> {
  await trx.schema
    .createTable("api_key_links")
    .addColumn("digest", words.bytes, (column) => column.primaryKey().notNull())
    .addColumn("key_id", "text", (column) => column.notNull())
    .addColumn("sealed", words.bytes)
    .addColumn("expires_at", "bigint", (column) => column.notNull())
    .addColumn("revealed_at", "bigint")
    .execute();
  await trx.schema.createIndex("api_key_links_old").on("api_key_links").column("expires_at").execute();
}

async function createImports(trx: Transaction<SqlSchema>, words: SqlWords): Promise<void> {
  await trx.schema
    .createTable("imported_keys")
    .addColumn("key_id", "text", (column) => column.primaryKey().notNull())
    .addColumn("fingerprint", words.bytes, (column) => column.notNull().unique())
    .addColumn("algorithm", "text", (column) => column.notNull())
    .addColumn("lookup", words.bytes, (column) => column.unique())
    .addColumn("prefix", "text", (column) => column.unique())
    .addColumn("hash", "text")
    .addColumn("secret_id", "text")
    .addColumn("imported_at", "bigint", (column) => column.notNull())
    .addColumn("first_used_at", "bigint")
    .execute();
  await trx.schema.createIndex("imported_keys_algorithm").on("imported_keys").column("algorithm").execute();
  await trx.schema
    .createTable("import_secrets")
    .addColumn("id", "text", (column) => column.primaryKey().notNull())
    .addColumn("sealed", words.bytes, (column) => column.notNull())
    .execute();
}
