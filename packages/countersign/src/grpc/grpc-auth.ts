import {
  type Metadata,
  type ServerInterceptor,
  ServerInterceptingCall,
  type ServerOptions,
} from "@grpc/grpc-js";
import { CallContext, runInCall } from "../context/call-context.ts";
import type { Auth } from "../core/auth.ts";
import { type Allowed, type Decision, isPromise } from "../core/decision.ts";
import type { Principal } from "../core/principal.ts";
import type { UserAccount, UserSource } from "../core/user.ts";
import { contexts } from "./contexts.ts";
import { GrpcCall } from "./grpc-call.ts";
import { GuardedServer } from "./guarded-server.ts";
import { silenceGrpcValues } from "./redacting-logger.ts";
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
      silenceGrpcValues();
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
    let open: GrpcCall | undefined;
    let stopWatching: (() => void) | undefined;
    const streams = method.requestStream || method.responseStream;

    function admit(call: GrpcCall, metadata: Metadata, admitted: Allowed<P>, proceed: (metadata: Metadata) => void) {
      const context = new CallContext<P, U>(call, admitted, users);
      contexts.set(metadata, context as CallContext);
      if (streams) {
        stopWatching = auth.watch(call, admitted, (denial) => nextCall.sendStatus(denialStatus(denial)));
      }
      runInCall(context as CallContext, () => proceed(metadata));
    }

    return new ServerInterceptingCall(nextCall, {
      start(next) {
        next({
          onReceiveMetadata(metadata, proceed) {
            const call = new GrpcCall(method.path, nextCall, metadata);
            open = call;
            const settle = (decision: Decision<P>): void => {
              if (decision.ok) admit(call, metadata, decision, proceed);
              else nextCall.sendStatus(denialStatus(decision.denial));
            };
            const decision = auth.decide(call);
            if (isPromise(decision)) void decision.then(settle);
            else settle(decision);
          },
          // grpc-js calls this at the end of every call, not only of cancelled ones.
          onCancel() {
            stopWatching?.();
            open?.cancel();
          },
        });
      },
    });
  };
}

function logError(error: unknown, procedure: string): void {
  console.error(`countersign: ${procedure} failed:`, error);
}
