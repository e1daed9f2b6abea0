import { type ConnectNodeAdapterOptions, connectNodeAdapter } from "@connectrpc/connect-node";
import type { NodeRequest } from "../http/http-call.ts";
import { attend } from "./hang-up.ts";

/** What `createServer` of `node:http`, `node:https` and `node:http2` takes. */
export type NodeListener = ReturnType<typeof connectNodeAdapter>;
type NodeResponse = Parameters<NodeListener>[1];

/** Connect's own adapter, behind what it takes for granted: a request that a URL can be made of, and that ends. */
export function listenerOf(
  options: ConnectNodeAdapterOptions,
  onError: (error: unknown, request: NodeRequest) => void,
): NodeListener {
  const adapter = connectNodeAdapter(options);
  return function countersign(request, response) {
    if (!isWellFormed(request)) return answer(response, 400, "invalid_argument", "Malformed target or Host");
    attend(request, response as Parameters<typeof attend>[1]);
    // Leaving a loop over the body destroys the connection by default, and the answer with it.
    request[Symbol.asyncIterator] = () => request.iterator({ destroyOnReturn: false });
    try {
      adapter(request, response);
    } catch (error) {
      onError(error, request);
      answer(response, 500, "internal", "Internal error");
    }
  };
}

/** A path and one authority (RFC 9112 section 3.2). The adapter throws for anything else, outside of every handler. */
function isWellFormed(request: NodeRequest): boolean {
  const { url = "" } = request;
  if (!url.startsWith("/")) return false;
  if ("stream" in request) return URL.canParse(url, `http://${request.authority ?? ""}`);
  const [host, ...others] = request.headersDistinct["host"] ?? [];
  return host !== undefined && others.length === 0 && URL.canParse(url, `http://${host}`);
}

function answer(response: NodeResponse, status: number, code: string, message: string): void {
  if (response.headersSent) return;
  response.writeHead(status, { "content-type": "application/json", connection: "close" });
  response.end(JSON.stringify({ code, message }));
}
