import type { UniversalHandler, UniversalServerResponse } from "@connectrpc/connect/protocol";
import { errorDomain } from "../context/error-details.ts";

/** Completes what Connect answers where it answers by itself: `Allow` beside a 405, and the reason in an error's JSON. */
export function answering(handler: UniversalHandler): UniversalHandler {
  const complete = async (request: Parameters<UniversalHandler>[0]): Promise<UniversalServerResponse> => {
    const response = await handler(request);
    if (response.status < 400) return response;
    const header = new Headers(response.header);
    // RFC 9110 section 15.5.6.
    if (response.status === 405) header.set("allow", [...new Set(handler.allowedMethods)].join(", "));
    if (response.body === undefined || !isJson(header)) return { ...response, header };
    const body = await withReason(response.body);
    header.set("content-length", String(body.length));
    return { ...response, header, body: once(body) };
  };
  return Object.assign(complete, handler);
}

function isJson(header: Headers): boolean {
  return header.get("content-type") === "application/json" && !header.has("content-encoding");
}

interface ErrorJson {
  readonly code: string;
  readonly message?: string;
  readonly details?: readonly {
    readonly type: string;
    readonly debug?: { reason?: string; domain?: string };
  }[];
}

/** Where people who use curl find it, and the other paths of an HTTP listener have it. */
async function withReason(given: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of given) chunks.push(chunk);
  const { code, message, ...rest } = JSON.parse(Buffer.concat(chunks).toString()) as ErrorJson;
  const info = rest.details?.find(
    ({ type, debug }) => type === "google.rpc.ErrorInfo" && debug?.domain === errorDomain,
  );
  return Buffer.from(JSON.stringify({ code, message, reason: info?.debug?.reason, ...rest }));
}

async function* once(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield bytes;
}
