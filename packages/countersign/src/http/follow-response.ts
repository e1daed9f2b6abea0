import type { ServerResponse } from "node:http";
import type { Auth } from "../core/auth.ts";
import type { Call } from "../core/call.ts";
import type { FollowedCall } from "../core/followed-call.ts";
import { requestIdHeader } from "../core/request-id.ts";

/** The caller has left. */
export const cancelled = 1;

/** What answers of `node:http` and `node:http2` have in common. */
interface Answer {
  readonly statusCode: number;
  readonly writableEnded: boolean;
  setHeader(name: string, value: string): unknown;
  once(event: "finish" | "close", listener: () => void): unknown;
}

/**
 * Follows a call over plain HTTP for `onCallEnd`, and names it to the caller. Who answers says how it ended; where nobody
 * does, the caller has left.
 */
export function followResponse<P>(
  { follow }: Pick<Auth<P>, "follow">,
  call: Call,
  response: ServerResponse,
): FollowedCall<P> | undefined {
  const followed = follow?.(call);
  if (followed !== undefined) nameAnswer(followed, response);
  return followed;
}

/**
 * Follows a request whose handler answers by itself, and names it to the caller. The answer's status says how it ended; where
 * none was sent as a whole, the caller has left.
 */
export function followAnswer<P>(followed: FollowedCall<P> | undefined, response: Answer): void {
  if (followed === undefined) return;
  nameAnswer(followed, response);
  response.once("finish", () => {
    // Over HTTP/2 Node says so of streams that were reset, too.
    if (response.writableEnded) endWith(followed, response.statusCode);
  });
}

function nameAnswer<P>(followed: FollowedCall<P>, response: Answer): void {
  response.setHeader(requestIdHeader, followed.requestId);
  response.once("close", () => endUnheard(followed));
}

/** The end of a request that was answered with a status of HTTP. */
export function endWith<P>(followed: FollowedCall<P>, status: number): void {
  const code = grpcCodeOf(status);
  if (code === 0) followed.sent = 1;
  followed.end(code);
}

/** The end of one whose caller has left. */
export function endUnheard<P>(followed: FollowedCall<P>): void {
  followed.end(cancelled);
}

/** gRPC's code for a status of HTTP, where an answer has no other. */
const codes: Readonly<Record<number, number>> = {
  400: 3,
  401: 16,
  403: 7,
  404: 5,
  405: 12,
  409: 10,
  413: 8,
  415: 3,
  429: 8,
  499: 1,
  501: 12,
  503: 14,
};

export function grpcCodeOf(status: number): number {
  return status < 400 ? 0 : (codes[status] ?? 13);
}
