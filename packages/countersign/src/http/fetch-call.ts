import type { Call, Peer } from "../core/call.ts";
import type { CorsRequest } from "./cors.ts";

/** A request of the Fetch standard as the pipeline sees it. */
export class FetchCall implements Call {
  readonly protocol = "http";
  readonly procedure: string;
  readonly peer: Peer;
  readonly #request: Pick<Request, "headers" | "signal">;

  constructor(procedure: string, request: Pick<Request, "headers" | "signal">, peer: Peer = unknown) {
    this.procedure = procedure;
    this.peer = peer;
    this.#request = request;
  }

  /** A header that came twice was joined with a comma, which no credential may have. */
  header(name: string): readonly string[] {
    const value = this.#request.headers.get(name);
    return value === null ? none : [value];
  }

  get signal(): AbortSignal {
    return this.#request.signal;
  }
}

/** Is it for more than one host, or for a user at one? Platforms join a Host that came twice, and make the URL of the first. */
export function isAmbiguous({ url, headers }: Pick<Request, "url" | "headers">): boolean {
  return headers.get("host")?.includes(",") === true || /^\w+:\/\/[^/?#]*@/.test(url);
}

const none: readonly string[] = Object.freeze([]);
const unknown: Peer = Object.freeze({ address: undefined });

/** What of a request the CORS protocol is about. */
export function corsRequest({ method, headers }: Request): CorsRequest {
  const origin = headers.get("origin") ?? undefined;
  return { method, origin, requestMethod: headers.get("access-control-request-method") ?? undefined };
}
