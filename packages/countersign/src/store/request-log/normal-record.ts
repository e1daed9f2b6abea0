import type { RequestRecord } from "../request-contracts.ts";

/** Characters that are kept of each text: what a caller may choose does not decide how large a row gets. */
const longest = {
  requestId: 64,
  procedure: 256,
  protocol: 64,
  reason: 64,
  userId: 128,
  apiKeyId: 128,
  authenticator: 64,
  peer: 64,
  userAgent: 256,
  rule: 256,
  missing: 256,
  tenantId: 128,
} as const satisfies Partial<Record<keyof RequestRecord, number>>;

/** Members that are texts. */
export type RequestText = keyof typeof longest;

/** A record as every store can give it back: bounded, and durations in whole microseconds. */
export function normalRecord(record: RequestRecord): RequestRecord {
  const text = (name: RequestText): string | undefined => normalText(name, record[name]);
  return {
    requestId: text("requestId") ?? "",
    at: instantOf(record.at),
    durationMs: microsecondsOf(record.durationMs) / 1000,
    procedure: text("procedure") ?? "",
    protocol: text("protocol") ?? "",
    code: codeOf(record.code),
    // An application may answer a refusal with a page of its own. Who looks for a reason looks among the errors.
    reason: codeOf(record.code) === 0 ? undefined : text("reason"),
    userId: text("userId"),
    apiKeyId: text("apiKeyId"),
    authenticator: text("authenticator"),
    peer: text("peer"),
    userAgent: text("userAgent"),
    received: countOf(record.received),
    sent: countOf(record.sent),
    rule: text("rule"),
    missing: text("missing"),
    tenantId: text("tenantId"),
  };
}

/** The last instant that a date can say. */
const lastInstant = 8.64e15;
/** What every database takes as a whole number of 4 bytes. */
const mostCount = 2 ** 31 - 1;

/** When a call ended, as every store keeps it. What is no instant is long ago, so that it goes soon. */
export function instantOf(at: number): number {
  return at >= 0 && at <= lastInstant ? Math.round(at) : 0;
}

/** How long a call took, as every store keeps it. */
export function microsecondsOf(durationMs: number): number {
  return atMost(Number.MAX_SAFE_INTEGER, Math.round(durationMs * 1000));
}

/** As every store keeps it. What is none says nothing of how the call ended: UNKNOWN. */
export function codeOf(code: number): number {
  return Number.isInteger(code) && code >= 0 && code <= mostCount ? code : 2;
}

/** How many messages there were, as every store keeps it. */
export function countOf(value: number): number {
  return atMost(mostCount, Math.trunc(value));
}

/** What is no number is 0: one record must not keep those after it from being written. */
function atMost(most: number, value: number): number {
  return value > 0 ? Math.min(value, most) : 0;
}

/** Bounded, and without control characters, which have no meaning in a log but to whoever wants to forge one. */
export function normalText<T extends string | undefined>(name: RequestText, text: T): T | string {
  const length = longest[name];
  if (text === undefined || (text.length <= length && plain.test(text))) return text;
  const cut = text.length > length ? text.slice(0, length) : text;
  return cut.toWellFormed().replace(/\p{Cc}/gu, "\u{fffd}");
}

const plain = /^[ -~]*$/;
