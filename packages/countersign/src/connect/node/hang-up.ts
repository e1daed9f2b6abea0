import { constants } from "node:http2";
import { discard } from "../../http/discard.ts";
import type { NodeRequest } from "../../http/http-call.ts";
import { hangUp, type NodeResponse } from "../../http/node-answer.ts";

/** How long a caller who is cut off may take to read what was written before. */
const graceMs = 1000;

/** To be told of each request, so that its body is not waited for once it is answered. */
export function attend(request: NodeRequest, response: NodeResponse): void {
  response.once("finish", () => {
    if (request.complete) return;
    // RFC 9113 section 8.1: a complete answer may end a request that is not.
    if ("stream" in request) request.stream.close(constants.NGHTTP2_NO_ERROR);
    else discard(request);
  });
}

/** Ends the stream of a caller who does not take the end. Nothing happens to an answer that was taken in time. */
export function hangUpSoon(response: NodeResponse): void {
  setTimeout(() => hangUp(response), graceMs).unref();
}
