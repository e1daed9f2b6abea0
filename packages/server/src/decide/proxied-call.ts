import { type Call, type Peer, requestIdHeader, requestIdOf } from "countersign";
import type { Asked } from "./guarded-procedures.ts";

/** A request to a service, as its proxy tells of it. */
export interface ProxiedRequest extends Asked {
  /** Every value of a header, by its name in lower case. */
  header(name: string): readonly string[];
  /** Where the proxy was called from. Undefined where it does not say. */
  readonly peerAddress: string | undefined;
  /** DER of its certificate there, if an authority of ours has signed it. */
  readonly peerCertificate?: Uint8Array | undefined;
  /** The call that asks. It ends when the proxy no longer wants to know. */
  readonly asking: Pick<Call, "signal">;
}

/** The same as the pipeline sees it. */
export class ProxiedCall implements Call {
  readonly protocol: Call["protocol"];
  readonly procedure: string;
  readonly #request: ProxiedRequest;
  #requestId: string | undefined;

  constructor(protocol: Call["protocol"], procedure: string, request: ProxiedRequest) {
    this.protocol = protocol;
    this.procedure = procedure;
    this.#request = request;
  }

  header(name: string): readonly string[] {
    return this.#request.header(name);
  }

  get peer(): Peer {
    const { peerAddress: address, peerCertificate: certificate } = this.#request;
    return certificate === undefined ? { address } : { address, certificate };
  }

  get signal(): AbortSignal {
    // Made when somebody asks for it: an end that nobody waits for costs more than a decision.
    return this.#request.asking.signal;
  }

  get requestId(): string {
    this.#requestId ??= requestIdOf(this.header(requestIdHeader));
    return this.#requestId;
  }
}
