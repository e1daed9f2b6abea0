import type { Authenticator } from "./authenticator.ts";
import { allOf, type Guard } from "./guard.ts";
import { type Rule, requireRule } from "./policy.ts";

/** One rule, or guards that must all pass. */
export type RouteGuards<P> = readonly [Rule<P>] | readonly [Guard<P>, ...Guard<P>[]];

/** What stands beside a route: who may call it, and how callers prove who they are. */
export interface RouteRule<P> {
  /**
   * Who is asked who calls, in this order. Headers of other authenticators are not read. Default: the authenticators of
   * the `Auth`.
   */
  readonly auth?: readonly [Authenticator<P>, ...Authenticator<P>[]] | undefined;
  /** Default: the rule of a table; without one, the guards that the door has for all its routes; then the mode. */
  readonly guards?: RouteGuards<P> | undefined;
}

/** The rule that a list of guards stands for. Throws a `TypeError` for an empty list, and for what is no guard. */
export function ruleOfGuards<P>(procedure: string, guards: RouteGuards<P>): Rule<P> {
  // Reachable from JavaScript: nothing must be taken for "no guard, so anyone may".
  if (!Array.isArray(guards) || guards.length === 0)
    throw new TypeError(`the guards of ${procedure} are a list of at least one: "open" lets everyone in`);
  const [first, ...rest] = guards as readonly [Rule<P>, ...Rule<P>[]];
  requireRule(procedure, first);
  if (rest.length === 0) return first;
  return allOf(...(guards as readonly [Guard<P>, ...Guard<P>[]]));
}
