import { timestampDate } from "@bufbuild/protobuf/wkt";
import type { User } from "countersign/descriptors";
import { oneLine } from "../terminal/failure.ts";
import { type Column, details, instant, yesNo } from "../terminal/table.ts";

/** Users as a table. */
export const userColumns: readonly Column<User>[] = [
  ["ID", ({ id }) => String(id)],
  ["USERNAME", ({ username }) => username],
  ["EMAIL", ({ email }) => email],
  ["STATUS", statusOf],
  ["STAFF", ({ isStaff }) => yesNo(isStaff)],
  ["SUPERUSER", ({ isSuperuser }) => yesNo(isSuperuser)],
  ["CREATED", ({ createdAt }) => instant(createdAt && timestampDate(createdAt))],
];

interface UserFacts {
  readonly permissions?: readonly string[] | undefined;
  readonly hasSecondFactor?: boolean;
}

/** One user as lines; with what else is known. */
export function userDetails(
  user: User | undefined,
  { permissions, hasSecondFactor }: UserFacts = {},
): string {
  if (user === undefined) return "";
  return details([
    ["id", String(user.id)],
    ["username", user.username],
    ["email", user.email],
    ["status", statusOf(user)],
    ...(user.tenant === "" ? [] : [["tenant", user.tenant] as const]),
    ["staff", yesNo(user.isStaff)],
    ["superuser", yesNo(user.isSuperuser)],
    ...(hasSecondFactor === undefined ? [] : [["second factor", yesNo(hasSecondFactor)] as const]),
    ["roles", user.roles.join(" ")],
    ...(permissions === undefined ? [] : [["permissions", permissions.join(" ")] as const]),
    ["created", instant(user.createdAt && timestampDate(user.createdAt))],
    ["updated", instant(user.updatedAt && timestampDate(user.updatedAt))],
    ...lockOf(user),
  ]);
}

function lockOf({ passwordLockedAt, username }: User): readonly (readonly [string, string])[] {
  if (passwordLockedAt === undefined) return [];
  const since = instant(timestampDate(passwordLockedAt));
  return [
    ["password locked", `${since}: too many were wrong; countersign users enable ${oneLine(username)}`],
  ];
}

function statusOf({ isActive, passwordLockedAt }: User): string {
  if (!isActive) return "disabled";
  return passwordLockedAt === undefined ? "active" : "locked";
}
