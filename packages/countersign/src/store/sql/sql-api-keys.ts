import { type ExpressionBuilder, type Kysely, sql, type Transaction } from "kysely";
import type { MaybePromise } from "../../core/decision.ts";
import { apiKeyChanged, apiKeyCreated } from "../api-key-audit.ts";
import { type ApiKeyRow, makerRevoked, newApiKeyRow, toApiKeyRecord } from "../api-key-row.ts";
import {
  type ApiKeyQuery,
  type ApiKeyRecord,
  type ApiKeyStatus,
  type ApiKeyStore,
  type ApiKeyUsage,
  Conflict,
  type NewApiKey,
} from "../contracts.ts";
import { pageLimit } from "../page-limit.ts";
import { isStorableText, requireStorableText } from "../storable-text.ts";
import { noSuchUser } from "../user-conflict.ts";
import { parseUserId } from "../user-id.ts";
import { requireUser } from "./require-user.ts";
import { appendAudit } from "./sql-audit.ts";
import type { SqlBackend } from "./sql-backend.ts";
import { appendRevocations } from "./sql-revocation-log.ts";
import { requireRoles } from "./sql-roles.ts";
import type { SqlSchema } from "./sql-schema.ts";

const columns = [
  "id",
  "name",
  "description",
  "type",
  "digest",
  "pepper_id",
  "scopes",
  "roles",
  "created_at",
  "expires_at",
  "disabled_at",
  "revoked_at",
  "revoked_reason",
  "revoked_by",
  "last_used_at",
  "total_requests",
  "made_by",
] as const;

/** How many keys one UPDATE counts for. */
const usageSize = 250;

export class SqlApiKeys implements ApiKeyStore {
  readonly #backend: SqlBackend;
  readonly #now: () => number;
  readonly #firstById: ((id: string) => ApiKeyRow | undefined) | undefined;

  constructor(backend: SqlBackend, now: () => number) {
    this.#backend = backend;
    this.#now = now;
    this.#firstById = backend.prepareFirst?.<ApiKeyRow>(byId(backend.reader, "").compile().sql);
  }

  async create(key: NewApiKey): Promise<ApiKeyRecord> {
    const row = newApiKeyRow(key, this.#now());
    const userId = parseUserId(key.userId);
    if (userId === undefined) throw noSuchUser();
    return this.#backend.write(async (trx) => {
      await requireUser(trx, userId);
      await requireRoles(trx, key.roles ?? []);
      await requireFree(trx, row, userId);
      await requireMaker(trx, row.made_by);
      await trx
        .insertInto("api_keys")
        .values({ ...row, user_id: userId })
        .execute();
      await appendAudit(trx, apiKeyCreated(row), row.created_at);
      return toApiKeyRecord(row);
    });
  }

  load(id: string): MaybePromise<ApiKeyRecord | undefined> {
    if (!isStorableText(id)) return undefined;
    if (this.#firstById === undefined)
      return byId(this.#backend.reader, id).executeTakeFirst().then(toRecord);
    return toRecord(this.#firstById(id));
  }

  async list({ limit, after, userId, status, madeBy, now }: ApiKeyQuery): Promise<readonly ApiKeyRecord[]> {
    let query = selectKeys(this.#backend.reader);
    if (userId !== undefined) {
      const owner = parseUserId(userId);
      if (owner === undefined) return [];
      query = query.where("user_id", "=", owner);
    }
    if (madeBy !== undefined) {
      if (!isStorableText(madeBy)) return [];
      query = query.where("made_by", "=", madeBy);
    }
    if (after !== undefined) {
      const { createdAt, id } = after;
      if (!isStorableText(id)) return [];
      query = query.where((eb) =>
        eb(eb.refTuple("created_at", "id"), "<", eb.tuple(createdAt.getTime(), id)),
      );
    }
    if (status !== undefined) query = query.where((eb) => hasStatus(eb, status, now.getTime()));
    const rows = await query
      .orderBy("created_at", "desc")
      .orderBy("api_keys.id", "desc")
      .limit(pageLimit(limit))
      .execute();
    return rows.map(toApiKeyRecord);
  }

  async revoke(id: string, why: { reason: string; by: string }): Promise<ApiKeyRecord | undefined> {
    requireStorableText("reason", why.reason);
    requireStorableText("by", why.by);
    return this.#change(id, "revoked", (row, now) =>
      row.revoked_at === null
        ? { revoked_at: now, revoked_reason: why.reason, revoked_by: why.by }
        : undefined,
    );
  }

  async setDisabled(id: string, disabled: boolean): Promise<ApiKeyRecord | undefined> {
    return this.#change(id, "changed", (row, now) =>
      row.revoked_at === null && disabled !== (row.disabled_at !== null)
        ? { disabled_at: disabled ? now : null }
        : undefined,
    );
  }

  async addUsage(usage: readonly ApiKeyUsage[]): Promise<void> {
    const totals = sumByKey(usage);
    if (totals.length === 0) return;
    await this.#backend.write(async (trx) => {
      for (let start = 0; start < totals.length; start += usageSize) {
        await countUsage(trx, totals.slice(start, start + usageSize));
      }
    });
  }

  async #change(
    id: string,
    state: "revoked" | "changed",
    edit: (row: ApiKeyRow, now: number) => Partial<Omit<ApiKeyRow, "user_id">> | undefined,
  ): Promise<ApiKeyRecord | undefined> {
    if (!isStorableText(id)) return undefined;
    return this.#backend.write(async (trx) => {
      const row = await byId(trx, id).executeTakeFirst();
      const now = this.#now();
      const edited = row && edit(row, now);
      if (row === undefined || edited === undefined) return toRecord(row);
      await trx.updateTable("api_keys").set(edited).where("id", "=", id).execute();
      await appendRevocations(trx, [{ kind: "key", keyId: id, state }], now);
      await appendAudit(trx, apiKeyChanged(row, { ...row, ...edited }), now);
      return toApiKeyRecord({ ...row, ...edited });
    });
  }
}

