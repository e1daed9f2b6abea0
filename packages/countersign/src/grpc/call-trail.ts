import { Metadata, type ServerInterceptingCallInterface, type StatusObject } from "@grpc/grpc-js";
import type { Denial } from "../core/denial.ts";
import type { FollowedCall } from "../core/followed-call.ts";
import { requestIdHeader } from "../core/request-id.ts";
import { reasonOfStatus } from "./status.ts";

/** What a grpc-js method does with messages. */
interface Kind {
  readonly requestStream: boolean;
  readonly responseStream: boolean;
}

const deadlineExceeded = 4;
const cancelled = 1;

/** Follows a grpc-js call for `onCallEnd`, and names it to the caller. */
export class CallTrail<P> {
  readonly followed: FollowedCall<P>;
  readonly #kind: Kind;
  readonly #call: ServerInterceptingCallInterface;
  #named = false;

  constructor(followed: FollowedCall<P>, kind: Kind, call: ServerInterceptingCallInterface) {
    this.followed = followed;
    this.#kind = kind;
    this.#call = call;
  }

  /** One request is complete when its caller has said all. */
  halfClosed(): void {
    if (!this.#kind.requestStream) this.followed.received = 1;
  }

  /** Headers on their way to the caller. */
  headers(metadata: Metadata): Metadata {
    this.#named = true;
    metadata.set(requestIdHeader, this.followed.requestId);
    return metadata;
  }

  /** It was refused or cut off. The status goes to the caller as it is returned. */
  denied(denial: Denial, status: StatusObject): StatusObject {
    this.followed.decided({ ok: false, denial });
    return this.status(status);
  }

  /** The last word to the caller: without headers before it, this is where the id goes. */
  status(status: StatusObject): StatusObject {
    const { code, metadata } = status;
    if (code === 0 && !this.#kind.responseStream) this.followed.sent = 1;
    this.followed.end(code, metadata === null ? undefined : reasonOfStatus(metadata));
    if (this.#named) return status;
    const named = metadata?.clone() ?? new Metadata();
    named.set(requestIdHeader, this.followed.requestId);
    return { ...status, metadata: named };
  }

  /** Nothing more will happen. Without a status of ours, grpc-js had one of its own, or the caller has left. */
  over(): void {
    const late = Number(this.#call.getDeadline()) <= Date.now();
    this.followed.end(sentStatus(this.#call) ?? (late ? deadlineExceeded : cancelled));
  }
}

/** What grpc-js has answered by itself: to a message that it could not read, for one. */
function sentStatus(call: ServerInterceptingCallInterface): number | undefined {
  // Not public, and only a better word for the log.
  const { sentTrailers, sentHeaders } = (call as { readonly stream?: Sent }).stream ?? {};
  const code = sentTrailers?.["grpc-status"] ?? sentHeaders?.["grpc-status"];
  return code === undefined ? undefined : Number(code);
}

interface Sent {
  readonly sentHeaders?: Readonly<Record<string, unknown>>;
  readonly sentTrailers?: Readonly<Record<string, unknown>>;
}
