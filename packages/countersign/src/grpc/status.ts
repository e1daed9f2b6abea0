import { create, toBinary } from "@bufbuild/protobuf";
import { anyPack } from "@bufbuild/protobuf/wkt";
import { Metadata, type StatusObject } from "@grpc/grpc-js";
import {
  denialDetails,
  type ErrorDetail,
  sendableChallenges,
  violationDetails,
} from "../context/error-details.ts";
import { CallError, callStatus, Unavailable } from "../core/call-error.ts";
import { type Denial, type Reason, statusOf } from "../core/denial.ts";
import { Refusal } from "../core/refusal.ts";
import { StatusSchema } from "../gen/google/rpc/status_pb.ts";

/** A denial as gRPC sends it: status, constant text, challenges, and the reason in `grpc-status-details-bin`. */
export function denialStatus(denial: Denial): StatusObject {
  const { grpc: code } = statusOf[denial.reason];
  const status = withDetails(code, denial.message, denialDetails(denial));
  for (const challenge of sendableChallenges(denial)) status.metadata.add("www-authenticate", challenge);
  reasons.set(status.metadata, denial.reason);
  return status;
}

/** By metadata, which grpc-js hands on where it makes a status of its own of ours. */
const reasons = new WeakMap<Metadata, Reason>();

/** The reason of a refusal, from the metadata of its status. */
export function reasonOfStatus({ metadata }: StatusObject): Reason | undefined {
  // grpc-js may have none for an answer that went well.
  return reasons.get(metadata as Metadata);
}

/**
 * What a handler threw, as a status. Refusals and call errors tell their own; an object with a numeric `code` and a
 * `details` text, grpc-js's own way, is passed on; of anything else the caller learns nothing, and `report` is told.
 */
export function thrownStatus(thrown: unknown, report?: () => Promise<unknown>): StatusObject {
  if (thrown instanceof Refusal) return denialStatus(thrown.denial);
  if (thrown instanceof CallError) {
    return withDetails(callStatus[thrown.status].grpc, thrown.message, violationDetails(thrown.violations));
  }
  if (isServiceError(thrown)) {
    const metadata = thrown.metadata instanceof Metadata ? thrown.metadata : new Metadata();
    return { code: thrown.code, details: thrown.details.toWellFormed(), metadata };
  }
  // A report that fails, at once or later, changes nothing for the caller.
  report?.().catch(() => {});
  return thrown instanceof Unavailable
    ? withDetails(callStatus.UNAVAILABLE.grpc, "Temporarily unavailable")
    : withDetails(callStatus.INTERNAL.grpc, "Internal error");
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

function withDetails(code: number, text: string, given: readonly ErrorDetail[] = []): StatusObject {
  const metadata = new Metadata();
  // grpc-js percent-encodes with encodeURI, which throws on half of a surrogate pair.
  const message = text.toWellFormed();
  if (given.length > 0) {
    const details = given.map(({ desc, value }) => anyPack(desc, create(desc, value)));
    const bytes = toBinary(StatusSchema, create(StatusSchema, { code, message, details }));
    metadata.set("grpc-status-details-bin", Buffer.from(bytes));
  }
  return { code, details: message, metadata };
}
