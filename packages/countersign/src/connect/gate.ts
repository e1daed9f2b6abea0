import type { HandlerContext } from "@connectrpc/connect";
import { CallContext } from "../context/call-context.ts";
import type { Auth } from "../core/auth.ts";
import type { Call } from "../core/call.ts";
import { type Decision, isPromise } from "../core/decision.ts";
import type { Principal } from "../core/principal.ts";
import { requestIdHeader, requestIdOf } from "../core/request-id.ts";
import type { UserAccount, UserSource } from "../core/user.ts";
import { discard } from "../http/discard.ts";
import { HttpCall, type NodeRequest } from "../http/http-call.ts";
import { type Admission, admissionKey, connectionKey } from "./admission.ts";
import { denialError } from "./errors.ts";
import { followCall } from "./follow-call.ts";
import { procedureOf } from "./procedure.ts";

/** Connect's `requestGate`: runs when the headers are there, before a byte of the body is received. */
export type Gate = (handler: HandlerContext) => void | Promise<void>;

/** Decides about each call, and refuses it unread. */
export function gateOf<P extends Principal, U extends UserAccount>(
  auth: Auth<P>,
  users: UserSource<U> | undefined,
): Gate {
  return function countersign(handler) {
    const connection = handler.values.get(connectionKey);
    const call = callOf(handler, connection?.request);
    const followed = auth.follow && followCall(auth.follow(call), handler);
    const decision = auth.decide(call);
    return isPromise(decision) ? decision.then(settle) : settle(decision);

    function settle(settled: Decision<P>): void {
      followed?.decided(settled);
      if (!settled.ok) {
        if (connection !== undefined) leaveBody(connection.request);
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
        connection,
      } as unknown as Admission);
    }
  };
}

/** Nobody will read this body. */
function leaveBody(request: NodeRequest): void {
  // A stream of HTTP/2 is ended with its answer.
  if (!("stream" in request) && !request.complete) discard(request);
}

function callOf(handler: HandlerContext, request: NodeRequest | undefined): Call {
  const { method, signal, requestHeader } = handler;
  const protocol = handler.protocolName as Call["protocol"];
  const procedure = procedureOf(method);
  if (request !== undefined) return new HttpCall(protocol, procedure, request, signal);
  // Repeated headers were joined with a comma, which no credential may have.
  const header = (name: string): readonly string[] => {
    const value = requestHeader.get(name);
    return value === null ? [] : [value];
  };
  return {
    protocol,
    procedure,
    requestId: requestIdOf(header(requestIdHeader)),
    header,
    peer: { address: undefined },
    signal,
  };
}
