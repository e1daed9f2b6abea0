import { type Kysely, sql, type Transaction } from "kysely";
import type { RevocationEvent } from "../../core/revocation.ts";
import { isRoleName } from "../../core/role.ts";
import { isRoleFor } from "../../core/tenant.ts";
import type { UserStore } from "../contracts.ts";
import { pageLimit } from "../page-limit.ts";
import type { NewRole, RolePatch, RoleQuery, RoleRecord, RoleStore } from "../role-contracts.ts";
import {
  assignmentAudit,
  changeRole,
  newRoleRow,
  noSuchRole,
  type RoleRow,
  requireChangeable,
  roleAudit,
  roleInUse,
  toRoleRecord,
  withoutParent,
} from "../role-row.ts";
import type { AuditEntry } from "../session-contracts.ts";
import { isStorableText, requireStorableText } from "../storable-text.ts";
import { parseUserId } from "../user-id.ts";
import { requireTenant } from "./require-tenant.ts";
import { appendAudit } from "./sql-audit.ts";
import type { SqlBackend } from "./sql-backend.ts";
import { appendRevocations } from "./sql-revocation-log.ts";
import type { SqlSchema } from "./sql-schema.ts";

type Trx = Transaction<SqlSchema>;

export class SqlRoles implements RoleStore {
  readonly #backend: SqlBackend;
  readonly #now: () => number;
  readonly #users: Pick<UserStore, "load">;

  constructor(backend: SqlBackend, now: () => number, users: Pick<UserStore, "load">) {
    this.#backend = backend;
    this.#now = now;
    this.#users = users;
  }

  async load(): Promise<readonly RoleRecord[]> {
    return (await allRoles(this.#backend.reader)).map(toRoleRecord);
  }

  async find(name: string): Promise<RoleRecord | undefined> {
    if (!isStorableText(name)) return undefined;
    const row = await this.#backend.reader
      .selectFrom("roles")
      .selectAll()
      .where("name", "=", name)
      .executeTakeFirst();
    return row && toRoleRecord(row);
  }

  async list({ limit, after = "", tenantId }: RoleQuery): Promise<readonly RoleRecord[]> {
    if (!isStorableText(after) || !isStorableText(tenantId ?? "")) return [];
    let query = this.#backend.reader.selectFrom("roles").selectAll().where("name", ">", after);
    if (tenantId !== undefined)
      query = query.where((eb) => eb.or([eb("tenant", "is", null), eb("tenant", "=", tenantId)]));
    const rows = await query.orderBy("name").limit(pageLimit(limit)).execute();
    return rows.map(toRoleRecord);
  }

  async create(role: NewRole, by: string): Promise<RoleRecord> {
    requireStorableText("by", by);
    return this.#backend.write(async (trx) => {
      const row = newRoleRow(role, await allRoles(trx), this.#now());
      await requireTenant(trx, row.tenant);
      await trx.insertInto("roles").values(row).execute();
      await this.#log(trx, roleAudit("role.created", { after: row }, by));
      return toRoleRecord(row);
    });
  }

  async update(name: string, patch: RolePatch, by: string): Promise<RoleRecord | undefined> {
    requireStorableText("by", by);
    return this.#backend.write(async (trx) => {
      const rows = await allRoles(trx);
      const before = rows.find((row) => row.name === name);
      const row = before && changeRole(before, patch, rows, this.#now());
      if (before === undefined || row === undefined) return before && toRoleRecord(before);
      await replace(trx, row);
      await this.#log(trx, roleAudit("role.updated", { before, after: row }, by));
      return toRoleRecord(row);
    });
  }

