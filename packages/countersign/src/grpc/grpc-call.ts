import type { Metadata, ServerInterceptingCallInterface } from "@grpc/grpc-js";
import type { Call, Peer } from "../core/call.ts";

/** A grpc-js call as the pipeline sees it. What costs something is made when it is first asked for. */
export class GrpcCall implements Call {
  readonly protocol = "grpc";
  readonly procedure: string;
  readonly #metadata: Metadata;
  readonly #call: ServerInterceptingCallInterface;
  #cancelled = false;
  #abort: AbortController | undefined;

  constructor(procedure: string, call: ServerInterceptingCallInterface, metadata: Metadata) {
    this.procedure = procedure;
    this.#call = call;
    this.#metadata = metadata;
  }

  header(name: string): readonly string[] {
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
