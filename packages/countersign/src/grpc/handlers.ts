import { Duplex } from "node:stream";
import type {
  ServerUnaryCall,
  ServerWritableStream,
  ServiceDefinition,
  StatusObject,
  sendUnaryData,
  UntypedHandleCall,
  UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { isPromise } from "../core/decision.ts";
import { thrownStatus } from "./status.ts";

type OnError = (error: unknown, procedure: string) => void;
type ToStatus = (thrown: unknown) => StatusObject;

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
    const toStatus: ToStatus = (thrown) => thrownStatus(thrown, async () => onError(thrown, method.path));
    guarded[key] = method.responseStream ? guardStreaming(bound, toStatus) : guardAnswering(bound, toStatus);
  }
  return guarded;
}

function guardAnswering(handler: AnyHandler, toStatus: ToStatus): UntypedHandleCall {
  return (call: ServerUnaryCall<unknown, unknown>, callback: sendUnaryData<unknown>): void => {
    let answered = false;
    const once: sendUnaryData<unknown> = (...answer) => {
      if (!answered) callback(...answer);
      answered = true;
    };
    const fail = (thrown: unknown): void => once(toStatus(thrown));
    const answer: sendUnaryData<unknown> = (error, ...rest) => (error ? fail(error) : once(null, ...rest));
    if (call instanceof Duplex) guardStream(call, fail);
    guard(() => handler(call, answer), fail);
  };
}

function guardStreaming(handler: AnyHandler, toStatus: ToStatus): UntypedHandleCall {
  return (call: ServerWritableStream<unknown, unknown>): void => {
    // grpc-js ends a stream with what its "error" event says.
    const fail = (thrown: unknown): void => {
      call.emit("error", toStatus(thrown));
    };
    guardStream(call, fail);
    guard(() => handler(call), fail);
  };
}

function guard(handle: () => unknown, fail: (thrown: unknown) => void): void {
  try {
    const result = handle();
    if (isPromise(result)) result.then(undefined, fail);
  } catch (thrown) {
    fail(thrown);
  }
}

/** What a listener of the call throws ends that call, and would otherwise end the process. It hears no more then. */
function guardStream(
  call: Duplex | ServerWritableStream<unknown, unknown>,
  fail: (thrown: unknown) => void,
): void {
  const { emit } = call;
  let failed = false;
  call.emit = (event: string | symbol, ...values: unknown[]): boolean => {
    if (failed && incoming.has(event)) return false;
    try {
      return emit.call(call, event, ...values);
    } catch (thrown) {
      if (failed) throw thrown;
      failed = true;
      fail(thrown);
      return true;
    }
  };
  if (!(call instanceof Duplex)) return;
  // Leaving a loop over the messages destroys a stream by default: no status could be sent on it any more.
  call[Symbol.asyncIterator] = () => call.iterator({ destroyOnReturn: false });
}

const incoming: ReadonlySet<string | symbol> = new Set(["data", "readable", "end"]);
