import type { Kysely, Transaction } from "kysely";
import { keyCreated } from "../api-key-audit.ts";
import type { ApiKeyRecord, NewApiKey } from "../api-key-contracts.ts";
import {
  type ApiKeyRow,
  idTaken,
  makerRevoked,
  nameTaken,
  newApiKeyRow,
  toApiKeyRecord,
} from "../api-key-row.ts";
import { noSuchUser } from "../user-conflict.ts";
import { parseUserId } from "../user-id.ts";
import { requireUser } from "./require-user.ts";
import { appendAudit } from "./sql-audit.ts";
import { requireRoles } from "./sql-roles.ts";
import type { SqlSchema } from "./sql-schema.ts";

const columns = [
  ...["id", "name", "description", "type", "digest", "pepper_id", "prefix"],
  ...["scopes", "roles", "address_ranges", "methods", "tags", "call_limits"],
  ...["created_at", "updated_at", "expires_at", "disabled_at"],
  ...["revoked_at", "revoked_reason", "revoked_by"],
  ...["rotated_at", "grace_ends_at", "replaced_by", "replaces"],
  ...["last_used_at", "last_used_address", "last_used_agent", "total_requests", "made_by"],
  "tenant",
] as readonly Exclude<keyof ApiKeyRow, "user_id">[];

/** Keys as rows. */
export function selectKeys(db: Kysely<SqlSchema>) {
  return db
    .selectFrom("api_keys")
    .select((eb) => eb.cast<string>("api_keys.user_id", "text").as("user_id"))
    .select(columns.map((column) => `api_keys.${column}` as const));
}

export function keyById(db: Kysely<SqlSchema>, id: string) {
  return selectKeys(db).where("api_keys.id", "=", id);
}

export function toKeyRecord(row: ApiKeyRow | undefined): ApiKeyRecord | undefined {
  return row && toApiKeyRecord(row);
}

/** Adds a key as a part of a transaction. Throws `Conflict` as `ApiKeyStore.create()` does. */
export async function insertKey(
  trx: Transaction<SqlSchema>,
  key: NewApiKey,
  { now, action }: { readonly now: number; readonly action: "key.created" | "key.imported" },
): Promise<ApiKeyRow> {
  // What is wrong with it by itself is said before anything is asked.
  newApiKeyRow(key, now, null);
  const userId = parseUserId(key.userId);
  if (userId === undefined) throw noSuchUser();
  const row = newApiKeyRow(key, now, await requireUser(trx, userId));
  await requireRoles(trx, key.roles ?? [], row.tenant);
  await insertKeyRow(trx, row);
  await appendAudit(trx, keyCreated(action, row, key.createdBy), now);
  return row;
}

export async function insertKeyRow(trx: Transaction<SqlSchema>, row: ApiKeyRow): Promise<void> {
  const userId = parseUserId(row.user_id);
  if (userId === undefined) throw noSuchUser();
  await requireUser(trx, userId);
  const sameId = await trx.selectFrom("api_keys").select("id").where("id", "=", row.id).executeTakeFirst();
  if (sameId !== undefined) throw idTaken();
  await requireFreeName(trx, row);
  await requireMaker(trx, row.made_by);
  await trx
    .insertInto("api_keys")
    .values({ ...row, user_id: userId })
    .execute();
}

export async function requireFreeName(trx: Transaction<SqlSchema>, row: ApiKeyRow): Promise<void> {
  if (row.replaced_by !== null) return;
  const sameName = await trx
    .selectFrom("api_keys")
    .select("id")
    .where("user_id", "=", BigInt(row.user_id))
    .where("name", "=", row.name)
    .where("id", "!=", row.id)
    .where("revoked_at", "is", null)
    .where("replaced_by", "is", null)
    .executeTakeFirst();
  if (sameName !== undefined) throw nameTaken();
}

async function requireMaker(trx: Transaction<SqlSchema>, id: string | null): Promise<void> {
  if (id === null) return;
  const maker = await trx
    .selectFrom("api_keys")
    .select("id")
    .where("id", "=", id)
    .where("revoked_at", "is", null)
    .executeTakeFirst();
  if (maker === undefined) throw makerRevoked();
}
