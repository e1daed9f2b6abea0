/** gRPC's status codes by their numbers: https://grpc.io/docs/guides/status-codes/ */
export const codeNames: readonly string[] = Object.freeze([
  ...["OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS"],
  ...["PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE"],
  ...["UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED"],
]);

/** The name of a code; of one that is none, its number. */
export function codeName(code: number): string {
  return codeNames[code] ?? String(code);
}
