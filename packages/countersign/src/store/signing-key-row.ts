import type { AuditEntry, NewSigningKey, SigningKeyRecord } from "./session-contracts.ts";
import { requireStorableText } from "./storable-text.ts";
import { requireDate, toDate } from "./stored-date.ts";

/** A signing key as every store keeps it: one row of the table `signing_keys`. Instants are milliseconds since the epoch. */
export interface SigningKeyRow {
  readonly kid: string;
  readonly algorithm: string;
  readonly public_jwk: string | null;
  readonly sealed_key: Uint8Array;
  readonly created_at: number;
  readonly active_from: number;
  readonly retired_at: number | null;
  readonly removed_at: number | null;
}

export interface Retirement {
  readonly retiredAt: Date;
  readonly removedAt: Date;
}

/** The columns that retiring changes. */
export type SigningKeyEdit = Pick<SigningKeyRow, "retired_at" | "removed_at">;

/** A fresh frozen record: nothing in it is shared with the store. */
export function toSigningKeyRecord(row: SigningKeyRow): SigningKeyRecord {
  return Object.freeze({
    kid: row.kid,
    algorithm: row.algorithm,
    publicJwk: row.public_jwk ?? undefined,
    sealedKey: Uint8Array.from(row.sealed_key),
    createdAt: new Date(Number(row.created_at)),
    activeFrom: new Date(Number(row.active_from)),
    retiredAt: toDate(row.retired_at),
    removedAt: toDate(row.removed_at),
  });
}

/** The row of a new key. Throws `Conflict` on text that cannot be stored and `TypeError` on an invalid date. */
export function newSigningKeyRow(key: NewSigningKey, now: number): SigningKeyRow {
  for (const field of ["kid", "algorithm", "publicJwk"] as const) requireStorableText(field, key[field]);
  return {
    kid: key.kid,
    algorithm: key.algorithm,
    public_jwk: key.publicJwk ?? null,
    sealed_key: Uint8Array.from(key.sealedKey),
    created_at: now,
    active_from: requireDate("activeFrom", key.activeFrom),
    retired_at: null,
    removed_at: null,
  };
}

/**
 * What retiring changes; undefined if that is nothing. An instant that is set only moves forward: what was removed
 * because it had leaked must not come back.
 */
export function retireKey(
  row: SigningKeyRow,
  { retiredAt, removedAt }: Retirement,
): SigningKeyEdit | undefined {
  const removed_at = earlier(row.removed_at, requireDate("removedAt", removedAt));
  const retired_at = Math.min(earlier(row.retired_at, requireDate("retiredAt", retiredAt)), removed_at);
  return retired_at === row.retired_at && removed_at === row.removed_at
    ? undefined
    : { retired_at, removed_at };
}

export function signingKeyCreated(row: SigningKeyRow, by: string): AuditEntry {
  const details = { algorithm: row.algorithm, activeFrom: instant(row.active_from) };
  return { actor: by, action: "signing_key.created", target: `signing_key:${row.kid}`, details };
}

export function signingKeyRetired(kid: string, edit: SigningKeyEdit, by: string): AuditEntry {
  const details = { retiredAt: instant(edit.retired_at ?? 0), removedAt: instant(edit.removed_at ?? 0) };
  return { actor: by, action: "signing_key.retired", target: `signing_key:${kid}`, details };
}

function earlier(before: number | null, wanted: number): number {
  return before === null ? wanted : Math.min(Number(before), wanted);
}

function instant(at: number): string {
  return new Date(at).toISOString();
}
