import { Buffer } from "node:buffer";
import { type JsonObject, JsonReader } from "../jwt/json.ts";
import { IssuerUnavailable } from "./issuer-unavailable.ts";

/** How long and how large an answer may be. */
export interface FetchLimits {
  /** For the whole answer, its body included. */
  readonly timeoutMs: number;
  /** Of the body, after it was unpacked. */
  readonly maxBytes: number;
}

/** What is asked. Default: a GET. */
export interface JsonRequest {
  readonly headers?: Readonly<Record<string, string>>;
  /** The body of a POST. */
  readonly form?: URLSearchParams;
}

/**
 * Fetches one strict JSON object. Throws `IssuerUnavailable` for everything else: no answer in time, a status that is
 * not 200, a redirect (none is followed), another media type, too many bytes (counted as they arrive).
 */
export async function fetchJson(
  url: URL,
  limits: FetchLimits,
  request: JsonRequest = {},
): Promise<JsonObject> {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), limits.timeoutMs);
  try {
    const { headers, form } = request;
    const response = await fetch(url, {
      method: form === undefined ? "GET" : "POST",
      headers: { accept: "application/json", ...headers },
      redirect: "manual",
      credentials: "omit",
      cache: "no-store",
      signal: abort.signal,
      ...(form !== undefined && { body: form }),
    });
    const object = new JsonReader().read(await readBody(response, limits.maxBytes));
    if (object === undefined) throw new IssuerUnavailable("its answer is not one strict JSON object");
    return object;
  } catch (error) {
    const late = abort.signal.aborted;
    const why = late ? `no whole answer within ${limits.timeoutMs} ms` : reasonOf(error);
    throw new IssuerUnavailable(`${url.origin}${url.pathname}: ${why}`);
  } finally {
    clearTimeout(timer);
    // Lets go of a connection whose body was not read to its end.
    abort.abort();
  }
}

async function readBody(response: Response, maxBytes: number): Promise<Buffer> {
  const { status, headers, body } = response;
  if (status >= 300 && status < 400)
    throw new IssuerUnavailable(`status ${status}: redirects are not followed`);
  if (status !== 200) throw new IssuerUnavailable(`status ${status}`);
  const type = headers.get("content-type")?.split(";")[0]?.trim().toLowerCase() ?? "";
  if (type !== "application/json" && !/^application\/[\w.-]+\+json$/.test(type))
    throw new IssuerUnavailable("its answer is not JSON by its content-type");
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of (body ?? []) as AsyncIterable<Uint8Array>) {
    length += chunk.length;
    if (length > maxBytes) throw new IssuerUnavailable(`its answer has more than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** What undici says is "fetch failed"; what went wrong is in its cause. */
function reasonOf(error: unknown): string {
  if (error instanceof IssuerUnavailable) return error.message;
  const cause = (error as { cause?: { code?: unknown; message?: unknown } }).cause;
  const why = cause?.code ?? cause?.message;
  return typeof why === "string" ? `cannot be reached (${why})` : "cannot be reached";
}
