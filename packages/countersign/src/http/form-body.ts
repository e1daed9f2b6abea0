import type { IncomingMessage } from "node:http";
import { readBytes } from "./body-bytes.ts";

/** The parameters of a form, or the status with which it is refused. */
export type FormBody =
  | { readonly ok: true; readonly form: ReadonlyMap<string, string> }
  | { readonly ok: false; readonly status: 400 | 413 | 415; readonly message: string };

/** Reads a body of `application/x-www-form-urlencoded`, of at most so many bytes, in which no name comes twice. */
export async function readFormBody(request: IncomingMessage, maxBytes: number): Promise<FormBody> {
  const type = (request.headers["content-type"] ?? "").split(";", 1)[0]?.trim().toLowerCase();
  if (type !== "application/x-www-form-urlencoded") {
    return refuse(415, "Send a form: content-type application/x-www-form-urlencoded");
  }
  const encoding = request.headers["content-encoding"] ?? "identity";
  if (encoding !== "identity") return refuse(415, "Send the body without compression");
  const bytes = await readBytes(request, maxBytes);
  if (bytes === undefined) return refuse(413, `The body is longer than ${maxBytes} bytes`);
  const form = new Map<string, string>();
  // RFC 6749 section 3.1: a parameter without a value is as good as left out, and none may come twice.
  for (const [name, value] of new URLSearchParams(bytes.toString())) {
    if (form.has(name)) return refuse(400, "A parameter comes twice");
    if (value !== "") form.set(name, value);
  }
  return { ok: true, form };
}

function refuse(status: 400 | 413 | 415, message: string): FormBody {
  return { ok: false, status, message };
}
