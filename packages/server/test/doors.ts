import { create, type DescMethod, fromBinary, type MessageInitShape, toJson } from "@bufbuild/protobuf";
import { AnySchema, anyUnpack } from "@bufbuild/protobuf/wkt";
import { ConnectError, type Transport } from "@connectrpc/connect";
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from "@connectrpc/connect-node";
import { Client, type ClientReadableStream, credentials, Metadata, type StatusObject } from "@grpc/grpc-js";
import { serviceDefinition } from "countersign/grpc";
import { ErrorInfoSchema } from "../src/gen/google/rpc/error_details_pb.ts";
import { StatusSchema } from "../src/gen/google/rpc/status_pb.ts";
import type { InProcessNode } from "./in-process-node.ts";

/** What comes with a call: one header, or none. */
export type Credential = readonly [name: "authorization" | "x-api-key", value: string] | undefined;

export function headersOf(credential: Credential): Readonly<Record<string, string>> {
  return credential === undefined ? {} : { [credential[0]]: credential[1] };
}

export interface DoorCall {
  readonly method: DescMethod;
  readonly credential: Credential;
  /** Default: empty. */
  readonly request?: object;
  /** Over grpc-js: a stream of the server's is left when so many messages have come. Default: at its end. */
  readonly enough?: number;
}

/** What came back. The same at every door, as far as it is told here. */
export interface DoorAnswer {
  /** As gRPC numbers them. */
  readonly code: number;
  readonly message: string;
  /** Of `google.rpc.ErrorInfo`; empty where there is none. */
  readonly reason: string;
  /** In the JSON of Protobuf. */
  readonly answers: readonly unknown[];
}

export interface Door {
  readonly takes: (method: DescMethod) => boolean;
  readonly call: (call: DoorCall) => Promise<DoorAnswer>;
}

/** Every way to an RPC: grpc-js; Connect's router with each of its protocols; and JSON as curl sends it. */
export function doorsOf({ addresses }: Pick<InProcessNode, "addresses">): {
  readonly doors: Readonly<Record<string, Door>>;
  readonly close: () => void;
} {
  const { grpc, http, connect } = addresses;
  const client = new Client(grpc, credentials.createInsecure());
  const [baseUrl, httpVersion] = [`http://${http}`, "1.1"] as const;
  const simplex = ({ methodKind }: DescMethod): boolean => methodKind !== "bidi_streaming";
  const leaving = new AbortController();
  const over =
    (transport: Transport): Door["call"] =>
    (call) =>
      callConnect(transport, call, leaving.signal);
  return {
    doors: {
      gRPC: { takes: () => true, call: (call) => callGrpc(client, call) },
      JSON: { takes: ({ methodKind }) => methodKind === "unary", call: (call) => callJson(http, call) },
      Connect: {
        takes: simplex,
        call: over(createConnectTransport({ baseUrl, httpVersion, useBinaryFormat: false })),
      },
      "gRPC-Web": { takes: simplex, call: over(createGrpcWebTransport({ baseUrl, httpVersion })) },
      "gRPC on Connect's router": {
        takes: () => true,
        call: over(createGrpcTransport({ baseUrl: `http://${connect}` })),
      },
    },
    close() {
      leaving.abort();
      client.close();
    },
  };
}

const json = (method: DescMethod, message: unknown): unknown =>
  toJson(method.output, message as never, { useProtoFieldName: true });

function messageOf({ input }: DescMethod, request: object = {}) {
  return create(input, request as MessageInitShape<typeof input>);
}

