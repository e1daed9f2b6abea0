import { Conflict } from "./contracts.ts";
import type { AuditEntry, PasswordStreak } from "./session-contracts.ts";
import type { UserRow } from "./user-row.ts";

/** For how long a network counts as one that the user logs in from: 30 days, in milliseconds. */
export const knownForMs = 30 * 86_400_000;

/** What counting one more login with the password does to a user's row. */
export interface Counted {
  readonly locked: boolean;
  /** What to change; undefined for nothing. */
  readonly edit: Partial<Pick<UserRow, "password_failures" | "password_locked_at">> | undefined;
  /** Set when the account is locked by this one. */
  readonly audit: AuditEntry | undefined;
}

/** Throws `RangeError` for a limit that would admit anything. */
export function requireStreak({ limit, lockAt }: PasswordStreak): void {
  for (const [name, value] of Object.entries({ limit, lockAt })) {
    if (!Number.isSafeInteger(value) || value < 1) throw new RangeError(`${name} must be a positive integer`);
  }
}

/** Counted before it is looked at: a right one sets the count back afterwards. */
export function countLogin(
  row: Pick<UserRow, "password_failures" | "password_locked_at">,
  { userId, limit, lockAt }: PasswordStreak,
  now: number,
): Counted {
  const failures = Number(row.password_failures);
  if (failures >= limit) return { locked: true, edit: undefined, audit: undefined };
  const password_failures = failures + 1;
  if (password_failures < lockAt || row.password_locked_at !== null) {
    return { locked: false, edit: { password_failures }, audit: undefined };
  }
  const details = { logins: String(password_failures) };
  const audit = { actor: "system", action: "password.locked", target: `user:${userId}`, details };
  return { locked: false, edit: { password_failures, password_locked_at: now }, audit };
}

export function unlockAudit(userId: string, by: string): AuditEntry {
  return { actor: by, action: "password.unlocked", target: `user:${userId}`, details: {} };
}

/** The password that was proven is not the user's any more. */
export function passwordChanged(): Conflict {
  return new Conflict("password", "the password has been changed");
}
