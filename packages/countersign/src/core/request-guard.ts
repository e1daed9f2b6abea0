import type { Call } from "./call.ts";
import type { MaybePromise } from "./decision.ts";
import { compositionOf, type Guard } from "./guard.ts";

/** Decides by what was asked for, too. Anything but `true` refuses; a throw or a rejection is `UNAVAILABLE`. */
export type RequestCheck<P, R> = (principal: P, request: R, call: Call) => MaybePromise<boolean>;

export interface RequestGuardText {
  /** How the guard reads in a listing of the policy. Default: `withRequest`. */
  readonly title?: string;
  /** What the caller is told instead of "Permission denied". Constant text. */
  readonly denialMessage?: string;
}

/** Guards that need the request. Kept here, so that no wrapper can lose or forge it. */
const asking = new WeakSet<object>();

/** The request of each call that is being judged or was admitted by it. */
const requests = new WeakMap<Call, { readonly message: unknown }>();

/**
 * A guard that sees the decoded request, for rules such as "the owner or staff". It is asked once everything else has
 * passed on the headers, and before the handler. Only where a call has one request: the RPC takes no stream, and the
 * door decodes messages; anything else stops the start.
 */
export function withRequest<P, R>(check: RequestCheck<P, R>, text: RequestGuardText = {}): Guard<P> {
  if (typeof check !== "function") throw new TypeError("withRequest() takes a function");
  const guard = (principal: P, call: Call): MaybePromise<boolean> => {
    const request = requests.get(call);
    // Reached through a wrapper that hides what this guard needs: nobody can tell, and nobody is let in.
    if (request === undefined) throw new TypeError("this guard needs the request, which is not there");
    return check(principal, request.message as R, call);
  };
  asking.add(guard);
  return Object.freeze(Object.assign(guard, { title: "withRequest", ...text }));
}

/** Does the guard, or one of those that it is made of, need the request? */
export function needsRequest<P>(guard: Guard<P>): boolean {
  return asking.has(guard) || (compositionOf(guard)?.parts.some(needsRequest) ?? false);
}

/** Shows guards the request of a call. For as long as somebody holds the call. */
export function showRequest(call: Call, message: unknown): void {
  requests.set(call, { message });
}

/** Was a request shown for this call? */
export function requestShown(call: Call): boolean {
  return requests.has(call);
}

/** Shows guards of one call the request of another. */
export function showSameRequest(from: Call, to: Call): void {
  const shown = requests.get(from);
  if (shown !== undefined) requests.set(to, shown);
}
