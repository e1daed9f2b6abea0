import type { IncomingMessage } from "node:http";
import type { Call, Peer } from "../core/call.ts";
import { peerCertificate } from "./peer-certificate.ts";

/** A request of `node:http` as the pipeline sees it. */
export class HttpCall implements Call {
  readonly protocol: Call["protocol"];
  readonly procedure: string;
  readonly #request: IncomingMessage;
  #abort: AbortController | undefined;

  constructor(protocol: Call["protocol"], procedure: string, request: IncomingMessage) {
    this.protocol = protocol;
    this.procedure = procedure;
    this.#request = request;
  }

  header(name: string): readonly string[] {
    // Not `headers`, which keeps the first of two credentials and joins other names.
    return this.#request.headersDistinct[name] ?? none;
  }

  get peer(): Peer {
    const { remoteAddress, remotePort } = this.#request.socket;
    if (remoteAddress === undefined) return { address: undefined };
    const host = remoteAddress.includes(":") ? `[${remoteAddress}]` : remoteAddress;
    const address = `${host}:${remotePort ?? 0}`;
    const certificate = peerCertificate(this.#request.socket);
    return certificate === undefined ? { address } : { address, certificate };
  }

  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      const abort = new AbortController();
      this.#abort = abort;
      this.#request.socket.once("close", () => abort.abort());
    }
    return this.#abort.signal;
  }
}

const none: readonly string[] = Object.freeze([]);
