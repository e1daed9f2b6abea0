import { createHash, timingSafeEqual } from "node:crypto";
import type { ServerResponse } from "node:http";
import type { HttpHandler } from "../listen/http.ts";
import type { Metrics } from "./metrics.ts";

export interface MetricsPathOptions {
  readonly metrics: Pick<Metrics, "contentType" | "text">;
  /** What has to be presented as `Authorization: Bearer …`. Undefined: nothing. */
  readonly token: string | undefined;
  readonly onError: (error: unknown) => void;
}

/** `GET /metrics`. */
export function metricsPath({ metrics, token, onError }: MetricsPathOptions): HttpHandler {
  const expected = token === undefined ? undefined : digest(`Bearer ${token}`);
  return (request, response) => {
    if (request.url?.split("?", 1)[0] !== "/metrics") return false;
    if (request.method !== "GET" && request.method !== "HEAD") {
      reply(response, 405, { allow: "GET, HEAD" });
      return true;
    }
    const given = request.headersDistinct["authorization"] ?? [];
    if (
      expected !== undefined &&
      !(given.length === 1 && timingSafeEqual(digest(given[0] ?? ""), expected))
    ) {
      reply(response, 401, { "www-authenticate": "Bearer" });
      return true;
    }
    metrics.text().then(
      (text) => reply(response, 200, { "content-type": metrics.contentType }, text),
      (error: unknown) => {
        onError(error);
        reply(response, 500, {});
      },
    );
    return true;
  };
}

function reply(response: ServerResponse, status: number, headers: Record<string, string>, body = ""): void {
  response.writeHead(status, { "cache-control": "no-store", ...headers });
  response.end(body);
}

/** Of one length whatever was sent, so that comparing takes as long. */
function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
