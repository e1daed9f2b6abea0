import { once } from "node:events";
import { readFileSync } from "node:fs";
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  type IncomingHttpHeaders,
} from "node:http2";
import { readErrorInfo } from "../error-info.ts";
import { type Json, methodAt } from "../protos.ts";
import type { Client, ClientCall, ClientKind, ClientTls, Header, Outcome } from "./client.ts";

/** HTTP/2 by hand, for what no gRPC library sends. */
export const raw: ClientKind = {
  name: "raw HTTP/2",
  abilities: ["any-name", "repeated", "any-bytes", "two-authorizations"],
  async connect(address) {
    return new RawClient(await openSession(address));
  },
};

/** One request, exactly as it is to be sent. */
export interface RawRequest {
  readonly path: string;
  /** Default: POST. */
  readonly method?: string;
  /** Default: application/grpc; null for none. */
  readonly contentType?: string | null;
  readonly headers?: readonly Header[];
  /** Sent with the end of the stream. Undefined: the stream stays open on this side. */
  readonly body?: Buffer;
}

/** Opens a connection. It takes a header twice where that is not allowed. */
export async function openSession(address: string, tls?: ClientTls): Promise<ClientHttp2Session> {
  const options = { strictSingleValueFields: false, ...(tls && { ca: readFileSync(tls.authority) }) };
  const session = connect(
    `${tls === undefined ? "http" : "https"}://${address}`,
    options as Parameters<typeof connect>[1],
  );
  await once(session, "connect");
  return session;
}

/** Sends a request and leaves the rest to the caller. */
export function send(session: ClientHttp2Session, request: RawRequest): ClientHttp2Stream {
  const { path, method = "POST", contentType = "application/grpc", headers = [], body } = request;
  const list = [
    ":method",
    method,
    ":path",
    path,
    ":scheme",
    "http",
    ":authority",
    "localhost",
    "te",
    "trailers",
  ];
  if (contentType !== null) list.push("content-type", contentType);
  for (const [name, value] of headers) list.push(name, value);
  // Node takes a list of names and values since 24.2; its types do not know it yet.
  const stream = session.request(list as unknown as Parameters<ClientHttp2Session["request"]>[0], {
    endStream: false,
  });
  if (body !== undefined) stream.end(body);
  return stream;
}

/** What came back: status and headers, trailers where there are any, and the bytes between. */
export interface RawAnswer {
  /** `:status`, or undefined if the stream was reset before. */
  readonly httpStatus: number | undefined;
  /** Headers and trailers in one: a refusal has headers only. */
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** An HTTP/2 error code where the stream was reset. */
  readonly reset: string | undefined;
}

/** Waits for the end of a stream. */
export function answerOf(
  stream: ClientHttp2Stream,
  onData: (soFar: Buffer) => void = () => {},
): Promise<RawAnswer> {
  return new Promise((resolve) => {
    let headers: IncomingHttpHeaders = {};
    let httpStatus: number | undefined;
    let reset: string | undefined;
    const chunks: Buffer[] = [];
    stream.on("response", (received) => {
      httpStatus = received[":status"];
      headers = { ...headers, ...received };
    });
    stream.on("trailers", (received) => {
      headers = { ...headers, ...received };
    });
    stream.on("data", (chunk: Buffer) => {
      chunks.push(chunk);
      onData(Buffer.concat(chunks));
    });
    // The server has said everything. As gRPC clients do, this side has no more to say then either.
    stream.on("end", () => stream.writableEnded || stream.close(8));
    stream.on("error", (error) => (reset = error.message));
    stream.on("close", () => resolve({ httpStatus, headers, body: Buffer.concat(chunks), reset }));
  });
}

/** The status in headers or trailers. -1 where there is none. */
export function statusIn({ headers }: RawAnswer): Omit<Outcome, "answers"> {
  const code = Number(headers["grpc-status"] ?? -1);
  const message = decodeURIComponent(String(headers["grpc-message"] ?? ""));
  const details = headers["grpc-status-details-bin"];
  const info = typeof details === "string" ? readErrorInfo(Buffer.from(details, "base64")) : undefined;
  return { code, message, ...info };
}

/** Messages in gRPC's framing: a byte for compression, four for the length, and the message. */
export function framed(messages: readonly Uint8Array[]): Buffer {
  return Buffer.concat(
    messages.flatMap((message) => {
      const prefix = Buffer.alloc(5);
      prefix.writeUInt32BE(message.length, 1);
      return [prefix, message];
    }),
  );
}

function unframed(bytes: Buffer): Buffer[] {
  const messages: Buffer[] = [];
  for (let at = 0; at + 5 <= bytes.length; ) {
    const end = at + 5 + bytes.readUInt32BE(at + 1);
    if (end > bytes.length) break;
    messages.push(bytes.subarray(at + 5, end));
    at = end;
  }
  return messages;
}

class RawClient implements Client {
  readonly #session: ClientHttp2Session;

  constructor(session: ClientHttp2Session) {
    this.#session = session;
  }

  async close(): Promise<void> {
    const closed = once(this.#session, "close");
    this.#session.destroy();
    await closed;
  }

  async call(call: ClientCall): Promise<Outcome> {
    const { procedure: path, requests, headers = [], take, timeoutMs = 5000, onAnswer } = call;
    const method = methodAt(path);
    const body = framed(requests.map((request) => method.requestSerialize(request)));
    const staysOpen = method.requestStream && take !== undefined;
    const stream = send(this.#session, staysOpen ? { path, headers } : { path, headers, body });
    if (staysOpen) stream.write(body);
    const answers: Json[] = [];
    let left = false;
    const timer = setTimeout(() => stream.close(8), timeoutMs);
    const answer = await answerOf(stream, (soFar) => {
      for (const bytes of unframed(soFar).slice(answers.length)) {
        const message = method.responseDeserialize(bytes) as Json;
        answers.push(message);
        onAnswer?.(message);
      }
      if (take === undefined || answers.length < take || left) return;
      left = true;
      if (staysOpen) stream.end();
      else stream.close(8);
    });
    clearTimeout(timer);
    if (left && !staysOpen) return { code: 0, message: "", answers };
    // The server must end the stream; a client that was reset or had to give up has no status.
    return { ...statusIn(answer), answers };
  }
}
