import type { IncomingMessage } from "node:http";
import { HttpCall } from "countersign/http/json";

/** Where a proxy that asks over HTTP has its own API key: every other header is that of its caller. */
export const proxyKeyHeader = "x-countersign-proxy-key";

/** What a proxy calls over HTTP to ask. */
export const forwardAuthProcedure = "GET /forward-auth";

/** Where the configuration has API keys. */
export interface KeyPlace {
  readonly header: string;
  readonly scheme: string;
}

/** The question of a proxy as a call of its own: with its own key, or the certificate of its connection. */
export class AskingCall extends HttpCall {
  readonly #place: KeyPlace;

  constructor(request: IncomingMessage, place: KeyPlace) {
    super("http", forwardAuthProcedure, request);
    this.#place = place;
  }

  override header(name: string): readonly string[] {
    const { header, scheme } = this.#place;
    if (name !== header) return name === "x-request-id" || name === "user-agent" ? super.header(name) : none;
    // Whoever comes with a certificate has no key: what stands there is what its caller made up.
    if (this.peer.certificate !== undefined) return none;
    return super.header(proxyKeyHeader).map((key) => (scheme === "" ? key : `${scheme} ${key}`));
  }
}

const none: readonly string[] = Object.freeze([]);
