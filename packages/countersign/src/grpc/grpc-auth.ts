import {
  type Metadata,
  ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
  type ServerOptions,
} from "@grpc/grpc-js";
import { CallContext, runInCall } from "../context/call-context.ts";
import type { Auth } from "../core/auth.ts";
import { type Decision, isPromise } from "../core/decision.ts";
import type { Denial } from "../core/denial.ts";
import type { Principal } from "../core/principal.ts";
import type { UserAccount, UserSource } from "../core/user.ts";
import { contexts } from "./contexts.ts";
import { GrpcCall } from "./grpc-call.ts";
import { GuardedServer } from "./guarded-server.ts";
import { silenceGrpcValues, takeUnreadableHeaders } from "./redacting-logger.ts";
import { denialStatus } from "./status.ts";

export interface GrpcAuthOptions<U extends UserAccount> {
  /** Where `context.user()` reads the caller's account. */
  readonly users?: UserSource<U>;
  /** Told of what a handler threw that was not meant for the caller. Default: `console.error`. */
  readonly onError?: (error: unknown, procedure: string) => void;
}

/** Authentication for a `@grpc/grpc-js` server. */
export interface GrpcAuth<P extends Principal, U extends UserAccount> {
  /**
   * Refuses on the headers: neither a message nor a handler is touched. For servers that are made elsewhere
   * (`new grpc.Server({ interceptors: [rpc.interceptor] })`, NestJS); `createServer()` brings it along.
   */
  readonly interceptor: ServerInterceptor;
  /** A `grpc.Server` that refuses to register an RPC without a rule, and to bind while a rule names no RPC. */
  createServer(options?: ServerOptions): GuardedServer;
  /** The context of a call, inside its handler. */
  context(call: { readonly metadata: Metadata }): CallContext<P, U>;
  /** The caller, inside a handler. Undefined where the rule let an anonymous call through. */
  principal(call: { readonly metadata: Metadata }): P | undefined;
}

/** Guards a grpc-js server with an `Auth`. */
export function grpcAuth<P extends Principal = Principal, U extends UserAccount = UserAccount>(
  auth: Auth<P>,
  options: GrpcAuthOptions<U> = {},
): GrpcAuth<P, U> {
  const { users, onError = logError } = options;
  silenceGrpcValues();
  const interceptor = interceptorOf(auth, users);
  const context = (call: { readonly metadata: Metadata }): CallContext<P, U> => {
    const found = contexts.get(call.metadata);
    if (found === undefined) throw new TypeError("this call did not pass the interceptor of grpcAuth()");
    return found as CallContext<P, U>;
  };
  return Object.freeze({
    interceptor,
    context,
    principal: (call: { readonly metadata: Metadata }) => context(call).principal,
    createServer(serverOptions: ServerOptions = {}) {
      return new GuardedServer(auth, onError, {
        ...serverOptions,
        interceptors: [interceptor, ...(serverOptions.interceptors ?? [])],
      });
    },
  });
}

function interceptorOf<P extends Principal, U extends UserAccount>(
  auth: Auth<P>,
  users: UserSource<U> | undefined,
): ServerInterceptor {
  return function countersign(method, nextCall) {
    const unreadable = takeUnreadableHeaders();
    const streams = method.requestStream || method.responseStream;
    let open: GrpcCall | undefined;
    let context: CallContext<P, U> | undefined;
    let stopWatching: (() => void) | undefined;
    let over = false;

    // What comes later is read from the connection, which knows nothing of the call's context.
    function within(proceed: () => void): void {
      if (context === undefined) proceed();
      else runInCall(context as CallContext, proceed);
    }

    function settle(
      decision: Decision<P>,
      call: GrpcCall,
      metadata: Metadata,
      proceed: (metadata: Metadata) => void,
    ) {
      // The caller may have left while the decision was on its way: nobody would stop what is begun now.
      if (over) return;
      if (!decision.ok) return nextCall.sendStatus(denialStatus(decision.denial));
      context = new CallContext<P, U>(call, decision, users);
      contexts.set(metadata, context as CallContext);
      if (streams)
        stopWatching = auth.watch(call, decision, (denial) => within(() => cutOff(nextCall, denial)));
      // A handler begins with the metadata only where messages are still to come.
      if (method.requestStream) within(() => proceed(metadata));
      else proceed(metadata);
    }

    return new ServerInterceptingCall(nextCall, {
      start(next) {
        next({
          onReceiveMetadata(metadata, proceed) {
            const call = new GrpcCall(method.path, nextCall, metadata, unreadable);
            open = call;
            const decision = auth.decide(call);
            if (isPromise(decision))
              void decision.then((settled) => settle(settled, call, metadata, proceed));
            else settle(decision, call, metadata, proceed);
          },
          // Entering a context costs as much as half a decision: it is done where a handler can hear of the event.
          ...(method.requestStream && {
            onReceiveMessage: (message: unknown, goOn: (message: unknown) => void) =>
              within(() => goOn(message)),
          }),
          onReceiveHalfClose: within,
          // grpc-js calls this at the end of every call, not only of cancelled ones.
          onCancel() {
            over = true;
            stopWatching?.();
            open?.cancel();
          },
        });
      },
    });
  };
}

/** Ends a stream that is open. */
function cutOff(call: ServerInterceptingCallInterface, denial: Denial): void {
  const status = denialStatus(denial);
  call.sendStatus(status);
  // The first one waits until the caller has read what was written before, which it may never do. The second one
  // tells the handler at once, and no more messages reach it.
  call.sendStatus(status);
}

function logError(error: unknown, procedure: string): void {
  console.error(`countersign: ${procedure} failed:`, error);
}
