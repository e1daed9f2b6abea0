import type { Cors } from "./cors.ts";
import type { NodeRequest } from "./http-call.ts";
import { malformedTarget } from "./json-error.ts";
import { type NodeResponse, sendError } from "./node-answer.ts";
import { answerCors } from "./node-cors.ts";
import { targetOf } from "./node-target.ts";

/** What comes before every route: a target that could be read differently is refused, and CORS answered. True: there is an answer. */
export function answerFirst(cors: Cors, request: NodeRequest, response: NodeResponse): boolean {
  // Express takes the path of a mount away from its `url`.
  const { originalUrl } = request as { readonly originalUrl?: string };
  if (targetOf(request, originalUrl) !== undefined) return answerCors(cors, request, response);
  sendError(request, response, malformedTarget);
  return true;
}
