import type { IncomingMessage, ServerResponse } from "node:http";
import { type Refusal, statusOf } from "countersign";

/** An answer of the admin's own door, which is no RPC's. */
export interface PlainRefusal {
  readonly status: number;
  readonly code: string;
  readonly message: string;
  readonly reason?: string;
}

export const none = { status: 204, code: "", message: "" };
export const missing = {
  status: 401,
  code: "unauthenticated",
  message: "Log in",
  reason: "CREDENTIALS_MISSING",
};
export const staffOnly = {
  status: 403,
  code: "permission_denied",
  message: "Staff access required",
  reason: "PERMISSION_DENIED",
};
export const foreign = {
  status: 403,
  code: "permission_denied",
  message: "This request did not come from the admin page",
};
export const noCredential = {
  status: 400,
  code: "invalid_argument",
  message: "A credential to try is `token` or `api_key`, and its text",
};
export const notAllowed = { status: 405, code: "unimplemented", message: "Method not allowed" };
export const unknownPath = { status: 404, code: "unimplemented", message: "There is no such procedure" };
export const unavailable = {
  status: 503,
  code: "unavailable",
  message: "Authentication temporarily unavailable",
  reason: "UNAVAILABLE",
};

/** A denial of an RPC that the door asks itself. */
export function refusalOf({ reason, message }: Refusal["denial"]): PlainRefusal {
  const status = statusOf[reason].http;
  const code = status === 503 ? "unavailable" : status === 403 ? "permission_denied" : "unauthenticated";
  return { status, code, message, reason };
}

/** Says no. */
export function refuse(request: IncomingMessage, response: ServerResponse, refusal: PlainRefusal): void {
  const { status, ...body } = refusal;
  // What was sent with it is not read.
  if (!request.complete) response.setHeader("connection", "close");
  if (status === 204) response.writeHead(status).end();
  else response.writeHead(status, { "content-type": "application/json" }).end(`${JSON.stringify(body)}\n`);
}
