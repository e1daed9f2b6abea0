import type { Metadata, ServerInterceptingCallInterface } from "@grpc/grpc-js";
import type { Call, Peer } from "../core/call.ts";

/** What no authenticator recognises. */
const unrecognizable: readonly string[] = Object.freeze(["\ufffd"]);

/** A grpc-js call as the pipeline sees it. What costs something is made when it is first asked for. */
export class GrpcCall implements Call {
  readonly protocol = "grpc";
  readonly procedure: string;
  readonly #metadata: Metadata;
  readonly #call: ServerInterceptingCallInterface;
  readonly #unreadable: readonly string[];
  #cancelled = false;
  #abort: AbortController | undefined;

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
    const certificate = this.#call.getAuthContext().sslPeerCertificate?.raw;
    const address = this.#call.getPeer();
    return certificate === undefined ? { address } : { address, certificate };
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
