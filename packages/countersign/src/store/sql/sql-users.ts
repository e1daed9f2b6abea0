import { type Kysely, sql, type Transaction } from "kysely";
import type { MaybePromise } from "../../core/decision.ts";
import type { NewUser, UserCondition, UserPatch, UserQuery, UserRecord, UserStore } from "../contracts.ts";
import { foldCase } from "../fold-case.ts";
import { unlockAudit } from "../login-guard.ts";
import { pageLimit } from "../page-limit.ts";
import { isStorableText, requireStorableText } from "../storable-text.ts";
import { userCreated, userDeleted, userUpdated } from "../user-audit.ts";
import { lastSuperuser, taken } from "../user-conflict.ts";
import { parseUserId } from "../user-id.ts";
import {
  changeUser,
  isActiveSuperuser,
  newUserRow,
  nothingCounted,
  toUserRecord,
  type UserRow,
  type UserRowElsewhere,
} from "../user-row.ts";
import { endSessions } from "./end-sessions.ts";
import { formerIdentitiesOf } from "./former-identities.ts";
import { forgetNetworks } from "./known-networks.ts";
import { requireTenant } from "./require-tenant.ts";
import { appendAudit } from "./sql-audit.ts";
import type { SqlBackend } from "./sql-backend.ts";
import { appendRevocations } from "./sql-revocation-log.ts";
import { addUserRole, requireRoles } from "./sql-roles.ts";
import type { SqlSchema } from "./sql-schema.ts";
import { ofTenant } from "./tenant-filter.ts";

const columns = [
  "username",
  "username_folded",
  "email",
  "email_folded",
  "is_active",
  "is_staff",
  "is_superuser",
  "password_hash",
  "attributes",
  "created_at",
  "updated_at",
  "password_failures",
  "password_locked_at",
  "tenant",
] as const;

/** Both dialects have this aggregate; in which order it joins is left open. */
const roles = sql<
  string | null
>`(select string_agg(user_roles.role, ',') from user_roles where user_roles.user_id = users.id)`;

const tenantDisabledAt = sql<
  number | null
>`(select tenants.disabled_at from tenants where tenants.id = users.tenant)`;

/** A literal, not a parameter: only so does the planner use the index of superusers. */
const activeSuperuser = sql<boolean>`is_superuser = 1 and is_active = 1 and tenant is null`;

export class SqlUsers implements UserStore {
  readonly #backend: SqlBackend;
  readonly #now: () => number;
  readonly #firstById: ((id: bigint) => UserRow | undefined) | undefined;

  constructor(backend: SqlBackend, now: () => number) {
    this.#backend = backend;
    this.#now = now;
    this.#firstById = backend.prepareFirst?.<UserRow>(byId(backend.reader, 0n).compile().sql);
  }

