import type { Metadata, ServerInterceptingCallInterface } from "@grpc/grpc-js";
import type { Call, Peer } from "../core/call.ts";
import { requestIdHeader, requestIdOf } from "../core/request-id.ts";

/** What no authenticator recognises. */
const unrecognizable: readonly string[] = Object.freeze(["\ufffd"]);

/** A grpc-js call as the pipeline sees it. What costs something is made when it is first asked for. */
export class GrpcCall implements Call {
  readonly protocol = "grpc";
  readonly procedure: string;
  readonly #metadata: Metadata;
  readonly #call: ServerInterceptingCallInterface;
  readonly #unreadable: readonly string[];
  #peer: Peer | undefined;
  #cancelled = false;
  #abort: AbortController | undefined;
  #requestId: string | undefined;

  constructor(
    procedure: string,
    call: ServerInterceptingCallInterface,
    metadata: Metadata,
    unreadable: readonly string[],
  ) {
    this.procedure = procedure;
    this.#call = call;
    this.#metadata = metadata;
    this.#unreadable = unreadable;
  }

  header(name: string): readonly string[] {
    // grpc-js has dropped its value. A bad credential is not to be taken for none.
    if (this.#unreadable.includes(name)) return unrecognizable;
    // Only names that end in "-bin" have values that are not strings, and no credential is read from those.
    return this.#metadata.get(name) as string[];
  }

  get peer(): Peer {
    // Kept: of a call whose caller has left, grpc-js knows no peer any more.
    this.#peer ??= peerOf(this.#call);
    return this.#peer;
  }

  get requestId(): string {
    this.#requestId ??= requestIdOf(this.header(requestIdHeader));
    return this.#requestId;
  }

  get signal(): AbortSignal {
    this.#abort ??= new AbortController();
    if (this.#cancelled) this.#abort.abort();
    return this.#abort.signal;
  }

  /** To be called when the call is over, however it ended. */
  cancel(): void {
    this.#cancelled = true;
    this.#abort?.abort();
  }
}

/** By connection: an address costs two microseconds, since Node hides the socket behind a proxy, and a certificate out of TLS fifty decisions. */
const peers = new WeakMap<object, Peer>();

/** The client certificate is the one that TLS has verified: grpc-js tells of no other. */
function peerOf(call: ServerInterceptingCallInterface): Peer {
  // Not public, and only ever a key: without it, everything is read anew for each call.
  const { session = call } = (call as { readonly stream?: { readonly session?: object } }).stream ?? {};
  let peer = peers.get(session);
  if (peer === undefined) {
    const certificate = call.getAuthContext().sslPeerCertificate?.raw;
    peer = { address: call.getPeer(), ...(certificate !== undefined && { certificate }) };
    peers.set(session, peer);
  }
  return peer;
}
