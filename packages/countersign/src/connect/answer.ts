import type { UniversalHandler, UniversalServerResponse } from "@connectrpc/connect/protocol";
import { errorDomain } from "../context/error-details.ts";

/** Completes what Connect answers where it answers by itself: `Allow` beside a 405, and the reason in an error's JSON. */
export function answering(handler: UniversalHandler): UniversalHandler {
  const complete: UniversalHandler = Object.assign(
    async (request: Parameters<UniversalHandler>[0]): Promise<UniversalServerResponse> => {
      const response = await handler(request);
      if (response.status < 400) return response;
      if (response.status === 405) return withAllow(response, handler.allowedMethods);
      return isJson(response) ? withReason(response) : response;
    },
    handler,
  );
  return complete;
}

/** RFC 9110 section 15.5.6. */
function withAllow(response: UniversalServerResponse, methods: readonly string[]): UniversalServerResponse {
  const header = new Headers(response.header);
  header.set("allow", [...new Set(methods)].join(", "));
  return { ...response, header };
}

function isJson({ header, body }: UniversalServerResponse): boolean {
  return (
    body !== undefined &&
    header?.get("content-type") === "application/json" &&
    !header.has("content-encoding")
  );
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
async function withReason(response: UniversalServerResponse): Promise<UniversalServerResponse> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of response.body ?? []) chunks.push(chunk);
  const bytes = Buffer.concat(chunks);
  const { code, message, ...rest } = JSON.parse(bytes.toString()) as ErrorJson;
  const info = rest.details?.find(
    ({ type, debug }) => type === "google.rpc.ErrorInfo" && debug?.domain === errorDomain,
  );
  if (info?.debug?.reason === undefined) return { ...response, body: once(bytes) };
  const complete = Buffer.from(JSON.stringify({ code, message, reason: info.debug.reason, ...rest }));
  const header = new Headers(response.header);
  header.set("content-length", String(complete.length));
  return { ...response, header, body: once(complete) };
}

async function* once(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield bytes;
}
