import type { IncomingMessage } from "node:http";
import type { Http2ServerRequest } from "node:http2";
import type { Call, Peer } from "../core/call.ts";
import { requestIdHeader, requestIdOf } from "../core/request-id.ts";
import { peerCertificate } from "./peer-certificate.ts";

/** A request of `node:http`, or of `node:http2` in the same shape. */
export type NodeRequest = IncomingMessage | Http2ServerRequest;

/** A request of Node's as the pipeline sees it. */
export class HttpCall implements Call {
  readonly protocol: Call["protocol"];
  readonly procedure: string;
  readonly #request: NodeRequest;
  #signal: AbortSignal | undefined;
  #requestId: string | undefined;

  /** Without a signal, the end of the connection is the end of the call. */
  constructor(protocol: Call["protocol"], procedure: string, request: NodeRequest, signal?: AbortSignal) {
    this.protocol = protocol;
    this.procedure = procedure;
    this.#request = request;
    this.#signal = signal;
  }

  header(name: string): readonly string[] {
    // Not `headers`, which keeps the first of two credentials and joins other names.
    if ("headersDistinct" in this.#request) return this.#request.headersDistinct[name] ?? none;
    return valuesOf(this.#request.rawHeaders, name);
  }

  get peer(): Peer {
    const { remoteAddress, remotePort } = this.#request.socket;
    if (remoteAddress === undefined) return { address: undefined };
    const host = remoteAddress.includes(":") ? `[${remoteAddress}]` : remoteAddress;
    const address = `${host}:${remotePort ?? 0}`;
    const certificate = peerCertificate(this.#request.socket);
    return certificate === undefined ? { address } : { address, certificate };
  }

  get requestId(): string {
    this.#requestId ??= requestIdOf(this.header(requestIdHeader));
    return this.#requestId;
  }

  get signal(): AbortSignal {
    // One of its own: what listens to it goes when the request does, and not when the connection closes.
    this.#signal ??= AbortSignal.any([endOf(this.#request.socket)]);
    return this.#signal;
  }
}

/** By connection, which has one listener however many requests come on it. */
const ends = new WeakMap<object, AbortSignal>();

function endOf(socket: NodeRequest["socket"]): AbortSignal {
  const known = ends.get(socket);
  if (known !== undefined) return known;
  const abort = new AbortController();
  if (socket.destroyed) abort.abort();
  else socket.once("close", () => abort.abort());
  ends.set(socket, abort.signal);
  return abort.signal;
}

const none: readonly string[] = Object.freeze([]);

/** Names and values in turn, the names in lower case, as HTTP/2 has them (RFC 9113 section 8.2). */
function valuesOf(rawHeaders: readonly string[], name: string): readonly string[] {
  let values: string[] | undefined;
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    if (rawHeaders[at] !== name) continue;
    values ??= [];
    values.push(rawHeaders[at + 1] ?? "");
  }
  return values ?? none;
}
