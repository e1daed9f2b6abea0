import { createHash } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { revealKey, revealPath } from "countersign/service";
import type { Store } from "countersign/store";
import type { Config } from "../config/config.ts";
import type { HttpHandler } from "./http.ts";
import { revealPage, revealScript, revealStyle } from "./key-reveal-page.ts";

export interface KeyRevealOptions {
  readonly apiKeys: Pick<Store["apiKeys"], "reveal">;
  readonly onError: (error: unknown, procedure: string) => void;
}

/** What links to new keys begin with. Undefined while nobody knows where this server is. */
export function linkBase(
  { http: { public_url: url, tls, listen } }: Pick<Config, "http">,
  address: string,
): string | undefined {
  if (url !== undefined) return url;
  // A wildcard is an address to listen on, and none to go to.
  if (address === "" || ["0.0.0.0", "::"].includes(listen.host)) return undefined;
  return `${tls === undefined ? "http" : "https"}://${address}`;
}

const source = (text: string): string => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

/** Nothing from elsewhere, nothing sent elsewhere, and in no frame. */
const pageHeaders = Object.freeze({
  "content-type": "text/html; charset=utf-8",
  "content-security-policy": [
    "default-src 'none'",
    `script-src ${source(revealScript)}`,
    `style-src ${source(revealStyle)}`,
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; "),
  "cross-origin-opener-policy": "same-origin",
  "x-frame-options": "DENY",
});

const always = Object.freeze({
  "cache-control": "no-store",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
});

const longestBody = 1024;

/**
 * The page of a link to a new key, and the one request that it makes. Looking at the page uses nothing up: those who look at links
 * on behalf of others do no more than that. The token stands in the fragment, which no request carries.
 */
export function keyReveal({ apiKeys, onError }: KeyRevealOptions): HttpHandler {
  return (request, response) => {
    if (request.url !== revealPath) return false;
    if (request.method === "GET" || request.method === "HEAD") {
      response.writeHead(200, { ...always, ...pageHeaders });
      response.end(request.method === "HEAD" ? undefined : revealPage);
    } else if (request.method === "POST") {
      reveal(apiKeys, request).then(
        ([status, body]) => answer(response, status, body),
        (error: unknown) => {
          onError(error, `POST ${revealPath}`);
          answer(response, 503, { error: "unavailable" });
        },
      );
    } else {
      response.writeHead(405, { ...always, allow: "GET, HEAD, POST" }).end();
    }
    return true;
  };
}

type Answer = readonly [status: number, body: Readonly<Record<string, unknown>>];

async function reveal(apiKeys: KeyRevealOptions["apiKeys"], request: IncomingMessage): Promise<Answer> {
  // What a page of another origin sends without asking first is none of this.
  if (request.headers["content-type"] !== "application/json")
    return [415, { error: "application/json expected" }];
  const token = await tokenIn(request);
  if (token === undefined) return [400, { error: "a token is expected" }];
  const found = await revealKey(apiKeys, token, request.socket.remoteAddress);
  if (found.kind === "revealed") return [200, { api_key_id: found.apiKeyId, key: found.key }];
  if (found.kind === "unknown") return [404, { error: "no such link" }];
  const { revealedAt } = found;
  return [410, { error: "gone", ...(revealedAt && { revealed_at: revealedAt.toISOString() }) }];
}

async function tokenIn(request: IncomingMessage): Promise<string | undefined> {
  let text = "";
  for await (const piece of request.setEncoding("utf8") as AsyncIterable<string>) {
    text += piece;
    if (text.length > longestBody) return undefined;
  }
  try {
    const { token } = JSON.parse(text) as { readonly token?: unknown };
    return typeof token === "string" ? token : undefined;
  } catch {
    return undefined;
  }
}

function answer(response: ServerResponse, status: number, body: Readonly<Record<string, unknown>>): void {
  response.writeHead(status, { ...always, "content-type": "application/json" });
  response.end(`${JSON.stringify(body)}\n`);
}
