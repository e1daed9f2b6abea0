import {
  type Metadata,
  type Responder,
  ServerInterceptingCall,
  type ServerInterceptor,
  type ServerOptions,
  type StatusObject,
} from "@grpc/grpc-js";
import type { CallContext } from "../context/call-context.ts";
import type { Auth } from "../core/auth.ts";
import type { Principal } from "../core/principal.ts";
import type { UserAccount, UserSource } from "../core/user.ts";
import { GuardedCall } from "./guarded-call.ts";
import { GuardedServer } from "./guarded-server.ts";
import { silenceGrpcValues, takeUnreadableHeaders } from "./redacting-logger.ts";
import { thrownStatus } from "./status.ts";
import { contextOf } from "./with-context.ts";

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
  /** What a handler threw, as a status to end the call with. `createServer()` does it by itself. */
  toStatus(thrown: unknown): Partial<StatusObject>;
}

/** Guards a grpc-js server with an `Auth`. */
export function grpcAuth<P extends Principal = Principal, U extends UserAccount = UserAccount>(
  auth: Auth<P>,
  options: GrpcAuthOptions<U> = {},
): GrpcAuth<P, U> {
  const { users, onError = logError } = options;
  silenceGrpcValues();
  const interceptor = interceptorOf(auth, users);
  const context = contextOf as (call: { readonly metadata: Metadata }) => CallContext<P, U>;
  return Object.freeze({
    interceptor,
    context,
    principal: (call: { readonly metadata: Metadata }) => context(call).principal,
    toStatus: (thrown: unknown) => thrownStatus(thrown),
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
    const call = new GuardedCall({ auth, users, method, nextCall, unreadable: takeUnreadableHeaders() });
    return new ServerInterceptingCall(nextCall, {
      start(next) {
        next({
          onReceiveMetadata: (metadata, proceed) => call.begin(metadata, proceed),
          // Entering a context costs as much as half a decision: it is done where a handler can hear of the event.
          ...((call.judged || method.requestStream) && {
            onReceiveMessage: (message: unknown, goOn: (message: unknown) => void) =>
              call.message(message, goOn),
          }),
          onReceiveHalfClose(proceed) {
            call.trail?.halfClosed();
            call.within(proceed);
          },
          onCancel: () => call.end(),
        });
      },
      ...(auth.follow !== undefined && following(call, method.responseStream)),
    });
  };
}

/** What is sent, on its way out. */
function following<P extends Principal, U extends UserAccount>(
  call: Pick<GuardedCall<P, U>, "trail">,
  responseStream: boolean,
): Responder {
  return {
    sendMetadata: (metadata, next) => next(call.trail?.headers(metadata) ?? metadata),
    sendStatus: (status, next) => next(call.trail?.status(status as StatusObject) ?? status),
    ...(responseStream && {
      sendMessage(message: unknown, next: (message: unknown) => void) {
        call.trail?.followed.sentMessage();
        next(message);
      },
    }),
  };
}

function logError(error: unknown, procedure: string): void {
  console.error(`countersign: ${procedure} failed:`, error);
}
