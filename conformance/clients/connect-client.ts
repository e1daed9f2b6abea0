import {
  create,
  type DescMessage,
  type DescMethod,
  fromJson,
  type JsonValue,
  toJson,
} from "@bufbuild/protobuf";
import { ConnectError, type Transport } from "@connectrpc/connect";
import { type ErrorInfo, readBareErrorInfo } from "../error-info.ts";
import type { Json } from "../protos.ts";
import type { Client, ClientCall, Outcome } from "./client.ts";

/** connect-es over one of its transports, in Node or in a page. */
export class ConnectClient implements Client {
  readonly #transport: Transport;
  readonly #methodAt: (procedure: string) => DescMethod;

  constructor(transport: Transport, methodAt: (procedure: string) => DescMethod) {
    this.#transport = transport;
    this.#methodAt = methodAt;
  }

  async close(): Promise<void> {}

  async call(call: ClientCall): Promise<Outcome> {
    const answers: Json[] = [];
    const method = this.#methodAt(call.procedure);
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
