import type { ServerResponse } from "node:http";
import { constants, type Http2ServerResponse } from "node:http2";
import { discard } from "./discard.ts";
import type { NodeRequest } from "./http-call.ts";
import type { JsonError } from "./json-error.ts";
import { isClosed } from "./until-closed.ts";

export type NodeResponse = ServerResponse | Http2ServerResponse;

/** Answers instead of a handler. Of a body that has not come yet, nothing is read. */
export function sendError(request: NodeRequest, response: NodeResponse, error: JsonError): void {
  // Nobody is left to tell, or an answer is on its way that cannot be taken back.
  if (response.headersSent || isClosed(response)) {
    endBroken(response);
    return;
  }
  leaveUnread(request, response);
  const bytes = Buffer.from(`${JSON.stringify(error.body)}\n`);
  for (const [name, value] of Object.entries(error.headers)) response.setHeader(name, value);
  response.setHeader("content-type", "application/json");
  response.setHeader("content-length", bytes.length);
  response.setHeader("cache-control", "no-store");
  response.statusCode = error.status;
  response.end(bytes);
}

/** An answer that was begun is not to look like a whole one. */
function endBroken(response: NodeResponse): void {
  if (!response.writableEnded) hangUp(response);
}

/** Nobody will read this body. */
export function leaveUnread(request: NodeRequest, response: NodeResponse): void {
  if (request.complete) return;
  // RFC 9113 section 8.1: a complete answer may end a request that is not.
  if ("stream" in request) response.once("finish", () => request.stream.close(constants.NGHTTP2_NO_ERROR));
  else discard(request);
}

/** How long a caller who is cut off may take to read what was written before, and how often the others are looked at. */
const graceMs = 1000;

/**
 * For a caller who no longer may. What is not answered yet is answered as it would have been; an answer that was begun and
 * goes on is ended, as a stream is; one that nobody reads, too.
 */
export function cutOff(response: NodeResponse): void {
  if (isClosed(response)) return;
  if (isStreaming(response)) {
    hangUp(response);
    return;
  }
  const timer = setInterval(() => {
    if (response.headersSent) hangUp(response);
  }, graceMs).unref();
  response.once("close", () => clearInterval(timer));
}

function isStreaming(response: NodeResponse): boolean {
  return response.headersSent && !response.writableEnded;
}

/** Ends an answer that was not taken to its end. */
export function hangUp(response: NodeResponse): void {
  if ("stream" in response) response.stream?.close(constants.NGHTTP2_CANCEL);
  else response.destroy();
}
