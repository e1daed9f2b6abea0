/** Statuses that a service answers with, beside the denials of authentication, as gRPC names and numbers them. */
export const callStatus = Object.freeze({
  CANCELLED: { grpc: 1, http: 499 },
  INVALID_ARGUMENT: { grpc: 3, http: 400 },
  NOT_FOUND: { grpc: 5, http: 404 },
  ALREADY_EXISTS: { grpc: 6, http: 409 },
  RESOURCE_EXHAUSTED: { grpc: 8, http: 429 },
  FAILED_PRECONDITION: { grpc: 9, http: 400 },
  ABORTED: { grpc: 10, http: 409 },
  UNIMPLEMENTED: { grpc: 12, http: 501 },
  INTERNAL: { grpc: 13, http: 500 },
  UNAVAILABLE: { grpc: 14, http: 503 },
} as const);

export type CallStatus = keyof typeof callStatus;

/** What is wrong with one field of a request (`google.rpc.BadRequest.FieldViolation`). */
export interface FieldViolation {
  /** The field's name in the proto: `expires_at`. */
  readonly field: string;
  /** What is wrong with it, and how to mend it. */
  readonly description: string;
}

/** Thrown by a service: the call ends with this status and this text. Anything else thrown is told as "Internal error". */
export class CallError extends Error {
  override readonly name = "CallError";
  readonly status: CallStatus;
  readonly violations: readonly FieldViolation[];

  constructor(status: CallStatus, message: string, violations: readonly FieldViolation[] = []) {
    super(message);
    this.status = status;
    this.violations = violations;
  }
}

/**
 * Thrown where something that a call needs is away: a store, another service. The caller is told that it may try again, and
 * nothing of the cause, which is reported like any other failure.
 */
export class Unavailable extends Error {
  override readonly name: string = "Unavailable";
}

/** `INVALID_ARGUMENT` that names each wrong field. */
export function invalidArgument(first: FieldViolation, ...rest: readonly FieldViolation[]): CallError {
  const violations = [first, ...rest];
  const text = violations.map(({ field, description }) => `${field}: ${description}`).join("; ");
  return new CallError("INVALID_ARGUMENT", text, violations);
}