function selectKeys(db: Kysely<SqlSchema>) {
  return db
    .selectFrom("api_keys")
    .select((eb) => eb.cast<string>("user_id", "text").as("user_id"))
    .select(columns);
}

function byId(db: Kysely<SqlSchema>, id: string) {
  return selectKeys(db).where("api_keys.id", "=", id);
}

function toRecord(row: ApiKeyRow | undefined): ApiKeyRecord | undefined {
  return row && toApiKeyRecord(row);
}

/** `apiKeyStatus` in SQL. */
function hasStatus(eb: ExpressionBuilder<SqlSchema, "api_keys">, status: ApiKeyStatus, now: number) {
  if (status === "revoked") return eb("revoked_at", "is not", null);
  const unrevoked = eb("revoked_at", "is", null);
  if (status === "expired") return eb.and([unrevoked, eb("expires_at", "<=", now)]);
  const lasting = eb.or([eb("expires_at", "is", null), eb("expires_at", ">", now)]);
  return eb.and([unrevoked, lasting, eb("disabled_at", status === "disabled" ? "is not" : "is", null)]);
}

async function requireFree(trx: Transaction<SqlSchema>, row: ApiKeyRow, userId: bigint): Promise<void> {
  const sameId = await trx.selectFrom("api_keys").select("id").where("id", "=", row.id).executeTakeFirst();
  if (sameId !== undefined) throw new Conflict("id", "this id is in use");
  const sameName = await trx
    .selectFrom("api_keys")
    .select("id")
    .where("user_id", "=", userId)
    .where("name", "=", row.name)
    .where("revoked_at", "is", null)
    .executeTakeFirst();
  if (sameName !== undefined) throw new Conflict("name", "another key of this user has this name");
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

interface KeyTotal {
  readonly id: string;
  readonly calls: number;
  readonly lastUsedAt: number;
}

/** UPDATE ... FROM takes only one of several rows for the same key, hence the sum. */
function sumByKey(usage: readonly ApiKeyUsage[]): readonly KeyTotal[] {
  const totals = new Map<string, KeyTotal>();
  for (const { id, calls, lastUsedAt } of usage) {
    if (!isStorableText(id)) continue;
    const known = totals.get(id) ?? { id, calls: 0, lastUsedAt: 0 };
    const latest = Math.max(known.lastUsedAt, lastUsedAt.getTime());
    totals.set(id, { id, calls: known.calls + calls, lastUsedAt: latest });
  }
  return [...totals.values()];
}

/** One statement for many keys: both dialects name the columns of VALUES column1, column2, ... */
async function countUsage(trx: Transaction<SqlSchema>, totals: readonly KeyTotal[]): Promise<void> {
  const rows = totals.map(
    ({ id, calls, lastUsedAt }) =>
      sql`(cast(${id} as text), cast(${calls} as bigint), cast(${lastUsedAt} as bigint))`,
  );
  const used = sql<{ column1: string; column2: number; column3: number }>`(values ${sql.join(rows)})`;
  await trx
    .updateTable("api_keys")
    .from(used.as("used"))
    .set({
      total_requests: sql<number>`total_requests + used.column2`,
      last_used_at: sql<number>`case when last_used_at > used.column3 then last_used_at else used.column3 end`,
    })
    .whereRef("api_keys.id", "=", "used.column1")
    .execute();
}
