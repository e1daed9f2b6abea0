import { Code, ConnectError, type HandlerContext } from "@connectrpc/connect";
import type { FollowedCall } from "../core/followed-call.ts";
import { requestIdHeader } from "../core/request-id.ts";
import { reasonOfError } from "./errors.ts";
import { whenAborted } from "./when-aborted.ts";

/** Follows a call of Connect's for `onCallEnd`, and names it to the caller. */
export function followCall<P>(followed: FollowedCall<P>, handler: HandlerContext): FollowedCall<P> {
  handler.responseHeader.set(requestIdHeader, followed.requestId);
  const { signal, method } = handler;
  const end = (): void => {
    const error = errorOf(signal.reason);
    if (error === undefined && method.methodKind === "unary") followed.sent = 1;
    followed.end(error?.code ?? 0, error && reasonOfError(error));
  };
  // Connect aborts the signal at the end of every call, with what the caller is told if that is an error.
  whenAborted(signal, end);
  return followed;
}

/** An abortion without a reason of its own is the end of a call that went well. */
function errorOf(reason: unknown): ConnectError | undefined {
  if (reason instanceof ConnectError) return reason;
  if ((reason as Partial<Error> | undefined)?.name === "AbortError") return undefined;
  return new ConnectError("Internal error", Code.Internal);
}
