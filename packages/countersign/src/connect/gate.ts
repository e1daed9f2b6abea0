import type { HandlerContext } from "@connectrpc/connect";
import { CallContext } from "../context/call-context.ts";
import type { Auth } from "../core/auth.ts";
import type { Call } from "../core/call.ts";
import { type Decision, isPromise } from "../core/decision.ts";
import type { Principal } from "../core/principal.ts";
import { requestIdHeader, requestIdOf } from "../core/request-id.ts";
import type { UserAccount, UserSource } from "../core/user.ts";
import { HttpCall } from "../http/http-call.ts";
import { type Admission, admissionKey, requestKey } from "./admission.ts";
import { denialError } from "./errors.ts";
import { followCall } from "./follow-call.ts";
import { leaveBody } from "./hang-up.ts";

/** Connect's `requestGate`: runs when the headers are there, before a byte of the body is received. */
export type Gate = (handler: HandlerContext) => void | Promise<void>;

/** Decides about each call, and refuses it unread. */
export function gateOf<P extends Principal, U extends UserAccount>(
  auth: Auth<P>,
  users: UserSource<U> | undefined,
): Gate {
  return function countersign(handler) {
    const request = handler.values.get(requestKey);
    const call = callOf(handler);
    const followed = auth.follow && followCall(auth.follow(call), handler);
    const decision = auth.decide(call);
    return isPromise(decision) ? decision.then(settle) : settle(decision);

    function settle(settled: Decision<P>): void {
      followed?.decided(settled);
      if (!settled.ok) {
        if (request !== undefined) leaveBody(request);
        throw denialError(settled.denial);
      }
      // The values of two calls would be those of two callers.
      if (handler.values.get(admissionKey) !== undefined)
        throw new TypeError("contextValues gave two calls the same values: make new ones for each");
      const context = new CallContext<P, U>(call, settled, users);
      handler.values.set(admissionKey, {
        context,
        decision: settled,
        followed,
        request,
      } as unknown as Admission);
    }
  };
}

function callOf(handler: HandlerContext): Call {
  const { method, signal, requestHeader } = handler;
  const protocol = handler.protocolName as Call["protocol"];
  const procedure = `/${method.parent.typeName}/${method.name}`;
  const request = handler.values.get(requestKey);
  if (request !== undefined) return new HttpCall(protocol, procedure, request, signal);
  const named = requestHeader.get(requestIdHeader);
  return {
    protocol,
    procedure,
    requestId: requestIdOf(named === null ? [] : [named]),
    // Repeated headers were joined with a comma, which no credential may have.
    header: (name) => {
      const value = requestHeader.get(name);
      return value === null ? [] : [value];
    },
    peer: { address: undefined },
    signal,
  };
}
