import { readFileSync } from "node:fs";
import {
  type ChannelCredentials,
  type ClientDuplexStream,
  type ClientReadableStream,
  credentials,
  Client as GrpcClient,
  Metadata,
  type ServiceError,
} from "@grpc/grpc-js";
import { readErrorInfo } from "../error-info.ts";
import { type Json, type Method, methodAt } from "../protos.ts";
import type { Client, ClientCall, ClientKind, ClientTls, Header, Outcome } from "./client.ts";

/** `@grpc/grpc-js` over proto-loader's definitions, as seed 001's JavaScript client has it. */
export const grpcJs: ClientKind = {
  name: "grpc-js",
  abilities: ["any-name", "repeated"],
  async connect(address, tls) {
    return new GrpcJsClient(address, tls);
  },
};

class GrpcJsClient implements Client {
  readonly #client: GrpcClient;

  constructor(address: string, tls: ClientTls | undefined) {
    // Its own connections: clients of one process would share one otherwise.
    this.#client = new GrpcClient(address, credentialsOf(tls), {
      "grpc.use_local_subchannel_pool": 1,
    });
  }

  async close(): Promise<void> {
    this.#client.close();
  }

  call(call: ClientCall): Promise<Outcome> {
    const method = methodAt(call.procedure);
    const answers: Json[] = [];
    return new Promise((resolve) => {
      const stream = method.responseStream ? this.#stream(method, call) : undefined;
      const end = (error: ServiceError | null): void => resolve(outcome(error, answers));
      const receive = (answer: object | undefined): void => {
        if (answer === undefined) return;
        answers.push(answer as Json);
        call.onAnswer?.(answer as Json);
      };
      if (stream === undefined) {
        this.#single(method, call, (error, answer) => {
          receive(answer);
          end(error);
        });
        return;
      }
      stream.on("error", (error: ServiceError) => end(error));
      stream.on("data", (answer: object) => {
        receive(answer);
        if (answers.length !== call.take) return;
        if (method.requestStream) (stream as ClientDuplexStream<object, object>).end();
        else {
          end(null);
          stream.cancel();
        }
      });
      stream.on("end", () => {});
      stream.on("status", (status) => status.code === 0 && end(null));
    });
  }

  #single(
    method: Method,
    call: ClientCall,
    callback: (error: ServiceError | null, answer?: object) => void,
  ): void {
    const { path, requestSerialize, responseDeserialize } = method;
    const metadata = metadataOf(call.headers);
    const options = optionsOf(call);
    if (!method.requestStream) {
      const [request = {}] = call.requests;
      this.#client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        request,
        metadata,
        options,
        callback,
      );
      return;
    }
    const stream = this.#client.makeClientStreamRequest(
      path,
      requestSerialize,
      responseDeserialize,
      metadata,
      options,
      callback,
    );
    for (const request of call.requests) stream.write(request);
    stream.end();
  }

  #stream(
    method: Method,
    call: ClientCall,
  ): ClientReadableStream<object> | ClientDuplexStream<object, object> {
    const { path, requestSerialize, responseDeserialize } = method;
    const metadata = metadataOf(call.headers);
    const options = optionsOf(call);
    if (!method.requestStream) {
      const [request = {}] = call.requests;
      return this.#client.makeServerStreamRequest(
        path,
        requestSerialize,
        responseDeserialize,
        request,
        metadata,
        options,
      );
    }
    const stream = this.#client.makeBidiStreamRequest(
      path,
      requestSerialize,
      responseDeserialize,
      metadata,
      options,
    );
    for (const request of call.requests) stream.write(request);
    if (call.take === undefined) stream.end();
    return stream;
  }
}

function credentialsOf(tls: ClientTls | undefined): ChannelCredentials {
  if (tls === undefined) return credentials.createInsecure();
  const { authority, certificate, key } = tls;
  const [own, secret] = [certificate, key].map((path) => (path === undefined ? null : readFileSync(path)));
  return credentials.createSsl(readFileSync(authority), secret, own);
}

function metadataOf(headers: readonly Header[] = []): Metadata {
  const metadata = new Metadata();
  for (const [name, value] of headers) metadata.add(name, value);
  return metadata;
}

function optionsOf({ timeoutMs = 5000 }: ClientCall): { deadline: number } {
  return { deadline: Date.now() + timeoutMs };
}

function outcome(error: ServiceError | null, answers: readonly Json[]): Outcome {
  if (error === null) return { code: 0, message: "", answers };
  const [details] = error.metadata.get("grpc-status-details-bin");
  const info = details instanceof Buffer ? readErrorInfo(details) : undefined;
  return { code: error.code, message: error.details, answers, ...info };
}
