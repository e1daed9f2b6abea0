import { type Denial, type DenialDetail, denial, type Reason } from "./denial.ts";

/** The call may go on. */
export interface Allowed<P> {
  readonly ok: true;
  /** Undefined where the rule let an anonymous call through. */
  readonly principal: P | undefined;
  /** The name of the authenticator that recognised the caller. */
  readonly authenticator: string | undefined;
  /** When the credential ends, in milliseconds since the epoch; `Infinity` if never. Open streams end then. */
  readonly expiresAt: number;
}

/** The call is refused, and the handler never runs. */
export interface Denied {
  readonly ok: false;
  readonly denial: Denial;
}

/** The answer to "may this call go on?". */
export type Decision<P> = Allowed<P> | Denied;

/** A decision that may need I/O: synchronous whenever it can be. */
export type MaybePromise<T> = T | Promise<T>;

/** Shorthand for a refusal. */
export function deny(reason: Reason, detail?: DenialDetail): Denied {
  return Object.freeze({ ok: false, denial: denial(reason, detail) });
}

/** Shorthand for an admission. */
export function allow<P>(
  principal: P,
  authenticator: string,
  expiresAt = Number.POSITIVE_INFINITY,
): Allowed<P> {
  return Object.freeze({ ok: true, principal, authenticator, expiresAt });
}

/** An admission without a caller: rules `open` and `optional`. */
export const anonymous: Allowed<never> = Object.freeze({
  ok: true,
  principal: undefined,
  authenticator: undefined,
  expiresAt: Number.POSITIVE_INFINITY,
});

/** Tells a promise from a value without an allocation. */
export function isPromise<T>(value: MaybePromise<T>): value is Promise<T> {
  return typeof (value as { then?: unknown } | undefined)?.then === "function";
}

/** Goes on with a value that may not be there yet, at once if it is. */
export function andThen<T, R>(value: MaybePromise<T>, next: (value: T) => MaybePromise<R>): MaybePromise<R> {
  return isPromise(value) ? value.then(next) : next(value);
}
