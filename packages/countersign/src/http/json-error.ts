import { create, toBinary, toJson } from "@bufbuild/protobuf";
import { base64Encode } from "@bufbuild/protobuf/wire";
import {
  denialDetails,
  denialHeaders,
  type ErrorDetail,
  violationDetails,
} from "../context/error-details.ts";
import { CallError, callStatus, Unavailable } from "../core/call-error.ts";
import { type Denial, type Reason, statusOf } from "../core/denial.ts";
import { Refusal } from "../core/refusal.ts";
import { grpcCodeOf } from "./follow-response.ts";

/** A refusal or a failure as HTTP sends it. */
export interface JsonError {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  /** The error of the Connect protocol, and the reason beside it. */
  readonly body: Readonly<Record<string, unknown>>;
}

/** Names of gRPC's status codes in the Connect protocol. */
const codeNames: Readonly<Record<number, string>> = {
  1: "canceled",
  3: "invalid_argument",
  5: "not_found",
  6: "already_exists",
  7: "permission_denied",
  8: "resource_exhausted",
  9: "failed_precondition",
  10: "aborted",
  12: "unimplemented",
  13: "internal",
  14: "unavailable",
  16: "unauthenticated",
};

/** The gRPC code that the answer tells by name, and the reason of a refusal. */
export function toldBy({ status, body: { code, reason } }: JsonError): readonly [number, Reason | undefined] {
  const [known] = Object.entries(codeNames).find(([, name]) => name === code) ?? [];
  return [known === undefined ? grpcCodeOf(status) : Number(known), reason as Reason | undefined];
}

/** A denial: status, constant text, reason, challenges. */
export function denialError(denial: Denial): JsonError {
  const { reason, message } = denial;
  const { grpc, http: status } = statusOf[reason];
  const details = denialDetails(denial).map(detail);
  return {
    status,
    headers: denialHeaders(denial),
    body: { code: codeNames[grpc], message, reason, details },
  };
}

/** What a service threw. Undefined for what was not meant for the caller. */
export function thrownError(thrown: unknown): JsonError | undefined {
  if (thrown instanceof Refusal) return denialError(thrown.denial);
  if (!(thrown instanceof CallError)) return undefined;
  const { grpc, http: status } = callStatus[thrown.status];
  const body = { code: codeNames[grpc], message: thrown.message };
  const details = violationDetails(thrown.violations).map(readable);
  return { status, headers: {}, body: details.length === 0 ? body : { ...body, details } };
}

/** All that a caller is told of a failure that was not meant for it. */
export function failureError(thrown: unknown): JsonError {
  return thrown instanceof Unavailable
    ? plainError(503, "unavailable", "Temporarily unavailable")
    : plainError(500, "internal", "Internal error");
}

/** An error of the caller's or of nobody's, by name. */
export function plainError(status: number, code: string, message: string): JsonError {
  return { status, headers: {}, body: { code, message } };
}

/** For a target or a Host that could be read differently (RFC 9112 section 3.2). */
export const malformedTarget: JsonError = plainError(400, "invalid_argument", "Malformed target or Host");

/** Where there is no route, or none for the method (RFC 9110 section 15.5.6). */
export function notServed(found: { readonly kind: string; readonly allow?: string }): JsonError {
  if (found.allow === undefined) return plainError(404, "unimplemented", "There is no such route");
  return { ...plainError(405, "unimplemented", "Not with this method"), headers: { allow: found.allow } };
}

/** With the text that a person reads beside the bytes. */
function readable(given: ErrorDetail): object {
  const { desc, value } = given;
  return { ...detail(given), debug: toJson(desc, create(desc, value), { useProtoFieldName: true }) };
}

function detail({ desc, value }: ErrorDetail): { readonly type: string; readonly value: string } {
  const bytes = toBinary(desc, create(desc, value));
  return { type: desc.typeName, value: base64Encode(bytes, "std_raw") };
}
