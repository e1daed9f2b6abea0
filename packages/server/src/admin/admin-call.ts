import type { IncomingMessage } from "node:http";
import type { Call, Peer } from "countersign";

/** A request of the admin UI as the pipeline sees it: with the credential of its session, and no other one. */
export class AdminCall implements Call {
  readonly protocol = "http";
  readonly procedure: string;
  readonly signal: AbortSignal;
  readonly #request: IncomingMessage;
  readonly #credential: readonly [header: string, value: string] | undefined;

  constructor(request: IncomingMessage, procedure: string, credential?: readonly [string, string]) {
    const abort = new AbortController();
    request.socket.once("close", () => abort.abort());
    this.signal = abort.signal;
    this.procedure = procedure;
    this.#request = request;
    this.#credential = credential;
  }

  header(name: string): readonly string[] {
    if (name === this.#credential?.[0]) return [this.#credential[1]];
    return name === "user-agent" ? (this.#request.headersDistinct[name] ?? []) : [];
  }

  get peer(): Peer {
    const { remoteAddress, remotePort } = this.#request.socket;
    if (remoteAddress === undefined) return { address: undefined };
    const host = remoteAddress.includes(":") ? `[${remoteAddress}]` : remoteAddress;
    return { address: `${host}:${remotePort ?? 0}` };
  }
}
