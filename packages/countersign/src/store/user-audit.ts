import type { AuditEntry } from "./audit-contracts.ts";
import { changedValues, filledValues } from "./changed-values.ts";
import type { UserRow } from "./user-row.ts";

/** The audit row of a new account. */
export function userCreated(row: UserRow): AuditEntry {
  return { action: "user.created", ...about(row), details: {}, after: filledValues(valuesOf(row)) };
}

/** The audit row of a change. Of the application's own attributes it names those that changed, and says not to what. */
export function userUpdated(before: UserRow, after: UserRow): AuditEntry {
  const attributes = changedAttributes(before, after);
  return {
    action: actionOf(before, after),
    ...about(after),
    details: {
      ...(before.password_hash !== after.password_hash && { password: "set" }),
      ...(attributes.length > 0 && { attributes: attributes.join(",") }),
    },
    ...changedValues(valuesOf(before), valuesOf(after)),
  };
}

/** The audit row of an account that is gone, and of what was revoked with it. */
export function userDeleted(
  row: UserRow,
  { keys, sessions }: { readonly keys: number; readonly sessions: number },
): AuditEntry {
  const details = { revokedKeys: String(keys), endedSessions: String(sessions) };
  return { action: "user.deleted", ...about(row), details, before: filledValues(valuesOf(row)) };
}

function actionOf(before: UserRow, after: UserRow): string {
  if (Number(before.is_active) !== Number(after.is_active))
    return Number(after.is_active) === 0 ? "user.disabled" : "user.enabled";
  return before.password_hash === after.password_hash ? "user.updated" : "user.password_set";
}

function about({ id, tenant }: UserRow): Pick<AuditEntry, "target" | "tenant"> {
  return { target: `user:${id}`, tenant };
}

function valuesOf(row: UserRow): Readonly<Record<string, string>> {
  const flag = (value: number): string => String(Number(value) !== 0);
  return {
    username: row.username,
    email: row.email ?? "",
    tenant: row.tenant ?? "",
    active: flag(row.is_active),
    staff: flag(row.is_staff),
    superuser: flag(row.is_superuser),
    password: String(row.password_hash !== null),
    roles: row.roles?.split(",").sort().join(",") ?? "",
  };
}

function changedAttributes(before: UserRow, after: UserRow): readonly string[] {
  const [was, is] = [before, after].map((row) => JSON.parse(row.attributes) as Record<string, string>);
  return Object.keys(changedValues(was ?? {}, is ?? {}).after).sort();
}
