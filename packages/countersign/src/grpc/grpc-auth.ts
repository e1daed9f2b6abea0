import {
  type Metadata,
  ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
  type ServerOptions,
  type StatusObject,
} from "@grpc/grpc-js";
import { CallContext, runInCall } from "../context/call-context.ts";
import type { Auth } from "../core/auth.ts";
import { type Allowed, type Decision, isPromise } from "../core/decision.ts";
import { type Denial, denial } from "../core/denial.ts";
import type { Principal } from "../core/principal.ts";
import type { UserAccount, UserSource } from "../core/user.ts";
import { contexts } from "./contexts.ts";
import { GrpcCall } from "./grpc-call.ts";
import { GuardedServer } from "./guarded-server.ts";
import { silenceGrpcValues, takeUnreadableHeaders } from "./redacting-logger.ts";
import { denialStatus, failureStatus, thrownStatus } from "./status.ts";

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
  const context = (call: { readonly metadata: Metadata }): CallContext<P, U> => {
    const found = contexts.get(call.metadata);
    if (found === undefined) throw new TypeError("this call did not pass the interceptor of grpcAuth()");
    return found as CallContext<P, U>;
  };
  return Object.freeze({
    interceptor,
    context,
    principal: (call: { readonly metadata: Metadata }) => context(call).principal,
    toStatus: (thrown: unknown) => thrownStatus(thrown) ?? failureStatus(thrown),
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
    const judged = auth.needsRequest(method.path);
    let open: GrpcCall | undefined;
    let admitted: Allowed<P> | undefined;
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
      // A guarded server does not start with such a rule; one that was made elsewhere may.
      if (judged && method.requestStream) return nextCall.sendStatus(unjudged);
      admitted = decision;
      context = new CallContext<P, U>(call, decision, users);
      contexts.set(metadata, context as CallContext);
      if (streams)
        stopWatching = auth.watch(call, decision, (refusal) => within(() => cutOff(nextCall, refusal)));
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
          ...((judged || method.requestStream) && {
            onReceiveMessage(message: unknown, goOn: (message: unknown) => void) {
              if (!judged) within(() => goOn(message));
              else judgeMessage({ auth, nextCall, call: open, admitted, message }, goOn, () => over);
            },
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

interface Unjudged<P> {
  readonly auth: Auth<P>;
  readonly nextCall: ServerInterceptingCallInterface;
  readonly call: GrpcCall | undefined;
  readonly admitted: Allowed<P> | undefined;
  readonly message: unknown;
}

/** The rule's last word, on what was asked for: the message goes on to its handler, or the call ends here. */
function judgeMessage<P>(
  { auth, nextCall, call, admitted, message }: Unjudged<P>,
  goOn: (message: unknown) => void,
  over: () => boolean,
): void {
  const answer = (decision: Decision<P>): void => {
    if (over()) return;
    if (decision.ok) goOn(message);
    else nextCall.sendStatus(denialStatus(decision.denial));
  };
  if (call === undefined || admitted === undefined) {
    nextCall.sendStatus(unjudged);
    return;
  }
  const decision = auth.judgeRequest(call, admitted, message);
  if (isPromise(decision)) void decision.then(answer);
  else answer(decision);
}

/** For what cannot be: a message before its decision, or a rule about the request of an RPC that has none. */
const unjudged = denialStatus(denial("UNAVAILABLE"));

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
