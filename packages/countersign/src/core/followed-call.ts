import type { Call } from "./call.ts";
import { type Allowed, type Decision, isPromise } from "./decision.ts";
import { type Denial, type DenialSubject, type Reason, statusOf } from "./denial.ts";
import { newRequestId } from "./request-id.ts";
import type { RuleBook } from "./rule-book.ts";

/**
 * A call that is over: what logs and metrics are made of. One for each call that an adapter was asked to serve, refused or
 * not, told once. It holds no credential and no message.
 */
export interface EndedCall<P> {
  readonly call: Call;
  /** Also sent back to the caller as `x-request-id`. */
  readonly requestId: string;
  /** Of `call.peer`, as it was at the beginning: a connection that is gone has none. */
  readonly peerAddress: string | undefined;
  /** Milliseconds since the epoch. */
  readonly endedAt: number;
  readonly durationMs: number;
  /** The admission. Undefined for a call that was refused, or whose caller left before it was decided. */
  readonly admitted: Allowed<P> | undefined;
  /** Why it was refused or, for a stream that was open, cut off. Undefined where the handler had the last word. */
  readonly denial: Denial | undefined;
  /** Whose credential it was, where the call was refused and that was recognised. */
  readonly subject: DenialSubject | undefined;
  /** The rule that decided, as it reads in a listing. Undefined where there is none. */
  readonly rule: string | undefined;
  /** The gRPC status that the caller was told, or would have been. CANCELLED: it left. */
  readonly code: number;
  /** Of the refusal, by the rule or by the handler. Undefined for every other outcome. */
  readonly reason: Reason | undefined;
  /** Messages of the caller that reached the handler. */
  readonly received: number;
  /** Messages of the handler. */
  readonly sent: number;
}

type Tell<P> = (ended: EndedCall<P>) => void;

interface Follower<P> {
  readonly rules: Pick<RuleBook<P>, "find">;
  readonly now: () => number;
  readonly tell: Tell<P>;
}

/** The way to follow calls, where there is somebody to tell. */
export function following<P>(
  rules: Pick<RuleBook<P>, "find">,
  now: () => number,
  tell: Tell<P> | undefined,
): ((call: Call) => FollowedCall<P>) | undefined {
  if (tell === undefined) return undefined;
  const follower = { rules, now, tell };
  return (call) => new FollowedCall<P>(call, follower);
}

/**
 * Follows one call from its beginning to its end. Adapters make one for each call, write down what happens, and say
 * when it is over: the first end counts.
 */
export class FollowedCall<P> implements EndedCall<P> {
  readonly call: Call;
  received = 0;
  sent = 0;
  endedAt = 0;
  durationMs = 0;
  code = 0;
  reason: Reason | undefined;
  admitted: Allowed<P> | undefined;
  denial: Denial | undefined;
  rule: string | undefined;
  readonly requestId: string;
  readonly peerAddress: string | undefined;
  readonly #began: number;
  /** Until it is over. */
  #follower: Follower<P> | undefined;

  constructor(call: Call, follower: Follower<P>) {
    this.call = call;
    this.requestId = call.requestId ?? newRequestId();
    this.peerAddress = call.peer.address;
    this.#began = performance.now();
    this.#follower = follower;
  }

  get subject(): DenialSubject | undefined {
    return this.denial?.subject;
  }

  /** The last decision counts: there may be one about the headers, and then one about the request. */
  decided(decision: Decision<P>): void {
    if (decision.ok) this.admitted = decision;
    else this.denial = decision.denial;
  }

  receivedMessage(): void {
    this.received += 1;
  }

  sentMessage(): void {
    this.sent += 1;
  }

  /** The handler has answered with its one message, and that was all. */
  answered(): void {
    this.sent = 1;
    this.end(0);
  }

  /** The handler has refused, or failed. */
  refused(reason: Reason | undefined): void {
    this.reason = reason;
  }

  /** It is over. `reason`: of a refusal by the handler. Where the call was denied, that says it all. */
  end(code: number, reason?: Reason): void {
    const follower = this.#follower;
    if (follower === undefined) return;
    this.#follower = undefined;
    this.durationMs = performance.now() - this.#began;
    this.endedAt = follower.now();
    this.code = this.denial === undefined ? code : statusOf[this.denial.reason].grpc;
    this.reason = this.denial?.reason ?? reason ?? this.reason;
    this.rule = follower.rules.find(this.call.procedure)?.title;
    try {
      const pending: unknown = follower.tell(this);
      if (isPromise(pending)) pending.then(undefined, () => {});
    } catch {
      // An observer must not be able to change what a caller gets.
    }
  }
}
