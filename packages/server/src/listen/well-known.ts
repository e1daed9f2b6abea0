import { createHash } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Signing } from "../signing.ts";
import type { HttpHandler } from "./http.ts";

export interface WellKnownOptions {
  readonly issuer?: string | undefined;
  /** How long a new key is published before it signs: half of that an answer may be kept. */
  readonly publish_ahead: number;
}

/** Members of the metadata for what is served besides, such as `introspection_endpoint`: paths below the issuer. */
export type Endpoints = Readonly<Record<string, string>>;

const longestAgeSeconds = 300;

const keysPath = "/.well-known/jwks.json";

/**
 * What everyone may know of this issuer: its public keys (RFC 7517), and where they are (RFC 8414, OpenID Connect
 * Discovery 1.0). An issuer that is no URL has no metadata: nobody could look for it there.
 */
export function wellKnown(
  { issuer, publish_ahead: publishAhead }: WellKnownOptions,
  signing: Pick<Signing, "jwks" | "ring">,
  endpoints: Endpoints = {},
): HttpHandler {
  const maxAge = Math.min(Math.floor(publishAhead / 2), longestAgeSeconds);
  const url = issuerUrl(issuer);
  const metadata = (): unknown => ({
    issuer,
    jwks_uri: below(url, keysPath),
    ...Object.fromEntries(Object.entries(endpoints).map(([name, path]) => [name, below(url, path)])),
    // Tokens are had from AuthService, by no grant of OAuth.
    response_types_supported: [],
    grant_types_supported: [],
    subject_types_supported: ["public"],
    id_token_signing_alg_values_supported: [...new Set(signing.ring().keys.map((key) => key.algorithm))],
  });
  const documents = new Map<string, () => unknown>([[keysPath, () => signing.jwks()]]);
  if (url !== undefined) {
    const path = url.pathname.replace(/\/$/, "");
    documents.set(`${path}${keysPath}`, () => signing.jwks());
    for (const at of [
      "/.well-known/openid-configuration",
      `${path}/.well-known/openid-configuration`,
      "/.well-known/oauth-authorization-server",
      `/.well-known/oauth-authorization-server${path}`,
    ]) {
      documents.set(at, metadata);
    }
  }
  return (request, response) => {
    const document = documents.get(request.url?.split("?", 1)[0] ?? "");
    if (document === undefined) return false;
    answer(request, response, { document, maxAge });
    return true;
  };
}

/** https, as both specifications ask for; plain http for this machine alone. */
function issuerUrl(issuer: string | undefined): URL | undefined {
  const url = issuer === undefined ? null : URL.parse(issuer);
  if (url === null || url.search !== "" || url.hash !== "") return undefined;
  const local = ["localhost", "127.0.0.1", "[::1]"].includes(url.hostname);
  return url.protocol === "https:" || (url.protocol === "http:" && local) ? url : undefined;
}

function below(url: URL | undefined, path: string): string {
  return url === undefined ? path : `${url.origin}${url.pathname.replace(/\/$/, "")}${path}`;
}

interface Answer {
  readonly document: () => unknown;
  /** Seconds. */
  readonly maxAge: number;
}

function answer(request: IncomingMessage, response: ServerResponse, { document, maxAge }: Answer): void {
  const headers = { "access-control-allow-origin": "*", "x-content-type-options": "nosniff" };
  if (request.method !== "GET" && request.method !== "HEAD") {
    response.writeHead(405, { ...headers, allow: "GET, HEAD" }).end();
    return;
  }
  const body = textOf(document);
  if (body === undefined) {
    response.writeHead(503, { ...headers, "cache-control": "no-store" }).end();
    return;
  }
  const etag = `"${createHash("sha256").update(body).digest("base64url")}"`;
  const caching = { ...headers, etag, "cache-control": `public, max-age=${maxAge}` };
  if (request.headers["if-none-match"] === etag) {
    response.writeHead(304, caching).end();
    return;
  }
  response.writeHead(200, { ...caching, "content-type": "application/json" });
  response.end(request.method === "HEAD" ? undefined : body);
}

/** Undefined while there are no keys. */
function textOf(document: () => unknown): string | undefined {
  try {
    return JSON.stringify(document());
  } catch {
    return undefined;
  }
}
