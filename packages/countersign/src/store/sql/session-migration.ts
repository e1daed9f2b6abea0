import { sql, type Transaction } from "kysely";
import type { SqlWords } from "./sql-backend.ts";
import type { SqlSchema } from "./sql-schema.ts";

/**
 * The second step of the schema. What outlives a user has no foreign key: sessions, which are revoked and pruned later,
 * and the audit log. What is of no use without its user, or a secret, goes with it by ON DELETE CASCADE.
 */
export async function createSessionTables(trx: Transaction<SqlSchema>, words: SqlWords): Promise<void> {
  await createSessions(trx);
  await createTokenCuts(trx);
  await createLoginAttempts(trx, words);
  await createSecondFactors(trx, words);
  await createLinkedIdentities(trx);
  await createSigningKeys(trx, words);
  await createAuditLog(trx, words);
}

async function createSessions(trx: Transaction<SqlSchema>): Promise<void> {
  await trx.schema
    .createTable("sessions")
    .addColumn("id", "text", (column) => column.primaryKey().notNull())
    .addColumn("user_id", "bigint", (column) => column.notNull())
    .addColumn("methods", "text", (column) => column.notNull())
    .addColumn("created_at", "bigint", (column) => column.notNull())
    .addColumn("refresh_until", "bigint", (column) => column.notNull())
    .addColumn("tokens_until", "bigint", (column) => column.notNull())
    .addColumn("ends_at", "bigint", (column) => column.notNull())
    .addColumn("generation", "bigint", (column) => column.notNull())
    .addColumn("rotated_at", "bigint", (column) => column.notNull())
    .addColumn("address", "text", (column) => column.notNull())
    .addColumn("user_agent", "text", (column) => column.notNull())
    .addColumn("revoked_at", "bigint")
    .addColumn("revoked_reason", "text")
    .execute();
  await trx.schema.createIndex("sessions_newest").on("sessions").columns(["created_at", "id"]).execute();
  await trx.schema
    .createIndex("sessions_newest_of_user")
    .on("sessions")
    .columns(["user_id", "created_at", "id"])
    .execute();
  await trx.schema.createIndex("sessions_lapsed").on("sessions").column("refresh_until").execute();
  await trx.schema.createIndex("sessions_revoked").on("sessions").column("revoked_at").execute();
}

async function createTokenCuts(trx: Transaction<SqlSchema>): Promise<void> {
  await trx.schema
    .createTable("token_cuts")
    .addColumn("user_id", "bigint", (column) =>
      column.primaryKey().notNull().references("users.id").onDelete("cascade"),
    )
    .addColumn("cut", "bigint", (column) => column.notNull())
    .execute();
}

async function createLoginAttempts(trx: Transaction<SqlSchema>, words: SqlWords): Promise<void> {
  await trx.schema
    .createTable("login_attempts")
    .addColumn("identity", words.bytes, (column) => column.primaryKey().notNull())
    .addColumn("guesses", "text", (column) => column.notNull())
    .addColumn("expires_at", "bigint", (column) => column.notNull())
    .execute();
  await trx.schema.createIndex("login_attempts_expired").on("login_attempts").column("expires_at").execute();
}

async function createSecondFactors(trx: Transaction<SqlSchema>, words: SqlWords): Promise<void> {
  await trx.schema
    .createTable("totp")
    .addColumn("user_id", "bigint", (column) =>
      column.primaryKey().notNull().references("users.id").onDelete("cascade"),
    )
    .addColumn("sealed_secret", words.bytes, (column) => column.notNull())
    .addColumn("confirmed_at", "bigint")
    .addColumn("last_step", "bigint", (column) => column.notNull())
    .execute();
  await trx.schema
    .createTable("recovery_codes")
    .addColumn("user_id", "bigint", (column) => column.notNull().references("users.id").onDelete("cascade"))
    .addColumn("digest", words.bytes, (column) => column.notNull())
    .addPrimaryKeyConstraint("recovery_codes_key", ["user_id", "digest"])
    .execute();
}

async function createLinkedIdentities(trx: Transaction<SqlSchema>): Promise<void> {
  await trx.schema
    .createTable("linked_identities")
    .addColumn("issuer", "text", (column) => column.notNull())
    .addColumn("subject", "text", (column) => column.notNull())
    .addColumn("user_id", "bigint", (column) => column.notNull().references("users.id").onDelete("cascade"))
    .addColumn("linked_at", "bigint", (column) => column.notNull())
    .addPrimaryKeyConstraint("linked_identities_key", ["issuer", "subject"])
    .execute();
  // For the cascade.
  await trx.schema
    .createIndex("linked_identities_of_user")
    .on("linked_identities")
    .column("user_id")
    .execute();
}

async function createSigningKeys(trx: Transaction<SqlSchema>, words: SqlWords): Promise<void> {
  await trx.schema
    .createTable("signing_keys")
    .addColumn("kid", "text", (column) => column.primaryKey().notNull())
    .addColumn("algorithm", "text", (column) => column.notNull())
    .addColumn("public_jwk", "text")
    .addColumn("sealed_key", words.bytes, (column) => column.notNull())
    .addColumn("created_at", "bigint", (column) => column.notNull())
    .addColumn("active_from", "bigint", (column) => column.notNull())
    .addColumn("retired_at", "bigint")
    .addColumn("removed_at", "bigint")
    .execute();
}

async function createAuditLog(trx: Transaction<SqlSchema>, words: SqlWords): Promise<void> {
  await trx.schema
    .createTable("audit_log")
    .addColumn("sequence", words.key, (column) => column.primaryKey())
    .addColumn("at", "bigint", (column) => column.notNull())
    .addColumn("actor", "text", (column) => column.notNull())
    .addColumn("action", "text", (column) => column.notNull())
    .addColumn("target", "text", (column) => column.notNull())
    .addColumn("details", "text", (column) => column.notNull())
    .execute();
  await trx.schema
    .createIndex("audit_log_by_action")
    .on("audit_log")
    .columns(["action", "sequence"])
    .execute();
  await trx.schema
    .createIndex("audit_log_by_target")
    .on("audit_log")
    .columns(["target", "sequence"])
    .execute();
  await trx.schema
    .createTable("audit_head")
    .addColumn("id", "integer", (column) => column.primaryKey())
    .addColumn("sequence", "bigint", (column) => column.notNull())
    .execute();
  // As the table is at this step: later ones add columns that have defaults.
  await sql`insert into audit_head (id, sequence) values (1, 0)`.execute(trx);
  for (const statement of words.appendOnly("audit_log")) await sql.raw(statement).execute(trx);
}
