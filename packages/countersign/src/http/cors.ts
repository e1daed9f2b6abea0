import { requireKnown } from "../core/known-options.ts";

/** Which pages in a browser may call, and with what. */
export interface CorsOptions {
  /** As a browser writes them: `https://app.example`, `http://localhost:5173`. Default: none, and nothing is said. */
  readonly origins: readonly string[];
  /** May pages send cookies and client certificates? Headers with a credential need no such leave. Default: no. */
  readonly credentials?: boolean;
  /** Headers that pages may send. Default: `authorization`, `content-type`, `x-api-key` and `x-countersign-stream`. */
  readonly allowedHeaders?: readonly string[];
  /** Headers of answers that pages may read. Default: `www-authenticate`, `retry-after` and `x-request-id`. */
  readonly exposedHeaders?: readonly string[];
  /** Default: GET, HEAD, POST, PUT, PATCH and DELETE. */
  readonly methods?: readonly string[];
}

/** What of a request the CORS protocol is about. */
export interface CorsRequest {
  readonly method: string | undefined;
  readonly origin: string | undefined;
  /** `access-control-request-method` */
  readonly requestMethod: string | undefined;
}

export interface CorsAnswer {
  /** The whole answer is 204 with these headers, and nothing else looks at the request. */
  readonly preflight: boolean;
  /** For the answer, whatever it will be. */
  readonly headers: readonly (readonly [name: string, value: string])[];
}

/**
 * The CORS protocol (https://fetch.spec.whatwg.org/#http-cors-protocol). It tells a browser which pages may read
 * answers, and decides about no call.
 */
export type Cors = (request: CorsRequest) => CorsAnswer;

/** How long a browser may remember a preflight: Chrome remembers none for longer. */
const maxAgeSeconds = 7200;

/**
 * Closed by default: without origins nothing of this is said, and a preflight is a request like any other. Throws a
 * `TypeError` for options without a list of origins, and for names that are none of an option.
 */
export function createCors(options: CorsOptions | undefined): Cors {
  if (options !== undefined) requireOptions(options);
  const { origins = [], credentials = false } = options ?? {};
  if (origins.length === 0) return () => nothing;
  for (const origin of origins) requireOrigin(origin);
  const allowed: ReadonlySet<string> = new Set(origins);
  const methods = (options?.methods ?? corsDefaults.methods).join(", ");
  const allowedHeaders = (options?.allowedHeaders ?? corsDefaults.allowedHeaders).join(", ");
  const exposedHeaders = (options?.exposedHeaders ?? corsDefaults.exposedHeaders).join(", ");
  return ({ method, origin, requestMethod }) => {
    if (origin === undefined || !allowed.has(origin)) return other;
    const preflight = method === "OPTIONS" && requestMethod !== undefined;
    const headers: (readonly [string, string])[] = [
      ["vary", "origin"],
      ["access-control-allow-origin", origin],
    ];
    if (credentials) headers.push(["access-control-allow-credentials", "true"]);
    if (!preflight)
      return { preflight, headers: [...headers, ["access-control-expose-headers", exposedHeaders]] };
    headers.push(
      ["access-control-allow-methods", methods],
      ["access-control-allow-headers", allowedHeaders],
      ["access-control-max-age", String(maxAgeSeconds)],
    );
    return { preflight, headers };
  };
}

/** What stands for each list that is not given. */
export const corsDefaults = {
  methods: ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
  allowedHeaders: ["authorization", "content-type", "x-api-key", "x-countersign-stream"],
  exposedHeaders: ["www-authenticate", "retry-after", "x-request-id"],
} as const;

const nothing: CorsAnswer = Object.freeze({ preflight: false, headers: [] });
const other: CorsAnswer = Object.freeze({ preflight: false, headers: [["vary", "origin"] as const] });

/** "origin" for "origins" would be silently closed, with every page at a loss. */
function requireOptions(options: CorsOptions): void {
  requireKnown("CORS", options, ["origins", "credentials", ...Object.keys(corsDefaults)]);
  if (!Array.isArray(options.origins))
    throw new TypeError(`CORS needs origins, a list as ["https://app.example"]`);
}

function requireOrigin(origin: string): void {
  if (URL.canParse(origin) && new URL(origin).origin === origin) return;
  throw new TypeError(`"${origin}" is no origin: write a scheme and a host, as in "https://app.example"`);
}