  async create(user: NewUser): Promise<UserRecord> {
    const row = newUserRow(user, this.#now());
    return this.#backend.write(async (trx) => {
      const roles = [...new Set(user.roles)];
      const tenant_disabled_at = await requireTenant(trx, row.tenant);
      await requireRoles(trx, roles, row.tenant);
      const id = await insertUser(trx, row);
      for (const role of roles) await addUserRole(trx, BigInt(id), role, row.created_at);
      const made = { id, ...row, roles: roles.join(",") || null, tenant_disabled_at };
      await appendAudit(trx, userCreated(made), row.created_at);
      return toUserRecord(made);
    });
  }

  load(id: string): MaybePromise<UserRecord | undefined> {
    const key = parseUserId(id);
    if (key === undefined) return undefined;
    if (this.#firstById === undefined)
      return byId(this.#backend.reader, key).executeTakeFirst().then(toRecord);
    return toRecord(this.#firstById(key));
  }

  async findByUsername(username: string): Promise<UserRecord | undefined> {
    return this.#find("username_folded", username);
  }

  async findByEmail(email: string): Promise<UserRecord | undefined> {
    return this.#find("email_folded", email);
  }

  async firstSuperuser(): Promise<UserRecord | undefined> {
    const users = selectUsers(this.#backend.reader).where(activeSuperuser);
    return toRecord(await users.orderBy("users.id").limit(1).executeTakeFirst());
  }

  async list({ limit, after, ids, text = "", tenantId }: UserQuery): Promise<readonly UserRecord[]> {
    const part = foldCase(text);
    const start = after === undefined ? 0n : parseUserId(after);
    if (start === undefined || !isStorableText(part)) return [];
    if (!isStorableText(tenantId ?? "")) return [];
    let query = selectUsers(this.#backend.reader).where("users.id", ">", start);
    if (ids !== undefined) {
      const keys = ids.map(parseUserId).filter((id) => id !== undefined);
      if (keys.length === 0) return [];
      query = query.where("users.id", "in", keys);
    }
    if (tenantId !== undefined) query = query.where((eb) => ofTenant(eb, tenantId));
    if (part !== "") {
      const position = sql.raw(this.#backend.words.position);
      query = query.where(
        sql<boolean>`(${position}(username_folded, ${part}) > 0 or ${position}(email_folded, ${part}) > 0)`,
      );
    }
    const rows = await query.orderBy("users.id").limit(pageLimit(limit)).execute();
    return rows.map(toUserRecord);
  }

  async update(id: string, patch: UserPatch, condition?: UserCondition): Promise<UserRecord | undefined> {
    const key = parseUserId(id);
    if (key === undefined) return undefined;
    return this.#backend.write(async (trx) => {
      const before = await byId(trx, key).executeTakeFirst();
      if (condition !== undefined && before?.password_hash !== condition.passwordHash) return undefined;
      const change = before && changeUser(before, patch, this.#now());
      if (change === undefined) return toRecord(before);
      await requireFree(trx, change.row, key);
      if (change.stepsDownBy !== undefined) await requireAnotherSuperuser(trx, key, change.stepsDownBy);
      const { id: _id, roles: _roles, tenant_disabled_at: _disabled, ...row } = change.row;
      await trx.updateTable("users").set(row).where("id", "=", key).execute();
      if (row.password_hash !== before?.password_hash) await forgetNetworks(trx, key);
      await appendRevocations(trx, [change.event], this.#now());
      if (before !== undefined) await appendAudit(trx, userUpdated(before, change.row), this.#now());
      return toUserRecord(change.row);
    });
  }

  async unlockPassword(id: string, by: string): Promise<UserRecord | undefined> {
    requireStorableText("by", by);
    const key = parseUserId(id);
    if (key === undefined) return undefined;
    return this.#backend.write(async (trx) => {
      const row = await byId(trx, key).executeTakeFirst();
      if (row === undefined || Number(row.password_failures) === 0) return toRecord(row);
      await trx.updateTable("users").set(nothingCounted).where("id", "=", key).execute();
      if (row.password_locked_at !== null) await appendAudit(trx, unlockAudit(id, by), this.#now());
      return toUserRecord({ ...row, ...nothingCounted });
    });
  }

  async delete(id: string): Promise<boolean> {
    const key = parseUserId(id);
    if (key === undefined) return false;
    return this.#backend.write(async (trx) => {
      const row = await byId(trx, key).executeTakeFirst();
      if (row === undefined) return false;
      if (isActiveSuperuser(row)) await requireAnotherSuperuser(trx, key, "id");
      const now = this.#now();
      await formerIdentitiesOf(trx, key, now);
      await trx.deleteFrom("users").where("id", "=", key).execute();
      const revoked = await trx
        .updateTable("api_keys")
        .set({ revoked_at: now, revoked_reason: "user deleted", revoked_by: "system" })
        .where("user_id", "=", key)
        .where("revoked_at", "is", null)
        .returning("id")
        .execute();
      const keys = revoked.map((key) => ({ kind: "key", keyId: key.id, state: "revoked" }) as const);
      const sessions = await endSessions(trx, key, { reason: "user deleted", now });
      const user = { kind: "user", userId: id, state: "deleted" } as const;
      await appendRevocations(trx, [user, ...keys, ...sessions], now);
      const gone = { keys: keys.length, sessions: sessions.length };
      await appendAudit(trx, userDeleted(row, gone), now);
      return true;
    });
  }

  async passwordHash(id: string): Promise<string | undefined> {
    const key = parseUserId(id);
    if (key === undefined) return undefined;
    const users = this.#backend.reader.selectFrom("users").select("password_hash").where("id", "=", key);
    return (await users.executeTakeFirst())?.password_hash ?? undefined;
  }

  async #find(column: "username_folded" | "email_folded", text: string): Promise<UserRecord | undefined> {
    const folded = foldCase(text);
    if (!isStorableText(folded)) return undefined;
    return toRecord(await selectUsers(this.#backend.reader).where(column, "=", folded).executeTakeFirst());
  }
}

/** As a part of a transaction: returns the new id. Throws `Conflict` on `username` or `email`. */
export async function insertUser(
  trx: Transaction<SqlSchema>,
  row: Omit<UserRow, "id" | UserRowElsewhere>,
): Promise<string> {
  await requireFree(trx, row, undefined);
  const { id } = await trx
    .insertInto("users")
    .values(row)
    .returning((eb) => eb.cast<string>("id", "text").as("id"))
    .executeTakeFirstOrThrow();
  return id;
}

function selectUsers(db: Kysely<SqlSchema>) {
  return db
    .selectFrom("users")
    .select((eb) => eb.cast<string>("users.id", "text").as("id"))
    .select(columns)
    .select([roles.as("roles"), tenantDisabledAt.as("tenant_disabled_at")]);
}

function byId(db: Kysely<SqlSchema>, id: bigint) {
  return selectUsers(db).where("users.id", "=", id);
}

function toRecord(row: UserRow | undefined): UserRecord | undefined {
  return row && toUserRecord(row);
}

async function requireFree(
  trx: Transaction<SqlSchema>,
  row: Omit<UserRow, "id" | UserRowElsewhere>,
  ownId: bigint | undefined,
): Promise<void> {
  const others = await trx
    .selectFrom("users")
    .select("username_folded")
    .where((eb) =>
      eb.or([eb("username_folded", "=", row.username_folded), eb("email_folded", "=", row.email_folded)]),
    )
    .where("id", "!=", ownId ?? 0n)
    .execute();
  const [other] = others;
  if (other === undefined) return;
  throw taken(
    others.some(({ username_folded }) => username_folded === row.username_folded) ? "username" : "email",
  );
}

async function requireAnotherSuperuser(
  trx: Transaction<SqlSchema>,
  id: bigint,
  field: string,
): Promise<void> {
  const another = await trx
    .selectFrom("users")
    .select("username")
    .where(activeSuperuser)
    .where("id", "!=", id)
    .limit(1)
    .executeTakeFirst();
  if (another === undefined) throw lastSuperuser(field);
}
