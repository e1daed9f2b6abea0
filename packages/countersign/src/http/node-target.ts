import type { NodeRequest } from "./http-call.ts";

/** What stands before the path of a target in absolute form, without a name of a user. */
const origin = /^https?:\/\/([^/?#@\\\s]+)(?=\/)/;

/** A target as its reader takes it. */
export interface Target {
  /** Path and query, as they were sent. */
  readonly url: string;
  /** Of a target in absolute form: it counts, and not the Host (RFC 9112 section 3.2.2). */
  readonly authority: string | undefined;
}

/**
 * The target of a request in origin or absolute form. Undefined for every other (RFC 9112 section 3.2), and for a request to more
 * than one host: what a proxy understood may be something else. `url`: where it was not left as it was sent.
 */
export function targetOf(request: NodeRequest, url = request.url ?? ""): Target | undefined {
  if ("headersDistinct" in request && (request.headersDistinct["host"]?.length ?? 0) > 1) return undefined;
  if (url.startsWith("/")) return { url, authority: undefined };
  const [before, authority] = origin.exec(url) ?? [];
  // HTTP/2 has its own pseudo-header for the authority.
  if (before === undefined || "stream" in request || !URL.canParse(before)) return undefined;
  return { url: url.slice(before.length), authority };
}

/** The path of a request's target. Undefined where it has none that all readers agree about. */
export function pathOf(request: NodeRequest): string | undefined {
  return targetOf(request)?.url.split("?", 1)[0];
}
