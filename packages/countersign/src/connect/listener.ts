import { createConnectRouter } from "@connectrpc/connect";
import type { UniversalHandler } from "@connectrpc/connect/protocol";
import {
  type ConnectNodeAdapterOptions,
  compressionBrotli,
  compressionGzip,
  type connectNodeAdapter,
  universalResponseToNodeResponse,
} from "@connectrpc/connect-node";
import type { NodeRequest } from "../http/http-call.ts";
import { attend } from "./hang-up.ts";
import { type OnError, report } from "./report.ts";
import { universalRequest } from "./universal-request.ts";

/** What `createServer` of `node:http`, `node:https` and `node:http2` takes. */
export type NodeListener = ReturnType<typeof connectNodeAdapter>;
type NodeResponse = Parameters<NodeListener>[1];

/**
 * What `connectNodeAdapter` is, without what it takes for granted: it throws outside of every handler for a Host that
 * is no part of a URL, waits for bodies that nobody wants, and writes to the console when a caller has left.
 */
export function listenerOf(options: ConnectNodeAdapterOptions, onError: OnError): NodeListener {
  const { routes, fallback = notFound, requestPathPrefix = "", contextValues } = options;
  const router = createConnectRouter({ acceptCompression: [compressionGzip, compressionBrotli], ...options });
  routes(router);
  const handlers = new Map(
    router.handlers.map((handler) => [requestPathPrefix + handler.requestPath, handler]),
  );

  return function countersign(request, response) {
    if (!isWellFormed(request)) return answer(response, 400, "invalid_argument", "Malformed target or Host");
    const handler = handlers.get(pathOf(request));
    if (handler === undefined) return fallback(request, response);
    attend(request, response as Parameters<typeof attend>[1]);
    serve(handler, request, response).catch(() => response.destroy());
  };

  async function serve(
    handler: UniversalHandler,
    request: NodeRequest,
    response: NodeResponse,
  ): Promise<void> {
    try {
      const call = universalRequest(request, response, contextValues?.(request));
      await universalResponseToNodeResponse(await handler(call), response);
    } catch (error) {
      // An answer that was begun and cannot be written has nobody who waits for it.
      if (response.headersSent || response.destroyed) return;
      report(onError, error, handler.requestPath);
      answer(response, 500, "internal", "Internal error");
    }
  }
}

function pathOf({ url = "" }: NodeRequest): string {
  return url.split("?", 1)[0] ?? "";
}

/** A path and one authority (RFC 9112 section 3.2). */
function isWellFormed(request: NodeRequest): boolean {
  const { url = "" } = request;
  if (!url.startsWith("/")) return false;
  if ("stream" in request) return URL.canParse(url, `http://${request.authority ?? ""}`);
  const [host, ...others] = request.headersDistinct["host"] ?? [];
  return host !== undefined && others.length === 0 && URL.canParse(url, `http://${host}`);
}

const notFound: NodeListener = (_request, response) =>
  answer(response, 404, "unimplemented", "There is no such procedure");

function answer(response: NodeResponse, status: number, code: string, message: string): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify({ code, message }));
}
