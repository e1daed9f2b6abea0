import type { RevocationEvent } from "../core/revocation.ts";
import type { AuditEntry, NewSession, Rotation, SessionRecord } from "./session-contracts.ts";
import { requireStorableText } from "./storable-text.ts";
import { requireDate, toDate } from "./stored-date.ts";

/** A session as every store keeps it: one row of the table `sessions`. Instants are milliseconds since the epoch. */
export interface SessionRow {
  readonly id: string;
  readonly user_id: string;
  /** A JSON array of strings. */
  readonly methods: string;
  readonly created_at: number;
  readonly refresh_until: number;
  /** The latest `refresh_until` that there ever was: no token of the session can be good after it. */
  readonly tokens_until: number;
  readonly ends_at: number;
  readonly generation: number;
  readonly rotated_at: number;
  readonly address: string;
  readonly user_agent: string;
  readonly revoked_at: number | null;
  readonly revoked_reason: string | null;
}

/** The columns that a rotation or a revocation changes. */
export type SessionEdit = Partial<
  Pick<
    SessionRow,
    "generation" | "rotated_at" | "refresh_until" | "tokens_until" | "revoked_at" | "revoked_reason"
  >
>;

/** What a rotation does to a row. Only `rotated` and `reused` change it. */
export type RotationStep =
  | { readonly kind: "over" }
  | { readonly kind: "replayed" }
  | { readonly kind: "rotated"; readonly edit: SessionEdit }
  | { readonly kind: "reused"; readonly edit: SessionEdit };

/** A fresh frozen record: nothing in it is shared with the store. */
export function toSessionRecord(row: SessionRow): SessionRecord {
  return Object.freeze({
    id: row.id,
    userId: row.user_id,
    methods: Object.freeze(JSON.parse(row.methods) as string[]),
    createdAt: new Date(Number(row.created_at)),
    refreshUntil: new Date(Number(row.refresh_until)),
    endsAt: new Date(Number(row.ends_at)),
    generation: Number(row.generation),
    rotatedAt: new Date(Number(row.rotated_at)),
    address: row.address,
    userAgent: row.user_agent,
    revokedAt: toDate(row.revoked_at),
    revokedReason: row.revoked_reason ?? undefined,
  });
}

/** The row of a new session. Throws `Conflict` on text that cannot be stored and `TypeError` on an invalid date. */
export function newSessionRow(session: NewSession, now: number): SessionRow {
  for (const field of ["id", "address", "userAgent"] as const) requireStorableText(field, session[field]);
  const endsAt = requireDate("endsAt", session.endsAt);
  const refreshUntil = Math.min(requireDate("refreshUntil", session.refreshUntil), endsAt);
  return {
    id: session.id,
    user_id: session.userId,
    methods: JSON.stringify(session.methods),
    created_at: now,
    refresh_until: refreshUntil,
    tokens_until: refreshUntil,
    ends_at: endsAt,
    generation: 1,
    rotated_at: now,
    address: session.address,
    user_agent: session.userAgent,
    revoked_at: null,
    revoked_reason: null,
  };
}

/** Throws for a rotation that no comparison would hold for. */
export function requireRotation({ now, refreshUntil, graceMs }: Rotation): void {
  requireDate("now", now);
  requireDate("refreshUntil", refreshUntil);
  if (!(graceMs >= 0)) throw new RangeError("graceMs must be a number of milliseconds");
}

/**
 * What presenting the token of `rotation.generation` means for a session of an active user. Generations are compared,
 * and time only for the grace: a clock that is wrong cannot make an old token the one in force.
 */
export function rotationStep(row: SessionRow, rotation: Rotation): RotationStep {
  const { generation } = rotation;
  const now = rotation.now.getTime();
  // `refresh_until` is never past `ends_at`.
  if (row.revoked_at !== null || now >= row.refresh_until) return { kind: "over" };
  // Never given out, or given out by a database that has since been replaced by its backup: no sign of a theft here.
  if (!Number.isSafeInteger(generation) || generation < 1 || generation > row.generation)
    return { kind: "over" };
  if (generation === row.generation) return { kind: "rotated", edit: rotated(row, rotation) };
  if (generation === row.generation - 1 && isWithinGrace(row, rotation)) return { kind: "replayed" };
  return { kind: "reused", edit: revoked("refresh token reused", now) };
}

/** The columns of a session that ends now. */
export function revoked(reason: string, now: number): SessionEdit {
  return { revoked_at: now, revoked_reason: reason };
}

/** Tells every node. The entry lasts as long as any token of the session can. */
export function sessionRevoked({ id, tokens_until }: Pick<SessionRow, "id" | "tokens_until">) {
  const expiresAt = Math.ceil(Number(tokens_until) / 1000);
  return { kind: "session", sessionId: id, expiresAt } as const satisfies RevocationEvent;
}

export function revocationAudit(row: SessionRow, why: { reason: string; by: string }): AuditEntry {
  const details = { userId: row.user_id, reason: why.reason };
  const about = { target: `session:${row.id}`, related: `user:${row.user_id}` };
  return { actor: why.by, action: "session.revoked", ...about, details };
}

export function reuseAudit(row: SessionRow, generation: number): AuditEntry {
  const details = { userId: row.user_id, presented: String(generation), inForce: String(row.generation) };
  const about = { target: `session:${row.id}`, related: `user:${row.user_id}` };
  return { actor: "system", action: "session.reuse_detected", ...about, details };
}

function rotated(row: SessionRow, { now, refreshUntil }: Rotation): SessionEdit {
  const refresh_until = Math.min(refreshUntil.getTime(), Number(row.ends_at));
  return {
    generation: Number(row.generation) + 1,
    // Never back: tokens carry this instant, and what was issued before some instant may have been revoked.
    rotated_at: Math.max(now.getTime(), Number(row.rotated_at)),
    refresh_until,
    tokens_until: Math.max(refresh_until, Number(row.tokens_until)),
  };
}

/** To both sides, because another node's clock may be a little ahead of this one's. */
function isWithinGrace(row: SessionRow, { now, graceMs }: Rotation): boolean {
  return graceMs > 0 && Math.abs(now.getTime() - Number(row.rotated_at)) <= graceMs;
}
