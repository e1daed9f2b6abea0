import { timestampDate } from "@bufbuild/protobuf/wkt";
import type { ApiKey } from "countersign/service";
import { oneLine } from "../terminal/failure.ts";
import { type Column, details, instant } from "../terminal/table.ts";

/** Keys as a table. */
export const keyColumns: readonly Column<ApiKey>[] = [
  ["ID", ({ id }) => id],
  ["NAME", ({ name }) => name],
  ["TYPE", ({ type }) => type],
  ["USER", ownerOf],
  ["STATUS", ({ status }) => status],
  ["REQUESTS", ({ totalRequests }) => String(totalRequests)],
  ["LAST USED", ({ lastUsedAt }) => at(lastUsedAt)],
  ["EXPIRES", ({ expiresAt }) => at(expiresAt) || "never"],
  ["CREATED", ({ createdAt }) => at(createdAt)],
];

const unlimited = "all that the user may do, except managing keys and accounts";

/** One key as lines. */
export function keyDetails(key: ApiKey | undefined): string {
  if (key === undefined) return "";
  const revoked: readonly (readonly [string, string])[] =
    key.revokedAt === undefined
      ? []
      : [
          ["revoked", at(key.revokedAt)],
          ["reason", key.revokedReason],
        ];
  return details([
    ["id", key.id],
    ["name", key.name],
    ["description", key.description],
    ["type", key.type],
    ["user", ownerOf(key)],
    ["status", key.status],
    ["scopes", key.scopes.join(" ") || (key.roles.length > 0 ? "" : unlimited)],
    ["roles", key.roles.join(" ")],
    ["requests", String(key.totalRequests)],
    ["last used", at(key.lastUsedAt)],
    ["expires", at(key.expiresAt) || "never"],
    ["created", at(key.createdAt)],
    ...(key.madeBy === "" ? [] : [["made by the key", key.madeBy] as const]),
    ...revoked,
  ]);
}

/** `the key "ci" of alice (id 3)` */
export function keyTitle(key: ApiKey | undefined): string {
  return key === undefined ? "the key" : `the key "${oneLine(key.name)}" of ${oneLine(ownerOf(key))}`;
}

export function expiryOf(key: ApiKey | undefined): string {
  return key?.expiresAt === undefined ? "good until it is revoked" : `good until ${at(key.expiresAt)}`;
}

function ownerOf({ user }: ApiKey): string {
  if (user === undefined) return "";
  return user.username === "" ? `id ${user.id}, deleted` : `${user.username} (id ${user.id})`;
}

function at(timestamp: ApiKey["createdAt"]): string {
  return instant(timestamp && timestampDate(timestamp));
}
