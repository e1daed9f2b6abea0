import type { NodeRequest } from "./http-call.ts";

/**
 * The path of a request, as it was sent. Undefined for a target that is no path (RFC 9112 section 3.2) and for a request to more
 * than one host: what a proxy understood may be something else.
 */
export function pathOf(request: NodeRequest): string | undefined {
  const { url = "" } = request;
  if (!url.startsWith("/")) return undefined;
  if ("headersDistinct" in request && (request.headersDistinct["host"]?.length ?? 0) > 1) return undefined;
  return url.split("?", 1)[0];
}
