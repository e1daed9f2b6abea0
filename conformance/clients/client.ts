import type { Json, Method } from "../protos.ts";

/** A header as it is sent: the name in lower case, and the value byte by byte (latin1). */
export type Header = readonly [name: string, value: string];

/** One call, the same for every client. */
export interface ClientCall {
  /** `/package.Service/Method` */
  readonly procedure: string;
  /** One message, or what a streaming client sends before it waits. */
  readonly requests: readonly Json[];
  readonly headers?: readonly Header[];
  /**
   * How many answers a streaming server is listened to before the client leaves (server stream) or has said
   * everything (bidirectional): until then the sending side stays open. Default: until the server ends it.
   */
  readonly take?: number;
  /** Default: 5000. */
  readonly timeoutMs?: number;
  /** Hears of each answer as it comes. */
  readonly onAnswer?: (answer: Json) => void;
}

/** How a call ended, as the client tells it. */
export interface Outcome {
  /** A gRPC status code. Leaving after `take` answers is 0. */
  readonly code: number;
  readonly message: string;
  /** Of `google.rpc.ErrorInfo`, where there is one. */
  readonly reason?: string;
  readonly domain?: string;
  /** Of `google.rpc.RetryInfo` and `google.rpc.QuotaFailure`. The Python client reads them. */
  readonly retryAfterSeconds?: number;
  readonly quota?: string;
  readonly answers: readonly Json[];
}

/**
 * What a client must be able to put on the wire. One that refuses to send something, as it should, is not asked
 * to.
 *
 * - `any-name`: a header that the server has not said it expects. Pages in a browser cannot.
 * - `repeated`: one name with two values, as two headers.
 * - `any-bytes`: values that are not visible ASCII.
 * - `two-authorizations`: `authorization` twice, which most libraries know to be wrong.
 */
export type Ability = "any-name" | "repeated" | "any-bytes" | "two-authorizations";

/** A client that is not ours, bound to one server. */
export interface Client {
  call(call: ClientCall): Promise<Outcome>;
  close(): Promise<void>;
}

/** With what a client connects by TLS: paths of PEM files. */
export interface ClientTls {
  /** Whose certificates it believes. */
  readonly authority: string;
  readonly certificate?: string;
  readonly key?: string;
}

/** A kind of client. To add one: a file with one of these, and its name in `doors.ts`. */
export interface ClientKind {
  readonly name: string;
  readonly abilities: readonly Ability[];
  /** Which listener of the program it speaks to. Default: `grpc`. */
  readonly listener?: "grpc" | "http";
  /** Which RPCs its protocol can carry. Default: all. */
  readonly carries?: (method: Method) => boolean;
  /** A process per call: it is asked a few questions only. */
  readonly slow?: boolean;
  /** A page: the server has to allow its origin. */
  readonly inBrowser?: boolean;
  /** Without TLS it speaks plain text. */
  connect(address: string, tls?: ClientTls): Promise<Client>;
}
