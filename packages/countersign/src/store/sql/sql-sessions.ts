import { type Kysely, sql, type Transaction } from "kysely";
import type { MaybePromise } from "../../core/decision.ts";
import type { RevocationEvent } from "../../core/revocation.ts";
import { Conflict } from "../contracts.ts";
import { passwordChanged, unlockAudit } from "../login-guard.ts";
import { pageLimit } from "../page-limit.ts";
import type {
  NewSession,
  RevokeAll,
  Rotation,
  RotationResult,
  SessionQuery,
  SessionRecord,
  SessionStore,
  Why,
} from "../session-contracts.ts";
import {
  newSessionRow,
  requireRotation,
  reuseAudit,
  revocationAudit,
  revoked,
  rotationStep,
  type SessionRow,
  sessionRevoked,
  toSessionRecord,
} from "../session-row.ts";
import { isStorableText, requireStorableText } from "../storable-text.ts";
import { issuedBefore, requireRevokeAll, revokeAllAudit, tokenCut } from "../token-cut.ts";
import { noSuchUser } from "../user-conflict.ts";
import { parseUserId } from "../user-id.ts";
import { nothingCounted } from "../user-row.ts";
import { endSessions } from "./end-sessions.ts";
import { rememberNetwork } from "./known-networks.ts";
import { pruneTable } from "./prune-table.ts";
import { appendAudit } from "./sql-audit.ts";
import type { SqlBackend } from "./sql-backend.ts";
import { appendRevocations } from "./sql-revocation-log.ts";
import type { SqlSchema } from "./sql-schema.ts";

const columns = [
  "id",
  "methods",
  "created_at",
  "refresh_until",
  "tokens_until",
  "ends_at",
  "generation",
  "rotated_at",
  "address",
  "user_agent",
  "revoked_at",
  "revoked_reason",
] as const;

export class SqlSessions implements SessionStore {
  readonly #backend: SqlBackend;
  readonly #now: () => number;
  readonly #firstById: ((id: string) => SessionRow | undefined) | undefined;

  constructor(backend: SqlBackend, now: () => number) {
    this.#backend = backend;
    this.#now = now;
    this.#firstById = backend.prepareFirst?.<SessionRow>(byId(backend.reader, "").compile().sql);
  }

