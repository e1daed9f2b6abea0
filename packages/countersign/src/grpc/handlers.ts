import type {
  ServerWritableStream,
  ServiceDefinition,
  StatusObject,
  sendUnaryData,
  UntypedHandleCall,
  UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { internalStatus, thrownStatus } from "./status.ts";

type OnError = (error: unknown, procedure: string) => void;

/** What is common to the two shapes of a grpc-js handler: with a callback, and without. */
type AnyHandler = (call: unknown, callback?: sendUnaryData<unknown>) => unknown;

/** Wraps each handler, so that what it throws ends the call with the right status and nothing is told by accident. */
export function guardHandlers(
  service: ServiceDefinition,
  implementation: UntypedServiceImplementation,
  onError: OnError,
): UntypedServiceImplementation {
  const guarded: Record<string, UntypedHandleCall> = {};
  for (const [key, method] of Object.entries(service)) {
    const name = implementation[key] === undefined ? method.originalName : key;
    const handler = name === undefined ? undefined : (implementation[name] as AnyHandler | undefined);
    if (typeof handler !== "function") continue;
    const bound: AnyHandler = handler.bind(implementation);
    const toStatus = (thrown: unknown): StatusObject => statusAndReport(thrown, method.path, onError);
    guarded[key] = method.responseStream ? guardStreaming(bound, toStatus) : guardAnswering(bound, toStatus);
  }
  return guarded;
}

function guardAnswering(handler: AnyHandler, toStatus: (thrown: unknown) => StatusObject): UntypedHandleCall {
  return (call: unknown, callback: sendUnaryData<unknown>): void => {
    const fail = (thrown: unknown): void => callback(toStatus(thrown));
    try {
      const answer: sendUnaryData<unknown> = (error, value, trailer, flags) => {
        if (error) fail(error);
        else callback(null, value, trailer, flags);
      };
      const result = handler(call, answer);
      if (isThenable(result)) result.then(undefined, fail);
    } catch (thrown) {
      fail(thrown);
    }
  };
}

function guardStreaming(handler: AnyHandler, toStatus: (thrown: unknown) => StatusObject): UntypedHandleCall {
  return (call: ServerWritableStream<unknown, unknown>): void => {
    // grpc-js ends a stream with what its "error" event says.
    const fail = (thrown: unknown): void => {
      call.emit("error", toStatus(thrown));
    };
    try {
      const result = handler(call);
      if (isThenable(result)) result.then(undefined, fail);
    } catch (thrown) {
      fail(thrown);
    }
  };
}

function statusAndReport(thrown: unknown, procedure: string, onError: OnError): StatusObject {
  const known = thrownStatus(thrown);
  if (known !== undefined) return known;
  try {
    onError(thrown, procedure);
  } catch {
    // A logger that fails changes nothing for the caller.
  }
  return internalStatus();
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | undefined)?.then === "function";
}
