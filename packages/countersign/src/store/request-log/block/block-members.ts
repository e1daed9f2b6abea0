import type { RequestFilter } from "../../request-contracts.ts";
import type { RequestText } from "../normal-record.ts";

/** Columns of a block that are numbers. */
export const numberMembers = ["id", "at", "durationUs", "code", "received", "sent"] as const;

export type NumberMember = (typeof numberMembers)[number];

/** Columns of texts that many rows have: places in a dictionary, and 0 for none. */
export const textMembers = [
  "procedure",
  "protocol",
  "reason",
  "userId",
  "apiKeyId",
  "authenticator",
  "peer",
  "userAgent",
  "rule",
  "missing",
  "tenantId",
] as const satisfies readonly RequestText[];

export type TextMember = (typeof textMembers)[number];

/** Those that a filter compares for equality. */
export const soughtMembers = [
  "procedure",
  "protocol",
  "reason",
  "userId",
  "apiKeyId",
  "authenticator",
  "tenantId",
] as const satisfies readonly (TextMember & keyof RequestFilter)[];