  async delete(name: string, { force }: { readonly force: boolean }, by: string): Promise<boolean> {
    requireStorableText("by", by);
    return this.#backend.write(async (trx) => {
      const rows = await allRoles(trx);
      const row = rows.find((candidate) => candidate.name === name);
      if (row === undefined) return false;
      requireChangeable(row);
      const heirs = rows.flatMap((other) => withoutParent(other, name, this.#now()) ?? []);
      const holders = await holdersOf(trx, name);
      if (!force) {
        if (holders.length > 0) throw roleInUse("is assigned to users");
        if (heirs.length > 0) throw roleInUse("is inherited");
        if (await this.#limitsKeys(trx, name)) throw roleInUse("limits API keys");
      }
      for (const heir of heirs) await replace(trx, heir);
      await trx
        .updateTable("users")
        .set({ updated_at: this.#now() })
        .where("id", "in", trx.selectFrom("user_roles").select("user_id").where("role", "=", name))
        .execute();
      await trx.deleteFrom("user_roles").where("role", "=", name).execute();
      await trx.deleteFrom("roles").where("name", "=", name).execute();
      await this.#log(trx, roleAudit("role.deleted", { before: row }, by), holders);
      return true;
    });
  }

  async assign(userId: string, role: string, by: string): Promise<readonly string[] | undefined> {
    return this.#set(userId, role, assignmentAudit("role.assigned", userId, role, by));
  }

  async unassign(userId: string, role: string, by: string): Promise<readonly string[] | undefined> {
    return this.#set(userId, role, assignmentAudit("role.unassigned", userId, role, by));
  }

  async #set(userId: string, role: string, entry: AuditEntry): Promise<readonly string[] | undefined> {
    requireStorableText("by", entry.actor);
    const key = parseUserId(userId);
    if (key === undefined) return undefined;
    await this.#backend.write(async (trx) => {
      const user = await userChanged(trx, key, userId);
      if (user === undefined) return;
      const { event, tenant } = user;
      const assigned = entry.action === "role.assigned";
      if (assigned && !isRoleFor(tenant ?? undefined, role)) throw noSuchRole("role", role);
      const changed = assigned ? addUserRole(trx, key, role, this.#now()) : removeUserRole(trx, key, role);
      if (!(await changed)) return;
      await trx.updateTable("users").set({ updated_at: this.#now() }).where("id", "=", key).execute();
      await appendRevocations(trx, [event], this.#now());
      await appendAudit(trx, entry, this.#now());
    });
    return (await this.#users.load(userId))?.roles;
  }

  async #log(trx: Trx, entry: AuditEntry, events: readonly RevocationEvent[] = []): Promise<void> {
    await appendRevocations(trx, [...events, { kind: "roles" }], this.#now());
    await appendAudit(trx, entry, this.#now());
  }

  /** The names of roles have no character that JSON would write otherwise. */
  async #limitsKeys(trx: Trx, name: string): Promise<boolean> {
    const position = sql.raw(this.#backend.words.position);
    const key = await trx
      .selectFrom("api_keys")
      .select("id")
      .where("revoked_at", "is", null)
      .where(sql<boolean>`${position}(roles, ${`"${name}"`}) > 0`)
      .limit(1)
      .executeTakeFirst();
    return key !== undefined;
  }
}

/** Throws `Conflict` on `roles` for one that is not there for what belongs to that tenant. */
export async function requireRoles(trx: Trx, names: readonly string[], tenant: string | null): Promise<void> {
  if (names.length === 0) return;
  const known = names.every((name) => isRoleName(name) && isRoleFor(tenant ?? undefined, name))
    ? await trx
        .selectFrom("roles")
        .select("name")
        .where("name", "in", [...names])
        .execute()
    : [];
  const missing = names.find((name) => !known.some((role) => role.name === name));
  if (missing !== undefined) throw noSuchRole("roles", missing);
}

/** Gives a user a role, as a part of a transaction. False if it is there already. */
export async function addUserRole(trx: Trx, userId: bigint, role: string, now: number): Promise<boolean> {
  const known = isStorableText(role)
    ? await trx.selectFrom("roles").select("name").where("name", "=", role).executeTakeFirst()
    : undefined;
  if (known === undefined) throw noSuchRole("role", role);
  const held = await trx
    .selectFrom("user_roles")
    .select("role")
    .where("user_id", "=", userId)
    .where("role", "=", role)
    .executeTakeFirst();
  if (held !== undefined) return false;
  await trx.insertInto("user_roles").values({ user_id: userId, role, assigned_at: now }).execute();
  return true;
}

async function removeUserRole(trx: Trx, userId: bigint, role: string): Promise<boolean> {
  if (!isStorableText(role)) return false;
  const gone = await trx
    .deleteFrom("user_roles")
    .where("user_id", "=", userId)
    .where("role", "=", role)
    .returning("role")
    .execute();
  return gone.length > 0;
}

/** The event of a change of that user, and the user's tenant; undefined if there is none such. Who is disabled is reported as that. */
async function userChanged(
  trx: Trx,
  key: bigint,
  userId: string,
): Promise<{ readonly event: RevocationEvent; readonly tenant: string | null } | undefined> {
  const user = await trx
    .selectFrom("users")
    .select(["is_active", "tenant"])
    .where("id", "=", key)
    .executeTakeFirst();
  const state = Number(user?.is_active) === 0 ? "disabled" : "changed";
  return user && { event: { kind: "user", userId, state }, tenant: user.tenant };
}

/** The events of a change of all who hold a role. */
async function holdersOf(trx: Trx, role: string): Promise<readonly RevocationEvent[]> {
  const rows = await trx
    .selectFrom("user_roles")
    .innerJoin("users", "users.id", "user_roles.user_id")
    .select((eb) => [eb.cast<string>("users.id", "text").as("userId"), "users.is_active as active"])
    .where("user_roles.role", "=", role)
    .orderBy("users.id")
    .execute();
  return rows.map(({ userId, active }) => ({
    kind: "user",
    userId,
    state: Number(active) === 0 ? "disabled" : "changed",
  }));
}

function allRoles(db: Kysely<SqlSchema>): Promise<RoleRow[]> {
  return db.selectFrom("roles").selectAll().orderBy("name").execute();
}

async function replace(trx: Trx, { name, ...row }: RoleRow): Promise<void> {
  await trx.updateTable("roles").set(row).where("name", "=", name).execute();
}
