import { type ContextKey, type ContextValues, createContextKey } from "@connectrpc/connect";
import type { CallContext } from "../context/call-context.ts";
import type { Allowed } from "../core/decision.ts";
import type { FollowedCall } from "../core/followed-call.ts";
import type { Principal } from "../core/principal.ts";
import type { NodeRequest } from "../http/http-call.ts";

/** A call that passed the gate. */
export interface Admission {
  readonly context: CallContext;
  readonly decision: Allowed<Principal>;
  /** Undefined where nobody follows calls. */
  readonly followed: FollowedCall<Principal> | undefined;
  /** Undefined where there is no connection: calls in memory. */
  readonly request: NodeRequest | undefined;
}

/** Where the gate leaves what it has decided. The key itself counts: nothing that a client sends can stand here. */
export const admissionKey: ContextKey<Admission | undefined> = createContextKey<Admission | undefined>(
  undefined,
  { description: "countersign: admission" },
);

/** Node's request behind the call, for its connection and for what its headers said before anyone joined them. */
export const requestKey: ContextKey<NodeRequest | undefined> = createContextKey<NodeRequest | undefined>(
  undefined,
  { description: "countersign: request" },
);

/** The context of a call. Throws a `TypeError` for one that did not pass the gate. */
export function contextOf(values: ContextValues): CallContext {
  const admission = values.get(admissionKey);
  if (admission === undefined) throw new TypeError("this call did not pass the gate of connectAuth()");
  return admission.context;
}
