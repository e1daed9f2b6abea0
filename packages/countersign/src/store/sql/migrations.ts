import { sql, type Transaction } from "kysely";
import { extendApiKeys } from "./api-key-migration.ts";
import { chainAuditLog } from "./audit-migration.ts";
import { createFormerIdentities } from "./identity-migration.ts";
import { orderApiKeys } from "./key-order-migration.ts";
import { createCallLimits } from "./limit-migration.ts";
import { addLoginLimits } from "./login-migration.ts";
import { createNodes } from "./node-migration.ts";
import { createRequestLog, createRequestWriters } from "./requestlog-migration.ts";
import { createRoleTables } from "./role-migration.ts";
import { createSecretMarks } from "./secret-migration.ts";
import { createSessionTables } from "./session-migration.ts";
import { addSigningKeyLifetime } from "./signing-key-migration.ts";
import type { SqlWords } from "./sql-backend.ts";
import type { SqlSchema } from "./sql-schema.ts";
import { createTenants } from "./tenant-migration.ts";
import { createUsageFlushes } from "./usage-flushes.ts";

/** One step of the schema. A step that was released never changes; what is wrong with it is mended by another. */
export interface Migration {
  readonly version: number;
  readonly name: string;
  apply(trx: Transaction<SqlSchema>, words: SqlWords): Promise<void>;
}

/** In order of their numbers. */
export const migrations: readonly Migration[] = [
  { version: 1, name: "users, API keys and revocations", apply: createFirstTables },
  { version: 2, name: "sessions, second factors, signing keys and audit", apply: createSessionTables },
  { version: 3, name: "lifetimes of signing keys", apply: addSigningKeyLifetime },
  { version: 4, name: "identities that are linked no more", apply: createFormerIdentities },
  { version: 5, name: "limits of logins, and which key made which", apply: addLoginLimits },
  { version: 6, name: "roles", apply: createRoleTables },
  { version: 7, name: "marks of secrets", apply: createSecretMarks },
  { version: 8, name: "the request log", apply: createRequestLog },
  { version: 9, name: "tenants", apply: createTenants },
  { version: 10, name: "rates and quotas of calls", apply: createCallLimits },
  { version: 11, name: "API keys: limits, rotation, usage, links and imports", apply: extendApiKeys },
  { version: 12, name: "the audit log as a chain", apply: chainAuditLog },
  { version: 13, name: "nodes", apply: createNodes },
  { version: 14, name: "orders of API keys", apply: orderApiKeys },
  { version: 15, name: "flushes of usage", apply: createUsageFlushes },
  { version: 16, name: "writers of the request log", apply: createRequestWriters },
];

async function createFirstTables(trx: Transaction<SqlSchema>, words: SqlWords): Promise<void> {
  await createUsers(trx, words);
  await createApiKeys(trx, words);
  await createRevocations(trx, words);
}

async function createUsers(trx: Transaction<SqlSchema>, words: SqlWords): Promise<void> {
  await trx.schema
    .createTable("users")
    .addColumn("id", words.key, (column) => words.rising(column.primaryKey()))
    .addColumn("username", "text", (column) => column.notNull())
    .addColumn("username_folded", "text", (column) => column.notNull().unique())
    .addColumn("email", "text")
    .addColumn("email_folded", "text", (column) => column.unique())
    .addColumn("is_active", "integer", (column) => column.notNull())
    .addColumn("is_staff", "integer", (column) => column.notNull())
    .addColumn("is_superuser", "integer", (column) => column.notNull())
    .addColumn("password_hash", "text")
    .addColumn("attributes", "text", (column) => column.notNull())
    .addColumn("created_at", "bigint", (column) => column.notNull())
    .addColumn("updated_at", "bigint", (column) => column.notNull())
    .execute();
  // Superusers are few: without it, finding the first one reads every user.
  await trx.schema
    .createIndex("users_superusers")
    .on("users")
    .column("id")
    .where(sql.ref("is_superuser"), "=", sql.lit(1))
    .execute();
}

async function createApiKeys(trx: Transaction<SqlSchema>, words: SqlWords): Promise<void> {
  await trx.schema
    .createTable("api_keys")
    .addColumn("id", "text", (column) => column.primaryKey().notNull())
    .addColumn("name", "text", (column) => column.notNull())
    .addColumn("description", "text", (column) => column.notNull())
    .addColumn("type", "text", (column) => column.notNull())
    .addColumn("user_id", "bigint", (column) => column.notNull())
    .addColumn("digest", words.bytes, (column) => column.notNull())
    .addColumn("pepper_id", "text", (column) => column.notNull())
    .addColumn("scopes", "text", (column) => column.notNull())
    .addColumn("created_at", "bigint", (column) => column.notNull())
    .addColumn("expires_at", "bigint")
    .addColumn("disabled_at", "bigint")
    .addColumn("revoked_at", "bigint")
    .addColumn("revoked_reason", "text")
    .addColumn("revoked_by", "text")
    .addColumn("last_used_at", "bigint")
    .addColumn("total_requests", "bigint", (column) => column.notNull())
    .execute();
  await trx.schema
    .createIndex("api_keys_names")
    .unique()
    .on("api_keys")
    .columns(["user_id", "name"])
    .where(sql.ref("revoked_at"), "is", null)
    .execute();
  await trx.schema.createIndex("api_keys_newest").on("api_keys").columns(["created_at", "id"]).execute();
  await trx.schema
    .createIndex("api_keys_newest_of_user")
    .on("api_keys")
    .columns(["user_id", "created_at", "id"])
    .execute();
}

async function createRevocations(trx: Transaction<SqlSchema>, words: SqlWords): Promise<void> {
  await trx.schema
    .createTable("revocation_log")
    .addColumn("sequence", words.key, (column) => column.primaryKey())
    .addColumn("event", "text", (column) => column.notNull())
    .addColumn("expires_at", "bigint")
    .addColumn("created_at", "bigint", (column) => column.notNull())
    .execute();
  await trx.schema
    .createTable("revocation_head")
    .addColumn("id", "integer", (column) => column.primaryKey())
    .addColumn("sequence", "bigint", (column) => column.notNull())
    .addColumn("pruned", "bigint", (column) => column.notNull())
    .execute();
  await trx.insertInto("revocation_head").values({ id: 1, sequence: 0, pruned: 0 }).execute();
  for (const statement of words.announces("revocation_head")) await sql.raw(statement).execute(trx);
}
