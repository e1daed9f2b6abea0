import type { RevocationEvent } from "../core/revocation.ts";
import { Conflict } from "./contracts.ts";
import type { AuditEntry, NewSigningKey, SigningKeyRecord } from "./session-contracts.ts";
import { requireStorableText } from "./storable-text.ts";
import { requireDate, toDate } from "./stored-date.ts";

/** A signing key as every store keeps it: one row of the table `signing_keys`. Instants are milliseconds since the epoch. */
export interface SigningKeyRow {
  readonly kid: string;
  readonly algorithm: string;
  readonly public_jwk: string | null;
  readonly sealed_key: Uint8Array;
  readonly lifetime_seconds: number;
  readonly created_at: number;
  readonly active_from: number;
  readonly retired_at: number | null;
  readonly removed_at: number | null;
}

/** The columns that change. */
export type SigningKeyEdit = Pick<SigningKeyRow, "retired_at" | "removed_at">;

/** Verifiers accept a token for some leeway after its end, and clocks differ: a key is kept for longer than both. */
const marginSeconds = 300;

/** A fresh frozen record: nothing in it is shared with the store. */
export function toSigningKeyRecord(row: SigningKeyRow): SigningKeyRecord {
  return Object.freeze({
    kid: row.kid,
    algorithm: row.algorithm,
    publicJwk: row.public_jwk ?? undefined,
    sealedKey: Uint8Array.from(row.sealed_key),
    lifetimeSeconds: Number(row.lifetime_seconds),
    createdAt: new Date(Number(row.created_at)),
    activeFrom: new Date(Number(row.active_from)),
    retiredAt: toDate(row.retired_at),
    removedAt: toDate(row.removed_at),
  });
}

/** The row of a new key. Throws `Conflict` on text that cannot be stored, and `TypeError` for other nonsense. */
export function newSigningKeyRow(key: NewSigningKey, now: number): SigningKeyRow {
  for (const field of ["kid", "algorithm", "publicJwk"] as const) requireStorableText(field, key[field]);
  return {
    kid: key.kid,
    algorithm: key.algorithm,
    public_jwk: key.publicJwk ?? null,
    sealed_key: Uint8Array.from(key.sealedKey),
    lifetime_seconds: requireLifetime(key.lifetimeSeconds),
    created_at: now,
    active_from: requireDate("activeFrom", key.activeFrom),
    retired_at: null,
    removed_at: null,
  };
}

export function requireLifetime(seconds: number): number {
  if (Number.isSafeInteger(seconds) && seconds > 0) return seconds;
  throw new TypeError("lifetimeSeconds is a whole number from 1 up");
}

/** What retiring changes; undefined if that is nothing. */
export function retireKey(row: SigningKeyRow, at: number): SigningKeyEdit | undefined {
  const retired_at = earlier(row.retired_at, at);
  const removed_at = earlier(row.removed_at, lastExpiry(retired_at, row.lifetime_seconds));
  return changed(row, { retired_at, removed_at });
}

/** What removing changes; undefined if that is nothing. */
export function removeKey(row: SigningKeyRow, now: number): SigningKeyEdit | undefined {
  const removed_at = earlier(row.removed_at, now);
  return changed(row, { retired_at: Math.min(earlier(row.retired_at, now), removed_at), removed_at });
}

/** What signing tokens of this lifetime changes. Undefined for a key that signs no more. */
export function extendKey(
  row: SigningKeyRow,
  seconds: number,
  now: number,
): Pick<SigningKeyRow, "lifetime_seconds" | "removed_at"> | undefined {
  if (row.retired_at !== null && Number(row.retired_at) <= now) return undefined;
  const lifetime_seconds = Math.max(Number(row.lifetime_seconds), seconds);
  const removed_at = row.retired_at === null ? null : lastExpiry(Number(row.retired_at), lifetime_seconds);
  return { lifetime_seconds, removed_at };
}

/** Is there no other key that signs now, or none that goes on without an end? */
export function needsSuccessor(rows: readonly SigningKeyRow[], kid: string, now: number): boolean {
  const others = rows.filter((row) => row.kid !== kid);
  const signsNow = ({ active_from, retired_at }: SigningKeyRow) =>
    Number(active_from) <= now && (retired_at === null || Number(retired_at) > now);
  return !others.some(signsNow) || !others.some(({ retired_at }) => retired_at === null);
}

/** Throws `Conflict`: a kid is never used twice, also when its key is gone. */
export function requireFreeKid(rows: Iterable<SigningKeyRow>, kid: string): void {
  for (const row of rows) if (row.kid === kid) throw new Conflict("kid", "this kid is in use");
}

/** Refuses what the key signed and what another node, which has not heard of it yet, may still sign. */
export function keyRemoved(row: SigningKeyRow, now: number): RevocationEvent {
  const expiresAt = Math.ceil(lastExpiry(now, row.lifetime_seconds) / 1000);
  return { kind: "signing-key", kid: row.kid, expiresAt };
}

export function signingKeyCreated(row: SigningKeyRow, by: string): AuditEntry {
  const details = { algorithm: row.algorithm, activeFrom: instant(row.active_from) };
  return { actor: by, action: "signing_key.created", target: `signing_key:${row.kid}`, details };
}

export function signingKeyRetired(kid: string, edit: SigningKeyEdit, by: string): AuditEntry {
  const details = { retiredAt: instant(edit.retired_at ?? 0), removedAt: instant(edit.removed_at ?? 0) };
  return { actor: by, action: "signing_key.retired", target: `signing_key:${kid}`, details };
}

export function signingKeyRemoved(kid: string, by: string): AuditEntry {
  return { actor: by, action: "signing_key.removed", target: `signing_key:${kid}`, details: {} };
}

function changed(row: SigningKeyRow, edit: SigningKeyEdit): SigningKeyEdit | undefined {
  const same = sameInstant(row.retired_at, edit.retired_at) && sameInstant(row.removed_at, edit.removed_at);
  return same ? undefined : edit;
}

/** PostgreSQL's driver gives 64-bit integers as text. */
function sameInstant(before: number | null, after: number | null): boolean {
  return before === null || after === null ? before === after : Number(before) === Number(after);
}

function lastExpiry(retiredAt: number, lifetimeSeconds: number): number {
  return retiredAt + (Number(lifetimeSeconds) + marginSeconds) * 1000;
}

function earlier(before: number | null, wanted: number): number {
  return before === null ? wanted : Math.min(Number(before), wanted);
}

function instant(at: number): string {
  return new Date(Number(at)).toISOString();
}
