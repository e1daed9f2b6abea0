import type { RevocationEvent } from "../../core/revocation.ts";
import { Conflict } from "../contracts.ts";
import { passwordChanged, unlockAudit } from "../login-guard.ts";
import { newestFirst } from "../newest-first.ts";
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
  type SessionEdit,
  type SessionRow,
  sessionRevoked,
  toSessionRecord,
} from "../session-row.ts";
import { requireStorableText } from "../storable-text.ts";
import { issuedBefore, requireRevokeAll, revokeAllAudit, tokenCut } from "../token-cut.ts";
import { noSuchUser } from "../user-conflict.ts";
import type { MemoryAudit } from "./memory-audit.ts";
import type { MemoryRevocationLog } from "./memory-revocation-log.ts";
import type { MemoryUsers, OwnedByUsers } from "./memory-users.ts";

export interface MemorySessionsOptions {
  readonly now: () => number;
  readonly revocations: MemoryRevocationLog;
  readonly audit: MemoryAudit;
  readonly users: Pick<
    MemoryUsers,
    "has" | "isActive" | "hasPassword" | "forgetFailures" | "rememberNetwork"
  >;
}

export class MemorySessions implements SessionStore, OwnedByUsers {
  readonly #options: MemorySessionsOptions;
  readonly #rows = new Map<string, SessionRow>();
  /** By user: the instant from which on tokens are good again. */
  readonly #cuts = new Map<string, number>();

  constructor(options: MemorySessionsOptions) {
    this.#options = options;
  }

  async create(session: NewSession): Promise<SessionRecord> {
    const now = Math.max(this.#options.now(), this.#cuts.get(session.userId) ?? 0);
    const row = newSessionRow(session, now);
    if (!this.#options.users.isActive(row.user_id)) throw noSuchUser();
    if (this.#rows.has(row.id)) throw new Conflict("id", "this id is in use");
    if (session.password !== undefined) this.#settle(row.user_id, session.password);
    if (session.network !== undefined) this.#options.users.rememberNetwork(row.user_id, session.network, now);
    this.#rows.set(row.id, row);
    return toSessionRecord(row);
  }

  /** The password that was proven must still be the user's, and then nothing is counted against it. */
  #settle(userId: string, proven: string): void {
    const { users, audit } = this.#options;
    if (!users.hasPassword(userId, proven)) throw passwordChanged();
    if (users.forgetFailures(userId)) audit.appendNow(unlockAudit(userId, userId));
  }

  load(id: string): SessionRecord | undefined {
    const row = this.#rows.get(id);
    return row && toSessionRecord(row);
  }

  async list({ userId, limit, after, liveAt }: SessionQuery): Promise<readonly SessionRecord[]> {
    const position = after && { created_at: after.createdAt.getTime(), id: after.id };
    return [...this.#rows.values()]
      .filter((row) => userId === undefined || row.user_id === userId)
      .filter((row) => position === undefined || newestFirst(position, row) < 0)
      .filter((row) => liveAt === undefined || isLive(row, liveAt.getTime()))
      .sort(newestFirst)
      .slice(0, pageLimit(limit))
      .map(toSessionRecord);
  }

  async rotate(id: string, rotation: Rotation): Promise<RotationResult> {
    requireRotation(rotation);
    const row = this.#rows.get(id);
    if (row === undefined || !this.#options.users.isActive(row.user_id)) return { kind: "over" };
    const step = rotationStep(row, rotation);
    if (step.kind === "over") return { kind: "over" };
    if (step.kind === "replayed") return { kind: "replayed", session: toSessionRecord(row) };
    if (step.kind === "reused") {
      this.#options.revocations.appendNow([sessionRevoked(row)]);
      this.#options.audit.appendNow(reuseAudit(row, rotation.generation));
    }
    return { kind: step.kind, session: this.#edit(row, step.edit) };
  }

  async revoke(id: string, why: Why): Promise<SessionRecord | undefined> {
    requireStorableText("reason", why.reason);
    requireStorableText("by", why.by);
    const row = this.#rows.get(id);
    if (row === undefined || row.revoked_at !== null) return row && toSessionRecord(row);
    this.#options.revocations.appendNow([sessionRevoked(row)]);
    this.#options.audit.appendNow(revocationAudit(row, why));
    return this.#edit(row, revoked(why.reason, this.#options.now()));
  }

  async revokeAll(userId: string, why: RevokeAll): Promise<number> {
    requireRevokeAll(why);
    if (!this.#options.users.has(userId)) return 0;
    const now = this.#options.now();
    const rows = this.#unended(userId, now);
    const kept = rows.find(({ id }) => id === why.except)?.id;
    const ended = rows.filter(({ id }) => id !== kept);
    const events: RevocationEvent[] = ended.map(sessionRevoked);
    events.push(issuedBefore(userId, now, { tokensUntil: why.tokensUntil, kept }));
    if (kept === undefined) this.#cuts.set(userId, Math.max(tokenCut(now), this.#cuts.get(userId) ?? 0));
    this.#options.revocations.appendNow(events);
    this.#options.audit.appendNow(revokeAllAudit(userId, why, { ended: ended.length, kept }));
    for (const row of ended) this.#edit(row, revoked(why.reason, now));
    return ended.length;
  }

  async prune(now: Date, keepSeconds: number): Promise<void> {
    const oldest = now.getTime() - keepSeconds * 1000;
    for (const { id, refresh_until, revoked_at } of this.#rows.values()) {
      if (refresh_until <= oldest || (revoked_at !== null && revoked_at <= oldest)) this.#rows.delete(id);
    }
  }

  userDeleted(userId: string): readonly RevocationEvent[] {
    const now = this.#options.now();
    const rows = this.#unended(userId, now);
    for (const row of rows) this.#edit(row, revoked("user deleted", now));
    this.#cuts.delete(userId);
    return rows.map(sessionRevoked);
  }

  /** Those of which a token may still be good. */
  #unended(userId: string, now: number): SessionRow[] {
    return [...this.#rows.values()].filter(
      (row) => row.user_id === userId && row.revoked_at === null && row.tokens_until > now,
    );
  }

  #edit(row: SessionRow, edit: SessionEdit): SessionRecord {
    const edited = { ...row, ...edit };
    this.#rows.set(row.id, edited);
    return toSessionRecord(edited);
  }
}

function isLive({ revoked_at, refresh_until }: SessionRow, at: number): boolean {
  return revoked_at === null && refresh_until > at;
}
