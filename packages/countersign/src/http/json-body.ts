import type { IncomingMessage } from "node:http";
import { readBytes } from "./body-bytes.ts";
import { type JsonError, plainError } from "./json-error.ts";

/** What a body said, or why it is refused. */
export type JsonBody =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly error: JsonError };

/** Reads a body of JSON, of at most so many bytes. An empty one is `{}`. */
export async function readJsonBody(request: IncomingMessage, maxBytes: number): Promise<JsonBody> {
  const type = (request.headers["content-type"] ?? "").split(";", 1)[0]?.trim().toLowerCase();
  // curl says x-www-form-urlencoded unless it is told otherwise; what counts is that the body is JSON.
  if (type !== "" && type !== "application/json" && type !== "application/x-www-form-urlencoded") {
    return refuse(415, "invalid_argument", "Send JSON: content-type application/json");
  }
  if (
    request.headers["content-encoding"] !== undefined &&
    request.headers["content-encoding"] !== "identity"
  ) {
    return refuse(415, "unimplemented", "Send the body without compression");
  }
  const bytes = await readBytes(request, maxBytes);
  if (bytes === undefined)
    return refuse(413, "resource_exhausted", `The body is longer than ${maxBytes} bytes`);
  if (bytes.length === 0) return { ok: true, value: {} };
  try {
    return { ok: true, value: JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)) };
  } catch {
    return refuse(400, "invalid_argument", "The body is not JSON");
  }
}

function refuse(status: number, code: string, message: string): JsonBody {
  return { ok: false, error: plainError(status, code, message) };
}
