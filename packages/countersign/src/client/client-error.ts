/** gRPC status codes that a client tells of by itself. */
export const clientStatus = Object.freeze({
  DEADLINE_EXCEEDED: 4,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  UNIMPLEMENTED: 12,
  UNAVAILABLE: 14,
  UNAUTHENTICATED: 16,
} as const);

/** Why a client has no credential to show, or why a login was refused. It holds no part of a credential. */
export class ClientError extends Error {
  override readonly name = "ClientError";
  /** A gRPC status code. */
  readonly code: number;
  /** The server's reason, such as `LOGIN_FAILED`, where a server of ours has answered. */
  readonly reason: string | undefined;

  constructor(code: number, message: string, reason?: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.reason = reason;
  }
}

/** What a call ends with for want of a credential: nobody is logged in, or it may be tried again. */
export function asClientError(thrown: unknown): ClientError {
  if (thrown instanceof ClientError && thrown.code === clientStatus.UNAUTHENTICATED) return thrown;
  return new ClientError(clientStatus.UNAVAILABLE, "No credential can be had now", undefined, {
    cause: thrown,
  });
}
