import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { formatAddress, type ListenAddress } from "../config/listen-address.ts";
import type { TlsEndpoint } from "../tls/tls-endpoint.ts";
import { bindFailure } from "./bind-failure.ts";
import type { Cors } from "./cors.ts";

/** Answers the requests for its own paths. False: this is none of them, and nothing was done. */
export type HttpHandler = (request: IncomingMessage, response: ServerResponse) => boolean;

export interface HttpListenerOptions {
  readonly address: ListenAddress;
  /** Does this node serve? */
  readonly ready: () => boolean;
  /** What `GET /` tells: nothing that is secret. */
  readonly about: Readonly<Record<string, unknown>>;
  /** Looks at each request first. */
  readonly cors: Cors;
  /** What is served besides; the first that knows a path answers. */
  readonly handlers: readonly HttpHandler[];
  /** Undefined for plain text. */
  readonly tls: TlsEndpoint | undefined;
}

export interface HttpListener {
  /** The address in use, with the port that was chosen. */
  readonly address: string;
  /** Lets open requests end, for at most so long, and then ends them. */
  close(graceMs: number): Promise<void>;
}

/** Time for a whole request and for its headers; and room for a credential that is too long to be told so. */
const limits = { requestTimeout: 30_000, headersTimeout: 10_000, maxHeaderSize: 32 * 1024 } as const;

/** The HTTP side: the handlers' paths, `GET /healthz`, `GET /readyz` and `GET /`. Everything else is refused. */
export async function listenHttp({
  address,
  ready,
  about,
  cors,
  handlers,
  tls,
}: HttpListenerOptions): Promise<HttpListener> {
  const server = serverOf(tls, (request, response) => {
    const reply = (status: number, body: unknown): void => {
      response.writeHead(status, { "content-type": "application/json", "cache-control": "no-store" });
      response.end(`${JSON.stringify(body)}\n`);
    };
    const target = targetOf(request);
    if (target === undefined) return reply(400, { error: "malformed target or Host" });
    // For the handlers, which look at paths.
    request.url = target;
    if (cors(request, response)) return;
    if (handlers.some((handle) => handle(request, response))) return;
    const path = target.split("?", 1)[0];
    if (path !== "/" && path !== "/healthz" && path !== "/readyz") return reply(404, { error: "not found" });
    if (request.method !== "GET" && request.method !== "HEAD")
      return reply(405, { error: "method not allowed" });
    if (path === "/healthz") return reply(200, { status: "ok" });
    if (path === "/readyz")
      return ready() ? reply(200, { status: "ready" }) : reply(503, { status: "not ready" });
    return reply(200, about);
  });
  await listening(server, address);
  const { port } = server.address() as AddressInfo;
  return {
    address: formatAddress({ host: address.host, port }),
    close: (graceMs) =>
      new Promise((resolve) => {
        // A closing server enforces no timeouts of its own.
        const force = setTimeout(() => server.closeAllConnections(), graceMs);
        server.close(() => {
          clearTimeout(force);
          resolve();
        });
        server.closeIdleConnections();
        tls?.endHandshakes();
      }),
  };
}

/**
 * Path and query of a target in origin or absolute form (RFC 9112 section 3.2), as they were sent. Undefined for every other,
 * and without one Host: what else is sent means another server to another reader.
 */
function targetOf({ url = "", headersDistinct }: IncomingMessage): string | undefined {
  const [host, ...others] = headersDistinct["host"] ?? [];
  const [origin = ""] = /^https?:\/\/[^/?#@\\\s]+(?=\/)/.exec(url) ?? [];
  const target = url.slice(origin.length);
  const authorities = [host === undefined ? "" : `http://${host}`, origin].filter((each) => each !== "");
  const known = others.length === 0 && authorities.every((each) => URL.canParse(each));
  return known && target.startsWith("/") ? target : undefined;
}

function serverOf(tls: TlsEndpoint | undefined, answer: RequestListener): Server {
  if (tls === undefined) return createServer(limits, answer);
  const server = createTlsServer({ ...tls.options, ...limits }, answer);
  tls.attach(server);
  return server;
}

function listening(server: Server, address: ListenAddress): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (error) => reject(bindFailure("http", address, error.message)));
    server.listen(address.port, address.host, resolve);
  });
}
