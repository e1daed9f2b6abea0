import {
  create,
  type DescMessage,
  type DescMethod,
  fromJson,
  type JsonValue,
  toJson,
} from "@bufbuild/protobuf";
import { ConnectError, type Transport } from "@connectrpc/connect";
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from "@connectrpc/connect-node";
import { describedMethod } from "../descriptors.ts";
import { type ErrorInfo, readBareErrorInfo } from "../error-info.ts";
import type { Json, Method } from "../protos.ts";
import type { Client, ClientCall, ClientKind, Outcome } from "./client.ts";

/** Bidirectional streams need HTTP/2. */
const overHttp1 = ({ requestStream, responseStream }: Method): boolean => !(requestStream && responseStream);

function kindOf(
  name: string,
  listener: "grpc" | "http",
  transportTo: (baseUrl: string) => Transport,
): ClientKind {
  return {
    name,
    listener,
    abilities: [],
    ...(listener === "http" && { carries: overHttp1 }),
    async connect(address) {
      return new ConnectClient(transportTo(`http://${address}`));
    },
  };
}

/** connect-es with JSON, as a browser uses it. */
export const connectJson = kindOf("Connect with JSON", "http", (baseUrl) =>
  createConnectTransport({ baseUrl, httpVersion: "1.1", useBinaryFormat: false }),
);

/** connect-es with binary messages, by GET where an RPC has no side effects. */
export const connectBinary = kindOf("Connect with binary messages and GET", "http", (baseUrl) =>
  createConnectTransport({ baseUrl, httpVersion: "1.1", useBinaryFormat: true, useHttpGet: true }),
);

/** connect-es as a gRPC-Web client. */
export const grpcWeb = kindOf("gRPC-Web", "http", (baseUrl) =>
  createGrpcWebTransport({ baseUrl, httpVersion: "1.1" }),
);

/** connect-es as a gRPC client. */
export const connectGrpc = kindOf("connect-es with gRPC", "grpc", (baseUrl) =>
  createGrpcTransport({ baseUrl }),
);

class ConnectClient implements Client {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  async close(): Promise<void> {}

  async call(call: ClientCall): Promise<Outcome> {
    const answers: Json[] = [];
    const method = describedMethod(call.procedure);
    const receive = (message: unknown): void => {
      const options = { useProtoFieldName: true, alwaysEmitImplicit: true };
      const answer = toJson(method.output, message as never, options) as Json;
      answers.push(answer);
      call.onAnswer?.(answer);
    };
    try {
      if (method.methodKind === "unary") receive(await this.#unary(method, call));
      else await this.#stream(method, call, receive);
      return { code: 0, message: "", answers };
    } catch (thrown) {
      const { code, rawMessage: message, details } = ConnectError.from(thrown);
      return { code, message, answers, ...infoOf(details) };
    }
  }

  async #unary(method: DescMethod, call: ClientCall): Promise<unknown> {
    const [request = {}] = call.requests;
    const input = messageOf(method.input, request);
    const { timeoutMs = 5000, headers = [] } = call;
    const response = await this.#transport.unary(
      method as never,
      undefined,
      timeoutMs,
      headerList(headers),
      input,
    );
    return response.message;
  }

  async #stream(method: DescMethod, call: ClientCall, receive: (message: unknown) => void): Promise<void> {
    const { requests, take, timeoutMs = 5000, headers = [] } = call;
    const enough = Promise.withResolvers<void>();
    const leaving = new AbortController();
    async function* messages() {
      for (const request of requests) yield messageOf(method.input, request);
      // The sending side of a bidirectional call stays open until enough was heard.
      if (method.methodKind === "bidi_streaming" && take !== undefined) await enough.promise;
    }
    let count = 0;
    try {
      const list = headerList(headers);
      const sent = messages() as AsyncIterable<never>;
      const response = await this.#transport.stream(method as never, leaving.signal, timeoutMs, list, sent);
      for await (const message of response.message) {
        receive(message);
        if (++count !== take) continue;
        enough.resolve();
        if (method.methodKind === "server_streaming") return;
      }
    } finally {
      enough.resolve();
      leaving.abort();
    }
  }
}

function messageOf(schema: DescMessage, json: Json): never {
  return create(schema, fromJson(schema, json as JsonValue) as never) as never;
}

function headerList(headers: readonly (readonly [string, string])[]): [string, string][] {
  return headers.map(([name, value]) => [name, value]);
}

/** Read from what came over the wire, not by code of ours. */
function infoOf(details: ConnectError["details"]): ErrorInfo | undefined {
  for (const detail of details) {
    if ("type" in detail && detail.type === "google.rpc.ErrorInfo") return readBareErrorInfo(detail.value);
  }
  return undefined;
}
