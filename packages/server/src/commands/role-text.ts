import { timestampDate } from "@bufbuild/protobuf/wkt";
import { permissionText, type Role } from "countersign/descriptors";
import { type Column, details, instant, yesNo } from "../terminal/table.ts";

/** Roles as a table. */
export const roleColumns: readonly Column<Role>[] = [
  ["NAME", ({ name }) => name],
  ["PERMISSIONS", ({ permissions }) => short(permissions.map(permissionText))],
  ["INHERITS", ({ inherits }) => short(inherits)],
  ["BUILT IN", ({ builtIn }) => yesNo(builtIn)],
  ["DESCRIPTION", ({ description }) => description],
];

/** One role as lines. */
export function roleDetails(role: Role | undefined): string {
  if (role === undefined) return "";
  return details([
    ["name", role.name],
    ["description", role.description],
    ["permissions", role.permissions.map(permissionText).join(" ")],
    ["inherits", role.inherits.join(" ")],
    ["built in", yesNo(role.builtIn)],
    ["created", instant(role.createdAt && timestampDate(role.createdAt))],
    ["updated", instant(role.updatedAt && timestampDate(role.updatedAt))],
  ]);
}

/** The first few of many. */
function short(texts: readonly string[]): string {
  const shown = texts.slice(0, 4).join(" ");
  return texts.length > 4 ? `${shown} and ${texts.length - 4} more` : shown;
}