  async create(session: NewSession): Promise<SessionRecord> {
    const wanted = newSessionRow(session, this.#now());
    const userId = parseUserId(session.userId);
    if (userId === undefined) throw noSuchUser();
    return this.#backend.write(async (trx) => {
      if (!(await isActive(trx, userId))) throw noSuchUser();
      if ((await byId(trx, wanted.id).executeTakeFirst()) !== undefined) {
        throw new Conflict("id", "this id is in use");
      }
      if (session.password !== undefined) await this.#settle(trx, userId, session.password);
      const now = Math.max(wanted.created_at, await lastCut(trx, userId));
      const row = { ...wanted, created_at: now, rotated_at: now };
      await trx
        .insertInto("sessions")
        .values({ ...row, user_id: userId })
        .execute();
      const { network } = session;
      if (network !== undefined) await rememberNetwork(trx, { userId, network, now: row.created_at });
      return toSessionRecord(row);
    });
  }

  /** The password that was proven must still be the user's, and then nothing is counted against it. */
  async #settle(trx: Transaction<SqlSchema>, userId: bigint, proven: string): Promise<void> {
    const user = await trx
      .selectFrom("users")
      .select(["password_hash", "password_failures", "password_locked_at"])
      .where("id", "=", userId)
      .executeTakeFirst();
    if (user?.password_hash !== proven) throw passwordChanged();
    if (Number(user.password_failures) === 0) return;
    await trx.updateTable("users").set(nothingCounted).where("id", "=", userId).execute();
    if (user.password_locked_at === null) return;
    await appendAudit(trx, unlockAudit(String(userId), String(userId)), this.#now());
  }

  load(id: string): MaybePromise<SessionRecord | undefined> {
    if (!isStorableText(id)) return undefined;
    if (this.#firstById === undefined)
      return byId(this.#backend.reader, id).executeTakeFirst().then(toRecord);
    return toRecord(this.#firstById(id));
  }

  async list({ userId, limit, after, liveAt }: SessionQuery): Promise<readonly SessionRecord[]> {
    let query = selectSessions(this.#backend.reader);
    if (userId !== undefined) {
      const owner = parseUserId(userId);
      if (owner === undefined) return [];
      query = query.where("user_id", "=", owner);
    }
    if (after !== undefined) {
      const { createdAt, id } = after;
      if (!isStorableText(id)) return [];
      query = query.where((eb) =>
        eb(eb.refTuple("created_at", "id"), "<", eb.tuple(createdAt.getTime(), id)),
      );
    }
    if (liveAt !== undefined) {
      query = query.where("revoked_at", "is", null).where("refresh_until", ">", liveAt.getTime());
    }
    const rows = await query
      .orderBy("created_at", "desc")
      .orderBy("sessions.id", "desc")
      .limit(pageLimit(limit))
      .execute();
    return rows.map(toSessionRecord);
  }

  async rotate(id: string, rotation: Rotation): Promise<RotationResult> {
    requireRotation(rotation);
    if (!isStorableText(id)) return { kind: "over" };
    return this.#backend.write(async (trx) => {
      const row = await byId(trx, id).executeTakeFirst();
      if (row === undefined || !(await isActive(trx, BigInt(row.user_id)))) return { kind: "over" };
      const step = rotationStep(row, rotation);
      if (step.kind === "over") return { kind: "over" };
      if (step.kind === "replayed") return { kind: "replayed", session: toSessionRecord(row) };
      await trx.updateTable("sessions").set(step.edit).where("id", "=", id).execute();
      if (step.kind === "reused") {
        const now = this.#now();
        await appendRevocations(trx, [sessionRevoked(row)], now);
        await appendAudit(trx, reuseAudit(row, rotation.generation), now);
      }
      return { kind: step.kind, session: toSessionRecord({ ...row, ...step.edit }) };
    });
  }

  async revoke(id: string, why: Why): Promise<SessionRecord | undefined> {
    requireStorableText("reason", why.reason);
    requireStorableText("by", why.by);
    if (!isStorableText(id)) return undefined;
    return this.#backend.write(async (trx) => {
      const row = await byId(trx, id).executeTakeFirst();
      if (row === undefined || row.revoked_at !== null) return toRecord(row);
      const now = this.#now();
      const edit = revoked(why.reason, now);
      await trx.updateTable("sessions").set(edit).where("id", "=", id).execute();
      await appendRevocations(trx, [sessionRevoked(row)], now);
      await appendAudit(trx, revocationAudit(row, why), now);
      return toSessionRecord({ ...row, ...edit });
    });
  }

  async revokeAll(userId: string, why: RevokeAll): Promise<number> {
    requireRevokeAll(why);
    const key = parseUserId(userId);
    if (key === undefined) return 0;
    return this.#backend.write(async (trx) => {
      if ((await isActive(trx, key)) === undefined) return 0;
      const now = this.#now();
      const kept = await unendedId(trx, { userId: key, id: why.except, now });
      const ended = await endSessions(trx, key, { reason: why.reason, now, except: kept });
      const events: RevocationEvent[] = [
        ...ended,
        issuedBefore(userId, now, { tokensUntil: why.tokensUntil, kept }),
      ];
      if (kept === undefined) await raiseCut(trx, key, tokenCut(now));
      await appendRevocations(trx, events, now);
      await appendAudit(trx, revokeAllAudit(userId, why, { ended: ended.length, kept }), now);
      return ended.length;
    });
  }

  async prune(now: Date, keepSeconds: number): Promise<void> {
    const oldest = now.getTime() - keepSeconds * 1000;
    const isSpent = sql<boolean>`refresh_until <= ${oldest} or revoked_at <= ${oldest}`;
    await pruneTable(this.#backend, { table: "sessions", key: "id", isSpent });
  }
}

function selectSessions(db: Kysely<SqlSchema>) {
  return db
    .selectFrom("sessions")
    .select((eb) => eb.cast<string>("user_id", "text").as("user_id"))
    .select(columns);
}

function byId(db: Kysely<SqlSchema>, id: string) {
  return selectSessions(db).where("sessions.id", "=", id);
}

function toRecord(row: SessionRow | undefined): SessionRecord | undefined {
  return row && toSessionRecord(row);
}

/** Undefined if there is no such user. */
async function isActive(trx: Transaction<SqlSchema>, userId: bigint): Promise<boolean | undefined> {
  const user = await trx
    .selectFrom("users")
    .leftJoin("tenants", "tenants.id", "users.tenant")
    .select(["users.is_active as active", "tenants.disabled_at as disabledAt"])
    .where("users.id", "=", userId)
    .executeTakeFirst();
  return user && Number(user.active) !== 0 && user.disabledAt === null;
}

/** The id, if it is that of a session of this user that could be ended. */
async function unendedId(
  trx: Transaction<SqlSchema>,
  { userId, id, now }: { userId: bigint; id: string | undefined; now: number },
): Promise<string | undefined> {
  if (id === undefined || !isStorableText(id)) return undefined;
  const row = await trx
    .selectFrom("sessions")
    .select("id")
    .where("id", "=", id)
    .where("user_id", "=", userId)
    .where("revoked_at", "is", null)
    .where("tokens_until", ">", now)
    .executeTakeFirst();
  return row?.id;
}

/** The instant from which on tokens of the user are good again. */
async function lastCut(trx: Transaction<SqlSchema>, userId: bigint): Promise<number> {
  const row = await trx
    .selectFrom("token_cuts")
    .select("cut")
    .where("user_id", "=", userId)
    .executeTakeFirst();
  return Number(row?.cut ?? 0);
}

async function raiseCut(trx: Transaction<SqlSchema>, userId: bigint, wanted: number): Promise<void> {
  const cut = Math.max(wanted, await lastCut(trx, userId));
  await trx
    .insertInto("token_cuts")
    .values({ user_id: userId, cut })
    .onConflict((conflict) => conflict.column("user_id").doUpdateSet({ cut }))
    .execute();
}
