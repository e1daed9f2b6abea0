import {
  create,
  type DescMessage,
  type DescMethod,
  type DescService,
  fromBinary,
  type MessageInitShape,
  toBinary,
} from "@bufbuild/protobuf";
import type {
  ServerDuplexStream,
  ServerReadableStream,
  ServerUnaryCall,
  ServerWritableStream,
  ServiceDefinition,
  sendUnaryData,
  UntypedHandleCall,
  UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { AuthRequiredService } from "../context/base-service.ts";
import type { CallContext } from "../context/call-context.ts";
import type { ServiceHandlers } from "../context/service-handlers.ts";
import { isPromise } from "../core/decision.ts";
import { contextOf } from "./with-context.ts";

/** What `grpc.Server.addService()` takes. */
export interface BoundService {
  readonly definition: ServiceDefinition;
  readonly implementation: UntypedServiceImplementation;
}

/** Binds a Protobuf-ES service to its handlers, for grpc-js: `server.addService(bound.definition, bound.implementation)`. */
export function implement<S extends DescService>(service: S, handlers: ServiceHandlers<S>): BoundService {
  // A class keeps its kind, so that the server can see that it lets nobody in who is anonymous.
  const implementation: UntypedServiceImplementation = Object.create(
    handlers instanceof AuthRequiredService ? AuthRequiredService.prototype : null,
  );
  for (const method of service.methods) {
    const handler = handlers[method.localName as keyof ServiceHandlers<S>] as AnyHandler | undefined;
    if (typeof handler !== "function")
      throw new TypeError(`no handler for ${service.typeName}.${method.localName}`);
    implementation[method.localName] = bindMethod(method, handler.bind(handlers));
  }
  return { definition: serviceDefinition(service), implementation };
}

/** A Protobuf-ES service as a grpc-js service definition. */
export function serviceDefinition(service: DescService): ServiceDefinition {
  return Object.fromEntries(
    service.methods.map((method) => [
      method.localName,
      {
        path: `/${service.typeName}/${method.name}`,
        originalName: method.name,
        requestStream: method.methodKind === "client_streaming" || method.methodKind === "bidi_streaming",
        responseStream: method.methodKind === "server_streaming" || method.methodKind === "bidi_streaming",
        ...codec(method.input, "request"),
        ...codec(method.output, "response"),
      },
    ]),
  ) as ServiceDefinition;
}

type AnyHandler = (input: unknown, context: CallContext) => unknown;

function codec(schema: DescMessage, side: "request" | "response"): Record<string, unknown> {
  return {
    [`${side}Serialize`]: (message: MessageInitShape<DescMessage>) =>
      Buffer.from(toBinary(schema, create(schema, message))),
    [`${side}Deserialize`]: (bytes: Buffer) => fromBinary(schema, bytes),
  };
}

function bindMethod(method: DescMethod, handler: AnyHandler): UntypedHandleCall {
  switch (method.methodKind) {
    case "unary":
      return (call: ServerUnaryCall<unknown, unknown>, callback: sendUnaryData<unknown>) =>
        answer(handler(call.request, contextOf(call)), callback);
    case "client_streaming":
      return (call: ServerReadableStream<unknown, unknown>, callback: sendUnaryData<unknown>) =>
        answer(handler(call, contextOf(call)), callback);
    case "server_streaming":
      return (call: ServerWritableStream<unknown, unknown>) =>
        pump(handler(call.request, contextOf(call)), call);
    case "bidi_streaming":
      return (call: ServerDuplexStream<unknown, unknown>) => pump(handler(call, contextOf(call)), call);
  }
}

function answer(result: unknown, callback: sendUnaryData<unknown>): unknown {
  return isPromise(result) ? result.then((message) => callback(null, message)) : callback(null, result);
}

/** Writes what a handler yields, no faster than the caller reads it, until one of the two has enough. */
async function pump(
  messages: unknown,
  call: ServerWritableStream<unknown, unknown> | ServerDuplexStream<unknown, unknown>,
): Promise<void> {
  const iterator = (messages as AsyncIterable<unknown>)[Symbol.asyncIterator]();
  // A handler that waits for something else would not notice that its caller has left.
  call.once("cancelled", () => void leave(iterator));
  for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) {
    if (call.cancelled) return;
    if (!call.write(next.value)) await drained(call);
  }
  call.end();
}

/** Nobody is left who could be told of what fails now. */
async function leave(iterator: AsyncIterator<unknown>): Promise<void> {
  try {
    await iterator.return?.();
  } catch {}
}

function drained(
  call: ServerWritableStream<unknown, unknown> | ServerDuplexStream<unknown, unknown>,
): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      call.off("drain", done);
      call.off("cancelled", done);
      resolve();
    };
    call.once("drain", done);
    call.once("cancelled", done);
  });
}
