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
    if (this.#peer !== undefined) return this.#peer;
    const certificate = certificateOf(this.#call);
    const address = this.#call.getPeer();
    this.#peer = certificate === undefined ? { address } : { address, certificate };
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

/** By connection, since reading a certificate out of TLS costs as much as fifty decisions. */
const certificates = new WeakMap<object, Uint8Array | undefined>();

/** The client certificate, where TLS has verified it: grpc-js tells of no other. */
function certificateOf(call: ServerInterceptingCallInterface): Uint8Array | undefined {
  // Not public, and only ever a key: without it, the certificate is read anew for each call.
  const { session } = (call as { readonly stream?: { readonly session?: object } }).stream ?? {};
  if (session === undefined) return call.getAuthContext().sslPeerCertificate?.raw;
  const known = certificates.get(session);
  if (known !== undefined || certificates.has(session)) return known;
  const certificate = call.getAuthContext().sslPeerCertificate?.raw;
  certificates.set(session, certificate);
  return certificate;
}