/** Calls over grpc-js. */
export async function callGrpc(client: Client, call: DoorCall): Promise<DoorAnswer> {
  const { method, credential, enough = Number.POSITIVE_INFINITY } = call;
  const definition = serviceDefinition(method.parent)[method.localName];
  if (definition === undefined) throw new Error(`no ${method.name}`);
  const { path, requestSerialize, responseDeserialize } = definition;
  const metadata = new Metadata();
  if (credential !== undefined) metadata.set(...credential);
  const request = messageOf(method, call.request);
  const options = { deadline: Date.now() + 20_000 };
  const answers: unknown[] = [];
  const status = await new Promise<StatusObject>((resolve) => {
    const answered = (_error: unknown, message?: unknown): void => {
      if (message !== undefined && message !== null) answers.push(json(method, message));
    };
    const written = <C extends { write(message: unknown): unknown; end(): unknown }>(stream: C): C => {
      stream.write(request);
      stream.end();
      return stream;
    };
    const heard = <C extends ClientReadableStream<unknown>>(stream: C): C =>
      stream.on("data", (message) => {
        answers.push(json(method, message));
        if (answers.length === enough) stream.cancel();
      });
    const codec = [path, requestSerialize, responseDeserialize] as const;
    const begin = {
      unary: () => client.makeUnaryRequest(...codec, request, metadata, options, answered),
      server_streaming: () => heard(client.makeServerStreamRequest(...codec, request, metadata, options)),
      client_streaming: () => written(client.makeClientStreamRequest(...codec, metadata, options, answered)),
      bidi_streaming: () => heard(written(client.makeBidiStreamRequest(...codec, metadata, options))),
    }[method.methodKind];
    begin()
      .on("error", () => {})
      .on("status", resolve);
  });
  const [details] = status.metadata.get("grpc-status-details-bin");
  return { code: status.code, message: status.details, reason: reasonOf(details), answers };
}

/** Of `google.rpc.ErrorInfo` in a `google.rpc.Status`; empty where there is none. */
export function reasonOf(details: unknown): string {
  if (!(details instanceof Uint8Array)) return "";
  for (const any of fromBinary(StatusSchema, details).details) {
    const info = anyUnpack(create(AnySchema, any), ErrorInfoSchema);
    if (info !== undefined) return info.reason;
  }
  return "";
}

async function callConnect(transport: Transport, call: DoorCall, left: AbortSignal): Promise<DoorAnswer> {
  const { method, credential } = call;
  const headers = credential === undefined ? [] : [[...credential] as [string, string]];
  const request = messageOf(method, call.request);
  const answers: unknown[] = [];
  try {
    if (method.methodKind === "unary") {
      const response = await transport.unary(method as never, left, 20_000, headers, request as never);
      answers.push(json(method, response.message));
    } else {
      const sent = (async function* () {
        yield request as never;
      })();
      const response = await transport.stream(method as never, left, 20_000, headers, sent);
      for await (const message of response.message) answers.push(json(method, message));
    }
    return { code: 0, message: "", reason: "", answers };
  } catch (thrown) {
    const error = ConnectError.from(thrown);
    const [info] = error.findDetails(ErrorInfoSchema);
    return { code: error.code, message: error.rawMessage, reason: info?.reason ?? "", answers };
  }
}

async function callJson(
  address: string,
  { method, credential, request = {} }: DoorCall,
): Promise<DoorAnswer> {
  const headers = { "content-type": "application/json", ...headersOf(credential) };
  const url = `http://${address}/${method.parent.typeName}/${method.name}`;
  const body = JSON.stringify(toJson(method.input, messageOf(method, request)));
  const response = await fetch(url, { method: "POST", headers, body });
  const answer = (await response.json()) as JsonError;
  if (response.ok) return { code: 0, message: "", reason: "", answers: [answer] };
  const { message = "", details = [] } = answer;
  const info = details.find(({ type }) => type === "google.rpc.ErrorInfo");
  const reason =
    info === undefined ? "" : fromBinary(ErrorInfoSchema, Buffer.from(info.value, "base64")).reason;
  return { code: codes[response.status] ?? -1, message, reason, answers: [] };
}

interface JsonError {
  readonly message?: string;
  readonly details?: readonly { readonly type: string; readonly value: string }[];
}

/** What this test is answered with, by the status of HTTP. */
export const codes: Readonly<Record<number, number>> = { 401: 16, 403: 7, 404: 5, 409: 10, 429: 8, 503: 14 };

/** A form of OAuth's, as `POST /path`. */
export async function callForm(
  address: string,
  path: string,
  { credential, token }: { readonly credential: Credential; readonly token?: string },
): Promise<{ readonly status: number; readonly body: Readonly<Record<string, unknown>> }> {
  const headers = headersOf(credential);
  const body = new URLSearchParams(token === undefined ? {} : { token });
  const response = await fetch(`http://${address}${path}`, { method: "POST", headers, body });
  const text = await response.text();
  return { status: response.status, body: text === "" ? {} : (JSON.parse(text) as Record<string, unknown>) };
}
