import { sensitiveHeaders } from "node:http2";
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

const idAlone = [requestIdHeader];
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

  /** Headers on their way to the caller, with its id. */
  headers(metadata: Metadata): Metadata {
    this.#named = true;
    const { requestId } = this.followed;
    // In place of what another call has put there: a handler may send one object for all of its calls.
    metadata.toHttp2Headers = () => {
      const headers = Metadata.prototype.toHttp2Headers.call(metadata);
      headers[requestIdHeader] = requestId;
      // Else HPACK (RFC 7541) would search for it what was said before, and forget for it what is said with every call.
      headers[sensitiveHeaders as never] = idAlone as never;
      return headers;
    };
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
    this.followed.end(code, reasonOfStatus(status));
    if (this.#named) return status;
    const named = metadata?.clone() ?? new Metadata();
    named.set(requestIdHeader, this.followed.requestId);
    return { ...status, metadata: named };
  }

  /** Nothing more will happen. Without a status of ours, grpc-js had one of its own, or the caller has left. */
  over(): void {
    if (this.followed.endedAt > 0) return;
    // What grpc-js has answered by itself, to a message that it could not read, for one. Not public, and only a better word for the log.
    const { sentTrailers, sentHeaders } = (this.#call as { readonly stream?: Sent }).stream ?? {};
    const late = Number(this.#call.getDeadline()) <= Date.now();
    const ended = late ? deadlineExceeded : cancelled;
    this.followed.end(Number(sentTrailers?.["grpc-status"] ?? sentHeaders?.["grpc-status"] ?? ended));
  }
}

interface Sent {
  readonly sentHeaders?: Readonly<Record<string, unknown>>;
  readonly sentTrailers?: Readonly<Record<string, unknown>>;
}
