import { type Code, ConnectError } from "@connectrpc/connect";
import {
  denialDetails,
  denialHeaders,
  type ErrorDetail,
  violationDetails,
} from "../context/error-details.ts";
import { CallError, callStatus, Unavailable } from "../core/call-error.ts";
import { type Denial, type Reason, statusOf } from "../core/denial.ts";
import { Refusal } from "../core/refusal.ts";

/** A denial as Connect sends it, in each of its protocols: the same code, text and details as on gRPC. */
export function denialError(denial: Denial): ConnectError {
  const error = connectError(statusOf[denial.reason].grpc, denial.message, denialDetails(denial));
  for (const [name, values] of Object.entries(denialHeaders(denial)))
    for (const value of [values].flat()) error.metadata.append(name, value);
  reasons.set(error, denial.reason);
  return error;
}

const reasons = new WeakMap<ConnectError, Reason>();

/** The reason of a refusal, from the error that tells it. */
export function reasonOfError(error: ConnectError): Reason | undefined {
  return reasons.get(error);
}

/**
 * What a handler threw, as an error. Refusals and call errors tell their own, a `ConnectError` is passed on; of anything
 * else the caller learns nothing: undefined.
 */
export function thrownError(thrown: unknown): ConnectError | undefined {
  if (thrown instanceof Refusal) return denialError(thrown.denial);
  if (thrown instanceof CallError)
    return connectError(callStatus[thrown.status].grpc, thrown.message, violationDetails(thrown.violations));
  return thrown instanceof ConnectError ? thrown : undefined;
}

/** All that a caller is told of a failure that was not meant for it. */
export function failureError(thrown: unknown): ConnectError {
  return thrown instanceof Unavailable
    ? connectError(callStatus.UNAVAILABLE.grpc, "Temporarily unavailable", [])
    : connectError(callStatus.INTERNAL.grpc, "Internal error", []);
}

/** An error of the caller's. */
export function invalidRequest(message: string): ConnectError {
  return connectError(callStatus.INVALID_ARGUMENT.grpc, message, []);
}

function connectError(code: number, message: string, details: readonly ErrorDetail[]): ConnectError {
  // Connect percent-encodes with encodeURIComponent, which throws on half of a surrogate pair. Its codes are gRPC's.
  return new ConnectError(message.toWellFormed(), code as Code, undefined, [...details]);
}
