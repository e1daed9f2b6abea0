import { create, toBinary } from "@bufbuild/protobuf";
import { anyPack, type Duration, DurationSchema } from "@bufbuild/protobuf/wkt";
import { Metadata, type StatusObject } from "@grpc/grpc-js";
import { CallError, callStatus, type FieldViolation, Unavailable } from "../core/call-error.ts";
import { type Denial, statusOf } from "../core/denial.ts";
import { Refusal } from "../core/refusal.ts";
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "../gen/google/rpc/error_details_pb.ts";
import { type Status, StatusSchema } from "../gen/google/rpc/status_pb.ts";

/** The domain of every `google.rpc.ErrorInfo` that this library sends. */
export const errorDomain = "countersign";

/** A denial as gRPC sends it: status, constant text, challenges, and the reason in `grpc-status-details-bin`. */
export function denialStatus(denial: Denial): StatusObject {
  const { grpc: code } = statusOf[denial.reason];
  const info = create(ErrorInfoSchema, { reason: denial.reason, domain: errorDomain });
  const details = [anyPack(ErrorInfoSchema, info)];
  if (denial.retryAfterSeconds !== undefined) {
    const retryDelay = durationOf(denial.retryAfterSeconds);
    details.push(anyPack(RetryInfoSchema, create(RetryInfoSchema, { retryDelay })));
  }
  const status = withDetails(code, denial.message, details);
  // Metadata throws for anything else, and a refusal must reach its caller.
  const challenges = denial.challenges.filter((challenge) => /^[ -~]+$/.test(challenge));
  for (const challenge of challenges) status.metadata.add("www-authenticate", challenge);
  return status;
}

/**
 * What a handler threw, as a status. Refusals and call errors tell their own; an object with a numeric `code` and a
 * `details` text, grpc-js's own way, is passed on; of anything else the caller learns nothing.
 */
export function thrownStatus(thrown: unknown): StatusObject | undefined {
  if (thrown instanceof Refusal) return denialStatus(thrown.denial);
  if (thrown instanceof CallError) {
    return withDetails(callStatus[thrown.status].grpc, thrown.message, violationDetails(thrown.violations));
  }
  if (!isServiceError(thrown)) return undefined;
  const metadata = thrown.metadata instanceof Metadata ? thrown.metadata : new Metadata();
  return { code: thrown.code, details: thrown.details.toWellFormed(), metadata };
}

/** All that a caller is told of a failure that was not meant for it. */
export function failureStatus(thrown: unknown): StatusObject {
  const metadata = new Metadata();
  if (thrown instanceof Unavailable) {
    return { code: callStatus.UNAVAILABLE.grpc, details: "Temporarily unavailable", metadata };
  }
  return { code: callStatus.INTERNAL.grpc, details: "Internal error", metadata };
}

interface ServiceErrorShape {
  readonly code: number;
  readonly details: string;
  readonly metadata?: unknown;
}

function isServiceError(thrown: unknown): thrown is ServiceErrorShape {
  if (typeof thrown !== "object" || thrown === null) return false;
  const { code, details } = thrown as Partial<Record<string, unknown>>;
  return Number.isInteger(code) && typeof details === "string";
}

function violationDetails(violations: readonly FieldViolation[]): Status["details"] {
  if (violations.length === 0) return [];
  const fieldViolations = violations.map(({ field, description }) => ({ field, description }));
  return [anyPack(BadRequestSchema, create(BadRequestSchema, { fieldViolations }))];
}

function withDetails(code: number, text: string, details: Status["details"]): StatusObject {
  const metadata = new Metadata();
  // grpc-js percent-encodes with encodeURI, which throws on half of a surrogate pair.
  const message = text.toWellFormed();
  if (details.length > 0) {
    const bytes = toBinary(StatusSchema, create(StatusSchema, { code, message, details }));
    metadata.set("grpc-status-details-bin", Buffer.from(bytes));
  }
  return { code, details: message, metadata };
}

function durationOf(seconds: number): Duration {
  const whole = Math.floor(seconds);
  return create(DurationSchema, { seconds: BigInt(whole), nanos: Math.round((seconds - whole) * 1e9) });
}
