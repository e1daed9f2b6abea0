import type { Call } from "./call.ts";
import { type Decision, type Denied, deny, isPromise, type MaybePromise } from "./decision.ts";
import type { Reason } from "./denial.ts";

/** So many calls within any stretch of time of that length: a window that slides. */
export interface RateLimit {
  readonly kind: "rate";
  readonly name: string;
  readonly limit: number;
  readonly windowSeconds: number;
}

/** A part of the calendar, in UTC. */
export type QuotaPeriod = "hour" | "day" | "month";

/** So many calls in each hour, day or month. */
export interface Quota {
  readonly kind: "quota";
  readonly name: string;
  readonly limit: number;
  readonly period: QuotaPeriod;
}

export type CallLimit = RateLimit | Quota;

/** Counts the calls that were admitted, and refuses those that are too many. Made by `countersign/limits`. */
export interface CallLimiter<P> {
  /**
   * Counts a call for all limits that it falls under, or for none of them if one is reached: that is the refusal. Synchronous
   * whenever it can be. A throw or a rejection means that nobody can tell, and becomes `UNAVAILABLE`.
   */
  take(call: Call, principal: P | undefined): MaybePromise<Denied | undefined>;
  /** Throws a `TypeError` for a limit that names a procedure which nobody serves. */
  seal(served: Iterable<string>): void;
}

/** Spares a server the work of verifying what somebody sends who has sent too much that was bad. */
export interface CredentialThrottle {
  /** Asked before a credential is verified that is not remembered. Undefined: verify it. */
  refusalBefore(call: Call, apiKeyId?: string): Denied | undefined;
  /** Counts a credential that was refused, and says what the caller is told. */
  refused(call: Call, denied: Denied): Denied;
  /** This call was admitted and is still open: it is never refused for what others send. */
  spare(call: Call): void;
}

/** What is said of credentials that somebody made up. One that was good once is no guess. */
const guesses: ReadonlySet<Reason> = new Set<Reason>(["TOKEN_INVALID", "API_KEY_INVALID"]);

/** Does a denial say that a credential was never ours? */
export function isBadCredential(reason: Reason): boolean {
  return guesses.has(reason);
}

/** A decision, once its call has been counted. */
export function counted<P>(
  decision: MaybePromise<Decision<P>>,
  call: Call,
  limits: CallLimiter<P>,
): MaybePromise<Decision<P>> {
  if (isPromise(decision)) return decision.then((settled) => counted(settled, call, limits));
  if (!decision.ok) return decision;
  try {
    const refusal = limits.take(call, decision.principal);
    if (refusal === undefined) return decision;
    return isPromise(refusal) ? refusal.then((settled) => settled ?? decision, uncounted) : refusal;
  } catch (cause) {
    return uncounted(cause);
  }
}

/** A decision, once it is known whether its credential was one too many. */
export function throttled<P>(
  decision: MaybePromise<Decision<P>>,
  call: Call,
  throttle: CredentialThrottle,
): MaybePromise<Decision<P>> {
  if (isPromise(decision)) return decision.then((settled) => throttled(settled, call, throttle));
  return decision.ok ? decision : throttle.refused(call, decision);
}

function uncounted(cause: unknown): Denied {
  return deny("UNAVAILABLE", { cause });
}
