import { Conflict } from "./contracts.ts";
import type { AuditEntry, TotpRecord } from "./session-contracts.ts";
import { toDate } from "./stored-date.ts";

/** An enrolment as every store keeps it: one row of the table `totp`. */
export interface TotpRow {
  readonly user_id: string;
  readonly sealed_secret: Uint8Array;
  /** Milliseconds since the epoch. */
  readonly confirmed_at: number | null;
  readonly last_step: number;
}

/** A fresh frozen record: nothing in it is shared with the store. */
export function toTotpRecord(row: TotpRow): TotpRecord {
  return Object.freeze({
    userId: row.user_id,
    sealedSecret: Uint8Array.from(row.sealed_secret),
    confirmedAt: toDate(row.confirmed_at),
    lastStep: Number(row.last_step),
  });
}

/** An enrolment that was begun, and no step of it used: steps count from the epoch. */
export function newTotpRow(userId: string, sealedSecret: Uint8Array): TotpRow {
  return { user_id: userId, sealed_secret: Uint8Array.from(sealedSecret), confirmed_at: null, last_step: 0 };
}

/** Throws `RangeError`: SQL would read NaN as NULL. */
export function requireStep(step: number): void {
  if (!Number.isSafeInteger(step)) throw new RangeError("step must be an integer");
}

export function alreadyConfirmed(): Conflict {
  return new Conflict("userId", "this user has a second factor");
}

/** Users look after their own second factor, unless `by` says who else did. */
export function totpAudit(
  action: "enabled" | "disabled" | "recovery_code_used",
  userId: string,
  by = userId,
): AuditEntry {
  return { actor: by, action: `totp.${action}`, target: `user:${userId}`, details: {} };
}
