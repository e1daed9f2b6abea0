import { type ContextKey, type ContextValues, createContextKey } from "@connectrpc/connect";
import type { CallContext } from "../context/call-context.ts";
import type { Allowed } from "../core/decision.ts";
import type { FollowedCall } from "../core/followed-call.ts";
import type { Principal } from "../core/principal.ts";
import type { NodeRequest } from "../http/http-call.ts";

/** Where a call came in. */
export interface Connection {
  /** For what its headers said before anyone joined them, and for its peer. */
  readonly request: NodeRequest;
  /** Cuts off a caller who does not take the end of a stream. Undefined where no listener of ours is. */
  readonly hangUp?: () => void;
}

/** A call that passed the gate. */
export interface Admission {
  readonly context: CallContext;
  readonly decision: Allowed<Principal>;
  /** Undefined where nobody follows calls. */
  readonly followed: FollowedCall<Principal> | undefined;
  /** Undefined where there is none: calls in memory. */
  readonly connection: Connection | undefined;
}

/** Where the gate leaves what it has decided. The key itself counts: nothing that a client sends can stand here. */
export const admissionKey: ContextKey<Admission | undefined> = createContextKey<Admission | undefined>(
  undefined,
  { description: "countersign: admission" },
);

/** Where whoever serves the routes leaves the connection. */
export const connectionKey: ContextKey<Connection | undefined> = createContextKey<Connection | undefined>(
  undefined,
  { description: "countersign: connection" },
);

/** What the gate has decided. Throws a `TypeError` for a call that did not pass it. */
export function admissionOf(values: ContextValues): Admission {
  const admission = values.get(admissionKey);
  if (admission === undefined) throw new TypeError("this call did not pass the gate of connectAuth()");
  return admission;
}
