import type { IncomingMessage, ServerResponse } from "node:http";
import { cors as connect } from "@connectrpc/connect";
import type { Config } from "../config/config.ts";

/** Which pages in a browser may call, and with which headers. */
export interface CorsOptions extends Readonly<Config["http"]["cors"]> {
  /** Headers that credentials come in. */
  readonly credentialHeaders: readonly string[];
}

/**
 * The CORS protocol (https://fetch.spec.whatwg.org/#http-cors-protocol). It tells a browser which pages may read
 * answers, and decides about no call. True: this was a preflight, and it is answered; nothing else has looked at it.
 */
export type Cors = (request: IncomingMessage, response: ServerResponse) => boolean;

/** How long a browser may remember a preflight: Chrome remembers none for longer. */
const maxAgeSeconds = 7200;

/** Closed by default: without origins nothing of this is said, and a preflight is a request like any other. */
export function createCors({ allowed_origins: origins, credentials, credentialHeaders }: CorsOptions): Cors {
  if (origins.length === 0) return () => false;
  const allowed: ReadonlySet<string> = new Set(origins);
  const allowedHeaders = [...new Set([...connect.allowedHeaders, "X-Request-Id", ...credentialHeaders])].join(
    ", ",
  );
  const exposedHeaders = [...connect.exposedHeaders, "WWW-Authenticate", "Retry-After", "X-Request-Id"].join(
    ", ",
  );
  return function cors(request, response) {
    response.appendHeader("vary", "origin");
    const { origin } = request.headers;
    if (origin === undefined || !allowed.has(origin)) return false;
    response.setHeader("access-control-allow-origin", origin);
    if (credentials) response.setHeader("access-control-allow-credentials", "true");
    if (request.method !== "OPTIONS" || request.headers["access-control-request-method"] === undefined) {
      response.setHeader("access-control-expose-headers", exposedHeaders);
      return false;
    }
    response.writeHead(204, {
      "access-control-allow-methods": connect.allowedMethods.join(", "),
      "access-control-allow-headers": allowedHeaders,
      "access-control-max-age": String(maxAgeSeconds),
    });
    response.end();
    return true;
  };
}
