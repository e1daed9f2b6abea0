import type { RevocationEvent } from "../core/revocation.ts";
import type { NewUser, UserPatch, UserRecord } from "./contracts.ts";
import { foldCase } from "./fold-case.ts";
import { requireStorableText } from "./storable-text.ts";
import { toDate } from "./stored-date.ts";

/**
 * A user as every store keeps it: one row of the table `users`. Instants are milliseconds since the epoch and flags
 * 0 or 1, because these are the same in SQLite and PostgreSQL.
 */
export interface UserRow {
  readonly id: string;
  readonly username: string;
  readonly username_folded: string;
  readonly email: string | null;
  readonly email_folded: string | null;
  readonly is_active: number;
  readonly is_staff: number;
  readonly is_superuser: number;
  readonly password_hash: string | null;
  /** A JSON object of strings. */
  readonly attributes: string;
  readonly created_at: number;
  readonly updated_at: number;
  /** Logins with the password since one was right. */
  readonly password_failures: number;
  /** Since when nobody gets in with the password: too many were wrong. */
  readonly password_locked_at: number | null;
  readonly tenant: string | null;
  /** The names of the user's roles, parted by commas; null for none. In SQL they are rows of `user_roles`. */
  readonly roles: string | null;
  /** Since when its tenant is disabled. In SQL it stands in `tenants`. */
  readonly tenant_disabled_at: number | null;
}

/** What is read with a row and stands elsewhere. */
export type UserRowElsewhere = "roles" | "tenant_disabled_at";

/** What an update does to a row. */
export interface UserChange {
  readonly row: UserRow;
  readonly event: RevocationEvent;
  /** The member of the patch by which an active superuser stops being one. */
  readonly stepsDownBy: "isActive" | "isSuperuser" | undefined;
}

const none: readonly string[] = Object.freeze([]);

/** A fresh frozen record: nothing in it is shared with the store. */
export function toUserRecord(row: UserRow): UserRecord {
  return Object.freeze({
    id: row.id,
    username: row.username,
    email: row.email ?? undefined,
    isActive: isSet(row.is_active) && row.tenant_disabled_at === null,
    isStaff: isSet(row.is_staff),
    isSuperuser: isSet(row.is_superuser),
    roles: row.roles === null ? none : Object.freeze(row.roles.split(",").sort()),
    permissions: none,
    attributes: Object.freeze(JSON.parse(row.attributes) as Record<string, string>),
    createdAt: new Date(Number(row.created_at)),
    updatedAt: new Date(Number(row.updated_at)),
    passwordLockedAt: toDate(row.password_locked_at),
    tenantId: row.tenant ?? undefined,
  });
}

/** The row of a new user, without the id that the store gives it. Throws `Conflict` on text that cannot be stored. */
export function newUserRow(user: NewUser, now: number): Omit<UserRow, "id" | UserRowElsewhere> {
  requireStorableText("passwordHash", user.passwordHash);
  requireStorableText("tenant", user.tenantId);
  return {
    ...usernameColumns(user.username),
    ...emailColumns(user.email ?? ""),
    is_active: 1,
    is_staff: user.isStaff === true ? 1 : 0,
    is_superuser: user.isSuperuser === true ? 1 : 0,
    password_hash: user.passwordHash ?? null,
    attributes: mergeAttributes("{}", user.attributes),
    created_at: now,
    updated_at: now,
    ...nothingCounted,
    tenant: user.tenantId ?? null,
  };
}

/** Of an account with a new password, and after a right login. */
export const nothingCounted = Object.freeze({ password_failures: 0, password_locked_at: null });

/** Applies a patch; undefined if it changes nothing. Throws `Conflict` on text that cannot be stored. */
export function changeUser(before: UserRow, patch: UserPatch, now: number): UserChange | undefined {
  requireStorableText("passwordHash", patch.passwordHash);
  const row: UserRow = {
    ...before,
    ...(patch.username === undefined ? {} : usernameColumns(patch.username)),
    ...(patch.email === undefined ? {} : emailColumns(patch.email)),
    is_active: flag(patch.isActive, before.is_active),
    is_staff: flag(patch.isStaff, before.is_staff),
    is_superuser: flag(patch.isSuperuser, before.is_superuser),
    password_hash: patch.passwordHash ?? before.password_hash,
    attributes: mergeAttributes(before.attributes, patch.attributes),
  };
  if (userColumns.every((column) => row[column] === before[column])) return undefined;
  const counted = row.password_hash === before.password_hash ? {} : nothingCounted;
  return {
    row: { ...row, ...counted, updated_at: now },
    event: eventOf(before, row),
    stepsDownBy: stepDown(before, row),
  };
}

/** The columns that a patch can change. */
const userColumns = [
  "username",
  "email",
  "is_active",
  "is_staff",
  "is_superuser",
  "password_hash",
  "attributes",
] as const satisfies readonly (keyof UserRow)[];

/** Whether this is a user without whom nobody may be left to administer the rest: a tenant's is none. */
export function isActiveSuperuser(row: UserRow): boolean {
  return isSet(row.is_active) && isSet(row.is_superuser) && row.tenant === null;
}

/** A user who was and stays disabled is reported as disabled: a follower keeps the last state that it was told. */
function eventOf(before: UserRow, after: UserRow): RevocationEvent {
  const enabled = isSet(before.is_active) ? "changed" : "enabled";
  return { kind: "user", userId: after.id, state: isSet(after.is_active) ? enabled : "disabled" };
}

function stepDown(before: UserRow, after: UserRow): UserChange["stepsDownBy"] {
  if (!isActiveSuperuser(before) || isActiveSuperuser(after)) return undefined;
  return isSet(after.is_superuser) ? "isActive" : "isSuperuser";
}

function usernameColumns(username: string): Pick<UserRow, "username" | "username_folded"> {
  requireStorableText("username", username);
  return { username, username_folded: foldCase(username) };
}

function emailColumns(email: string): Pick<UserRow, "email" | "email_folded"> {
  requireStorableText("email", email);
  return email === "" ? { email: null, email_folded: null } : { email, email_folded: foldCase(email) };
}

/** JSON escapes what plain text columns cannot hold; entries, not assignments, so that `__proto__` is a mere name. */
function mergeAttributes(before: string, patch: Readonly<Record<string, string>> | undefined): string {
  if (patch === undefined) return before;
  const merged = new Map(Object.entries(JSON.parse(before) as Record<string, string>));
  for (const [name, value] of Object.entries(patch)) {
    if (value === "") merged.delete(name);
    else merged.set(name, value);
  }
  return JSON.stringify(Object.fromEntries(merged));
}

function flag(wanted: boolean | undefined, before: number): number {
  return wanted === undefined ? before : Number(wanted);
}

function isSet(value: number): boolean {
  return Number(value) !== 0;
}
