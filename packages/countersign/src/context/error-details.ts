import type { DescMessage } from "@bufbuild/protobuf";
import type { FieldViolation } from "../core/call-error.ts";
import { type Denial, statusOf } from "../core/denial.ts";
import {
  BadRequestSchema,
  ErrorInfoSchema,
  QuotaFailureSchema,
  RetryInfoSchema,
} from "../gen/google/rpc/error_details_pb.ts";

/** The domain of every `google.rpc.ErrorInfo` that this library sends. */
export const errorDomain = "countersign";

/** What stands beside a status: a message of `google.rpc`, before an adapter serializes it. */
export interface ErrorDetail {
  readonly desc: DescMessage;
  readonly value: Readonly<Record<string, unknown>>;
}

/**
 * The reason of a denial, and where that is known when to try again, and which quota is used up. `cut_off` stands beside
 * the reason where the stream was open: it was not refused unheard.
 */
export function denialDetails({ reason, cutOff, retryAfterSeconds, quota }: Denial): readonly ErrorDetail[] {
  const metadata = cutOff && { metadata: { cut_off: "true" } };
  const details: ErrorDetail[] = [
    { desc: ErrorInfoSchema, value: { reason, domain: errorDomain, ...metadata } },
  ];
  if (retryAfterSeconds !== undefined)
    details.push({ desc: RetryInfoSchema, value: { retryDelay: durationOf(retryAfterSeconds) } });
  if (quota !== undefined) details.push({ desc: QuotaFailureSchema, value: { violations: [quota] } });
  return details;
}

/** Which fields of a request were wrong. */
export function violationDetails(violations: readonly FieldViolation[]): readonly ErrorDetail[] {
  if (violations.length === 0) return [];
  const fieldViolations = violations.map(({ field, description }) => ({ field, description }));
  return [{ desc: BadRequestSchema, value: { fieldViolations } }];
}

/** The challenges that a header can carry: anything else would make the refusal fail on its way. */
export function sendableChallenges({ challenges }: Denial): readonly string[] {
  return challenges.filter((challenge) => /^[ -~]+$/.test(challenge));
}

/** What stands beside a denial in the headers of an answer over HTTP, by names in lower case. */
export function denialHeaders(denial: Denial): Readonly<Record<string, string | readonly string[]>> {
  const { reason, retryAfterSeconds } = denial;
  const headers: Record<string, string | readonly string[]> = {};
  const challenges = sendableChallenges(denial);
  if (challenges.length > 0) headers["www-authenticate"] = challenges;
  // RFC 9110 section 15.5.2: a 401 says which scheme would do.
  else if (statusOf[reason].http === 401) headers["www-authenticate"] = "Bearer";
  if (retryAfterSeconds !== undefined) headers["retry-after"] = String(Math.ceil(retryAfterSeconds));
  return headers;
}

function durationOf(seconds: number): { readonly seconds: bigint; readonly nanos: number } {
  const whole = Math.floor(seconds);
  return { seconds: BigInt(whole), nanos: Math.round((seconds - whole) * 1e9) };
}
