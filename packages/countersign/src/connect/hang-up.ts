import type { ServerResponse } from "node:http";
import { constants, type Http2ServerResponse } from "node:http2";
import { discard } from "../http/discard.ts";
import type { NodeRequest } from "../http/http-call.ts";

/** How long a caller who is cut off may take to read what was written before. */
const graceMs = 1000;

/** Requests whose answers are not written to their end. */
const unanswered = new WeakSet<NodeRequest>();

/** To be told of each request, so that neither its body nor its answer is waited for without end. */
export function attend(request: NodeRequest, response: ServerResponse | Http2ServerResponse): void {
  unanswered.add(request);
  response.once("close", () => unanswered.delete(request));
  response.once("finish", () => {
    if (request.complete) return;
    // RFC 9113 section 8.1: a complete answer may end a request that is not.
    if ("stream" in request) request.stream.close(constants.NGHTTP2_NO_ERROR);
    else discard(request);
  });
}

/** Nobody will read this body. */
export function leaveBody(request: NodeRequest): void {
  // A stream of HTTP/2 is ended with its answer.
  if (!("stream" in request) && !request.complete) discard(request);
}

/** Ends the stream of a caller who does not take the end. */
export function hangUpSoon(request: NodeRequest): void {
  const hangUp = (): void => {
    if (!unanswered.has(request)) return;
    if ("stream" in request) request.stream.close(constants.NGHTTP2_CANCEL);
    else request.socket.destroy();
  };
  setTimeout(hangUp, graceMs).unref();
}
