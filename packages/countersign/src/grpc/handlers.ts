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
import { failureStatus, thrownStatus } from "./status.ts";

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
    const toStatus: ToStatus = (thrown) => statusAndReport(thrown, method.path, onError);
    guarded[key] = method.responseStream ? guardStreaming(bound, toStatus) : guardAnswering(bound, toStatus);
  }
  return guarded;
}

function guardAnswering(handler: AnyHandler, toStatus: ToStatus): UntypedHandleCall {
  return (call: ServerUnaryCall<unknown, unknown>, callback: sendUnaryData<unknown>): void => {
    let answered = false;
    const fail = (thrown: unknown): void => {
      const status = toStatus(thrown);
      if (!answered) callback(status);
      answered = true;
    };
    const answer: sendUnaryData<unknown> = (error, value, trailer, flags) => {
      if (error) return fail(error);
      if (!answered) callback(null, value, trailer, flags);
      answered = true;
    };
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
    if (isThenable(result)) result.then(undefined, fail);
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
    if (failed) return incoming.has(event) ? false : emit.call(call, event, ...values);
    try {
      return emit.call(call, event, ...values);
    } catch (thrown) {
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

function statusAndReport(thrown: unknown, procedure: string, onError: OnError): StatusObject {
  const known = thrownStatus(thrown);
  if (known !== undefined) return known;
  try {
    const pending: unknown = onError(thrown, procedure);
    if (isThenable(pending)) pending.then(undefined, () => {});
  } catch {
    // A logger that fails changes nothing for the caller.
  }
  return failureStatus(thrown);
}

export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | undefined)?.then === "function";
}
