import { cors as connect, createConnectRouter } from "@connectrpc/connect";
import type { UniversalHandler } from "@connectrpc/connect/protocol";
import {
  type ConnectNodeAdapterOptions,
  compressionBrotli,
  compressionGzip,
  type connectNodeAdapter,
  universalResponseToNodeResponse,
} from "@connectrpc/connect-node";
import type { Principal } from "../../core/principal.ts";
import type { UserAccount } from "../../core/user.ts";
import { type CorsOptions, corsDefaults, createCors } from "../../http/cors.ts";
import type { NodeRequest } from "../../http/http-call.ts";
import { failureError, type JsonError, malformedTarget, plainError } from "../../http/json-error.ts";
import { type NodeResponse, sendError } from "../../http/node-answer.ts";
import { answerCors } from "../../http/node-cors.ts";
import { targetOf } from "../../http/node-target.ts";
import { connectionKey } from "../admission.ts";
import type { ConnectAuth } from "../connect-auth.ts";
import { attend, hangUpSoon } from "./hang-up.ts";
import { universalRequest } from "./universal-request.ts";

/** What `createServer` of `node:http`, `node:https` and `node:http2` takes. */
export type NodeListener = ReturnType<typeof connectNodeAdapter>;
/** Connect writes to an answer of Node's through a type of its own. */
type ConnectResponse = Parameters<NodeListener>[1] & NodeResponse;

export interface ConnectListenerOptions extends ConnectNodeAdapterOptions {
  /**
   * For RPCs; `fallback` sees to its own. What Connect and gRPC-Web need is added to the lists. Default: no page of another
   * origin may read an answer.
   */
  readonly cors?: CorsOptions | undefined;
}

/**
 * Routes behind a guard as a listener: `http.createServer(connectListener(guard, { routes }))`, and so with `node:https`
 * and `node:http2`. Each call is decided on its headers: nothing of a refused body is received, inflated or parsed.
 * Throws a `TypeError` that names the RPCs for which there is no rule. `readMaxBytes` is 4 MiB by default.
 *
 * It is what `connectNodeAdapter` is, without what that takes for granted: it throws outside of every handler for a Host
 * that is no part of a URL, waits for bodies that nobody wants, and writes to the console when a caller has left.
 */
export function connectListener(
  guard: ConnectAuth<Principal, UserAccount>,
  { cors: pages, ...options }: ConnectListenerOptions,
): NodeListener {
  const {
    routes,
    fallback = notFound,
    requestPathPrefix = "",
    contextValues,
    ...rest
  } = guard.protect(options);
  const router = createConnectRouter({ acceptCompression: [compressionGzip, compressionBrotli], ...rest });
  routes(router);
  const cors = createCors(pages && withConnect(pages));
  const handlers = new Map(
    router.handlers.map((handler) => [requestPathPrefix + handler.requestPath, handler]),
  );

  return function countersign(request, response) {
    const target = requestUrl(request);
    if (target === undefined) return malformed(request, response);
    const handler = handlers.get(target.path);
    if (handler === undefined) return fallback(request, response);
    // Before the guard: a preflight carries no credential.
    if (answerCors(cors, request, response as ConnectResponse)) return;
    attend(request, response as ConnectResponse);
    const exchange = { url: target.url, request, response: response as ConnectResponse };
    serve(handler, exchange).catch(() => response.destroy());
  };

  async function serve(handler: UniversalHandler, { url, request, response }: Exchange): Promise<void> {
    try {
      const values = contextValues?.(request).set(connectionKey, {
        request,
        hangUp: () => hangUpSoon(response),
      });
      await universalResponseToNodeResponse(
        await handler(universalRequest(request, response, { url, contextValues: values })),
        response,
      );
    } catch (error) {
      // An answer that was begun and cannot be written has nobody who waits for it.
      if (response.headersSent || response.destroyed) return;
      guard.report(error, handler.requestPath);
      sendError(request, response, failureError(error));
    }
  }
}

/** The same, with Connect's own words for its protocols. */
function withConnect(given: CorsOptions): CorsOptions {
  const {
    methods = [],
    allowedHeaders = corsDefaults.allowedHeaders,
    exposedHeaders = corsDefaults.exposedHeaders,
  } = given;
  return {
    ...given,
    methods: [...methods, ...connect.allowedMethods],
    allowedHeaders: [...allowedHeaders, ...connect.allowedHeaders],
    exposedHeaders: [...exposedHeaders, ...connect.exposedHeaders],
  };
}

interface Exchange {
  readonly url: string;
  readonly request: NodeRequest;
  readonly response: ConnectResponse;
}

/** Undefined without a path and one authority (RFC 9112 section 3.2). */
function requestUrl(request: NodeRequest): { readonly url: string; readonly path: string } | undefined {
  const target = targetOf(request);
  if (target === undefined) return undefined;
  const sent = "stream" in request ? request.authority : request.headers.host;
  const { url: path, authority = sent ?? "" } = target;
  const url = `${"encrypted" in request.socket ? "https" : "http"}://${authority}${path}`;
  // Nothing of a Host is to be taken for the path.
  if (!/^[^/?#@\\\s]+$/.test(authority) || !URL.canParse(url)) return undefined;
  return { url, path: path.split("?", 1)[0] ?? "" };
}

const malformed = answering(malformedTarget);
const notFound = answering(plainError(404, "unimplemented", "There is no such procedure"));

function answering(error: JsonError): NodeListener {
  return (request, response) => sendError(request, response as ConnectResponse, error);
}
