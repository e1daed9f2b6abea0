import { timestampDate } from "@bufbuild/protobuf/wkt";
import type { ApiKey, CreateApiKeyResponse } from "countersign/descriptors";
import { oneLine } from "../terminal/failure.ts";
import { note, print } from "../terminal/output.ts";
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

/** One key as lines. Those that most keys have nothing for are left out there. */
export function keyDetails(key: ApiKey | undefined): string {
  if (key === undefined) return "";
  const some = (name: string, value: string): readonly (readonly [string, string])[] =>
    value === "" ? [] : [[name, value]];
  return details([
    ["id", key.id],
    ...some("prefix", key.prefix),
    ["name", key.name],
    ["description", key.description],
    ["type", key.type],
    ["user", ownerOf(key)],
    ["status", key.status],
    ["scopes", key.scopes.join(" ") || (key.roles.length > 0 ? "" : unlimited)],
    ["roles", key.roles.join(" ")],
    ...some("addresses", key.addressRanges.join(" ")),
    ...some("methods", key.methods.join(" ")),
    ...some("limits", key.limits.map(({ calls, per }) => `${calls}/${per}`).join(" ")),
    ...some("tags", key.tags.join(" ")),
    ["requests", String(key.totalRequests)],
    ["last used", lastUse(key)],
    ["expires", at(key.expiresAt) || "never"],
    ["created", at(key.createdAt)],
    ...some("changed", at(key.updatedAt)),
    ...some("made by the key", key.madeBy),
    ...some("imported", key.imported === "countersign" ? "and used since" : key.imported),
    ...some("replaces", key.replaces),
    ...some("replaced by", key.replacedBy),
    ...some("grace ends", at(key.graceEndsAt)),
    ...(key.revokedAt === undefined
      ? []
      : [
          ["revoked", at(key.revokedAt)] as const,
          ...some("by", key.revokedBy),
          ["reason", key.revokedReason] as const,
        ]),
  ]);
}

/** What became of a key that was replaced. */
export function previousNote(key: ApiKey | undefined): string {
  if (key === undefined) return "";
  const end =
    key.status === "revoked" ? `is refused since ${at(key.revokedAt)}` : `works until ${at(key.graceEndsAt)}`;
  const use = key.lastUsedAt === undefined ? "was never used" : `was last used ${lastUse(key)}`;
  return `The old one, id ${key.id}, ${use}, and ${end}.`;
}

/** Says what was made, and writes the key, or the link to it, to standard output alone. */
export function printSecret(
  made: string,
  { key, link, linkExpiresAt }: Pick<CreateApiKeyResponse, "key" | "link" | "linkExpiresAt">,
): void {
  const about =
    link === "" ? "It is not shown again:" : `The link shows it once, until ${at(linkExpiresAt)}:`;
  note(`${made} ${about}`);
  print(`${link === "" ? key : link}\n`);
}

function lastUse({ lastUsedAt, lastUsedAddress, lastUsedUserAgent }: ApiKey): string {
  const from = lastUsedAddress === "" ? "" : `, from ${lastUsedAddress}`;
  return `${at(lastUsedAt)}${from}${lastUsedUserAgent === "" ? "" : ` with ${oneLine(lastUsedUserAgent)}`}`;
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
