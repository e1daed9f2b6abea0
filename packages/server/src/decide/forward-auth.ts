import type { IncomingMessage, ServerResponse } from "node:http";
import { type Auth, type Denial, denial, type Principal, requestIdHeader, statusOf } from "countersign";
import type { HttpHandler } from "../listen/http.ts";
import type { ForwardedAddress } from "../requests/peer-address.ts";
import { AskingCall, forwardAuthProcedure, type KeyPlace } from "./asking-call.ts";
import type { Decisions, Verdict } from "./decisions.ts";
import type { ProxiedRequest } from "./proxied-call.ts";
import { bodyOf, challengeOf, grpcHeaders, type Refusal, refusalOf, speaksGrpc } from "./refusal.ts";

export interface ForwardAuthOptions {
  /** Of this program's own listeners: whether a proxy may ask. */
  readonly auth: Auth<Principal>;
  readonly decisions: Pick<Decisions, "ask">;
  readonly identityHeader: string;
  readonly keys: KeyPlace;
  readonly onError: (error: unknown) => void;
  /** Reads `x-forwarded-for`. */
  readonly forwardedAddress: ForwardedAddress;
}

/** How a refusal is told, by where a proxy asks. */
const dialects: Readonly<Record<string, (denial: Denial, contentType: string) => Refusal>> = {
  // What Traefik and Caddy send on as it is. It must not be a 2xx, and gRPC's clients look at its headers before its status.
  "/forward-auth": (refused, contentType) => ({
    ...refusalOf(refused, contentType),
    ...(speaksGrpc(contentType) && { status: statusOf[refused.reason].http }),
  }),
  "/forward-auth/nginx": (refused) => ({
    // `auth_request` knows no other: all that `error_page` needs is in the headers.
    status: statusOf[refused.reason].http === 401 ? 401 : 403,
    headers: {
      ...challengeOf(refused),
      ...grpcHeaders(refused),
      "x-countersign-status": String(statusOf[refused.reason].http),
      "x-countersign-body": bodyOf(refused),
    },
    body: "",
  }),
};

/**
 * `GET /forward-auth`, for proxies that ask by HTTP with their caller's own headers, and with `x-forwarded-method` and
 * `x-forwarded-uri`. A proxy that may not ask is told that nobody can tell: it would take 401 for its caller's.
 */
export function forwardAuth(options: ForwardAuthOptions): HttpHandler {
  options.auth.serve([forwardAuthProcedure]);
  return (request, response) => {
    // A query is that of the proxy's caller: Caddy keeps it where it asks for another path.
    const [path = ""] = (request.url ?? "").split("?", 1);
    const dialect = Object.hasOwn(dialects, path) ? dialects[path] : undefined;
    if (dialect === undefined) return false;
    if (request.method !== "GET") {
      response.writeHead(405, { allow: "GET", "content-length": 0 }).end();
      return true;
    }
    answer(options, { request, response, dialect }).catch((error: unknown) => {
      options.onError(error);
      // Nothing that went wrong here is an admission.
      if (response.headersSent) response.destroy();
      else response.writeHead(503, { "content-length": 0 }).end();
    });
    return true;
  };
}

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly dialect: (denial: Denial, contentType: string) => Refusal;
}

async function answer(options: ForwardAuthOptions, { request, response, dialect }: Exchange): Promise<void> {
  const asking = new AskingCall(request, options.keys);
  const asked = readRequest(request, asking, options.forwardedAddress);
  const asker = await options.auth.decide(asking);
  if (!asker.ok) {
    const followed = options.auth.follow?.(asking);
    followed?.decided(asker);
    followed?.end(0);
    const { headers, body } = dialect(unavailable, asked.contentType);
    return send(response, { status: 503, headers, body });
  }
  const verdict = await options.decisions.ask(asked);
  if (verdict.call.requestId !== undefined) response.setHeader(requestIdHeader, verdict.call.requestId);
  const { decision } = verdict;
  if (decision.ok)
    return send(response, { status: 200, headers: allowed(verdict, options.identityHeader), body: "" });
  response.setHeader("x-countersign-reason", decision.denial.reason);
  send(response, dialect(decision.denial, asked.contentType));
}

const unavailable = denial("UNAVAILABLE");

/** One method and one target, or none: a proxy sets each, and whatever its caller sent beside them is not looked at. */
function readRequest(
  { headersDistinct }: IncomingMessage,
  asking: AskingCall,
  forwardedAddress: ForwardedAddress,
): ProxiedRequest {
  const only = (name: string): string => {
    const [value = "", ...others] = headersDistinct[name] ?? [];
    return others.length === 0 ? value : "";
  };
  return {
    method: only("x-forwarded-method"),
    target: only("x-forwarded-uri"),
    contentType: headersDistinct["content-type"]?.join(",").toLowerCase() ?? "",
    header: (name) => headersDistinct[name] ?? [],
    peerAddress: forwardedAddress(headersDistinct["x-forwarded-for"] ?? []) ?? asking.peer.address,
    asking,
  };
}

/** The identity is for the service; the rest is for the proxy's own log. */
function allowed({ decision, identity }: Verdict, identityHeader: string): Readonly<Record<string, string>> {
  if (!decision.ok || decision.principal === undefined) return {};
  return {
    ...(identity !== undefined && { [identityHeader]: identity }),
    "x-countersign-user-id": visible(decision.principal.userId),
    ...(decision.authenticator !== undefined && {
      "x-countersign-authenticator": visible(decision.authenticator),
    }),
  };
}

/** As it is, where a header can hold it; else percent-encoded. */
function visible(text: string): string {
  return /^[!-~]*$/.test(text) ? text : encodeURIComponent(text.toWellFormed());
}

function send(response: ServerResponse, { status, headers, body }: Refusal): void {
  if (response.destroyed) return;
  response.writeHead(status, {
    ...headers,
    "cache-control": "no-store",
    "content-length": Buffer.byteLength(body),
  });
  response.end(body);
}
