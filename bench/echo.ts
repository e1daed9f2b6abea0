import type * as grpc from "@grpc/grpc-js";
import { procedure } from "./callers.ts";

const bytes = (buffer: Buffer): Buffer => buffer;
const codec = { requestSerialize: bytes, requestDeserialize: bytes };
const answer = { responseSerialize: bytes, responseDeserialize: bytes };

/** The service of the benchmark: one unary RPC, and nothing to decode. */
export const echo = {
  say: { path: procedure, requestStream: false, responseStream: false, ...codec, ...answer },
} satisfies grpc.ServiceDefinition;

export function say(call: grpc.ServerUnaryCall<Buffer, Buffer>, callback: grpc.sendUnaryData<Buffer>): void {
  callback(null, call.request);
}
