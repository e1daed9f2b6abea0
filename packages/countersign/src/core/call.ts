/** Who is on the other end of the transport. Only adapters fill this in. */
export interface Peer {
  /** `address:port` or a socket's path, as the transport tells it. */
  readonly address: string | undefined;
  /** DER bytes of a client certificate that the transport has verified. */
  readonly certificate?: Uint8Array;
}

/** The only view of a request that the pipeline has: nothing behind an adapter sees a transport object. */
export interface Call {
  readonly protocol: "grpc" | "connect" | "grpc-web" | "http";
  /** `/package.Service/Method` from the descriptor, never from a URL; `GET /path` for plain HTTP. */
  readonly procedure: string;
  /** Every value received for a header name in lower case, in order; empty if there is none. */
  header(name: string): readonly string[];
  readonly peer: Peer;
  /** Aborted when the caller leaves. */
  readonly signal: AbortSignal;
  /** What the caller named it, if that is well-formed, or a name of ours. Adapters fill it in; elsewhere it may be missing. */
  readonly requestId?: string;
}
