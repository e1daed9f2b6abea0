import type { Metadata, ServerInterceptingCallInterface, StatusObject } from "@grpc/grpc-js";
import { CallContext, runInCall } from "../context/call-context.ts";
import type { Auth } from "../core/auth.ts";
import { type Allowed, type Decision, isPromise } from "../core/decision.ts";
import { type Denial, denial } from "../core/denial.ts";
import type { Principal } from "../core/principal.ts";
import type { UserAccount, UserSource } from "../core/user.ts";
import { CallTrail } from "./call-trail.ts";
import { GrpcCall } from "./grpc-call.ts";
import { denialStatus } from "./status.ts";
import { setContext } from "./with-context.ts";

/** The method of a call, as grpc-js tells interceptors. */
export interface Method {
  readonly path: string;
  readonly requestStream: boolean;
  readonly responseStream: boolean;
}

export interface GuardedCallOptions<P, U extends UserAccount> {
  readonly auth: Auth<P>;
  readonly users: UserSource<U> | undefined;
  readonly method: Method;
  readonly nextCall: ServerInterceptingCallInterface;
  /** Headers that grpc-js could not read. */
  readonly unreadable: readonly string[];
}

/** One call on its way through the interceptor: what was decided about it, and what follows from that. */
export class GuardedCall<P extends Principal, U extends UserAccount> {
  /** Does the rule need the message? */
  readonly judged: boolean;
  /** Undefined where nobody follows calls, and before the headers. */
  trail: CallTrail<P> | undefined;
  readonly #options: GuardedCallOptions<P, U>;
  #call: GrpcCall | undefined;
  #admitted: Allowed<P> | undefined;
  #context: CallContext<P, U> | undefined;
  #stopWatching: (() => void) | undefined;
  #over = false;

  constructor(options: GuardedCallOptions<P, U>) {
    this.#options = options;
    this.judged = options.auth.needsRequest(options.method.path);
  }

  /** The headers are there: this is where a call is decided. */
  begin(metadata: Metadata, proceed: (metadata: Metadata) => void): void {
    const { auth, method, nextCall, unreadable } = this.#options;
    const call = new GrpcCall(method.path, nextCall, metadata, unreadable);
    this.#call = call;
    if (auth.follow !== undefined) this.trail = new CallTrail(auth.follow(call), method, nextCall);
    const decision = auth.decide(call);
    if (isPromise(decision)) void decision.then((settled) => this.#settle(settled, call, metadata, proceed));
    else this.#settle(decision, call, metadata, proceed);
  }

  /** What comes later is read from the connection, which knows nothing of the call's context. */
  within(proceed: () => void): void {
    if (this.#context === undefined) proceed();
    else runInCall(this.#context as CallContext, proceed);
  }

  message(message: unknown, goOn: (message: unknown) => void): void {
    this.trail?.followed.receivedMessage();
    if (this.judged) this.#judge(message, goOn);
    else this.within(() => goOn(message));
  }

  /** grpc-js calls this at the end of every call, not only of cancelled ones. */
  end(): void {
    this.#over = true;
    this.trail?.over();
    this.#stopWatching?.();
    this.#call?.cancel();
  }

  #settle(
    decision: Decision<P>,
    call: GrpcCall,
    metadata: Metadata,
    proceed: (metadata: Metadata) => void,
  ): void {
    const { auth, users, method } = this.#options;
    // The caller may have left while the decision was on its way: nobody would stop what is begun now.
    if (this.#over) return;
    if (!decision.ok) {
      this.#refuse(decision.denial);
      return;
    }
    // A guarded server does not start with such a rule; one that was made elsewhere may.
    if (this.judged && method.requestStream) {
      this.#refuse(unjudged);
      return;
    }
    this.trail?.followed.decided(decision);
    this.#admitted = decision;
    this.#context = new CallContext<P, U>(call, decision, users);
    setContext(metadata, this.#context as CallContext);
    if (method.requestStream || method.responseStream)
      this.#stopWatching = auth.watch(call, decision, (refusal) => this.within(() => this.#cutOff(refusal)));
    // A handler begins with the metadata only where messages are still to come.
    if (method.requestStream) this.within(() => proceed(metadata));
    else proceed(metadata);
  }

  /** The rule's last word, on what was asked for: the message goes on to its handler, or the call ends here. */
  #judge(message: unknown, goOn: (message: unknown) => void): void {
    const answer = (decision: Decision<P>): void => {
      if (this.#over) return;
      if (decision.ok) goOn(message);
      else this.#refuse(decision.denial);
    };
    if (this.#call === undefined || this.#admitted === undefined) {
      this.#refuse(unjudged);
      return;
    }
    const decision = this.#options.auth.judgeRequest(this.#call, this.#admitted, message);
    if (isPromise(decision)) void decision.then(answer);
    else answer(decision);
  }

  /** Ends the call. Returns what its caller is told. */
  #refuse(refusal: Denial): StatusObject {
    const status = denialStatus(refusal);
    const told = this.trail?.denied(refusal, status) ?? status;
    this.#options.nextCall.sendStatus(told);
    return told;
  }

  /** Ends a stream that is open. */
  #cutOff(refusal: Denial): void {
    // The first status waits until the caller has read what was written before, which it may never do. The second one
    // tells the handler at once, and no more messages reach it.
    this.#options.nextCall.sendStatus(this.#refuse(refusal));
  }
}

/** For what cannot be: a message before its decision, or a rule about the request of an RPC that has none. */
const unjudged = denial("UNAVAILABLE");
