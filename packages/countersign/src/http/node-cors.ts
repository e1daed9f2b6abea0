import { type Cors, type CorsOptions, createCors } from "./cors.ts";
import type { NodeRequest } from "./http-call.ts";
import type { NodeResponse } from "./node-answer.ts";

/**
 * CORS for a server of Node's that does more than this library guards: to be asked about each request first. True: this was
 * a preflight, and it is answered; nothing else is to look at it.
 */
export function nodeCors(options: CorsOptions): (request: NodeRequest, response: NodeResponse) => boolean {
  const cors = createCors(options);
  return (request, response) => answerCors(cors, request, response);
}

/** Writes what a browser must know. True: this was a preflight, and it is answered. */
export function answerCors(cors: Cors, { method, headers }: NodeRequest, response: NodeResponse): boolean {
  const { preflight, headers: added } = cors({
    method,
    origin: headers.origin,
    requestMethod: headers["access-control-request-method"],
  });
  for (const [name, value] of added)
    response.setHeader(name, name === "vary" ? vary(response, value) : value);
  if (!preflight) return false;
  response.statusCode = 204;
  response.end();
  return true;
}

function vary(response: NodeResponse, value: string): string {
  const before = response.getHeader("vary");
  return before === undefined ? value : `${String(before)}, ${value}`;
}
