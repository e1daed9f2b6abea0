import type { Call } from "./call.ts";
import { isPromise, type MaybePromise } from "./decision.ts";

/**
 * Decides whether an authenticated principal may make a call. Anything but `true` refuses; a throw or a rejection
 * makes the call `UNAVAILABLE`. A plain function is a guard.
 */
export interface Guard<P> {
  (principal: P, call: Call): MaybePromise<boolean>;
  /** What the caller is told instead of "Permission denied". Constant text. */
  readonly denialMessage?: string;
  /** How the guard reads in a listing of the policy. */
  readonly title?: string;
}

/** How a guard is made of others. */
export interface Composition<P> {
  /** `observed`: a guard that looks on, and the one that is asked. */
  readonly kind: "allOf" | "anyOf" | "not" | "observed";
  readonly parts: readonly Guard<P>[];
}

/**
 * The guards of each combination, so that the one that refused can tell its own message, and an explanation each part.
 * Not a property of the guard: a wrapper that copies the properties of what it wraps would be passed over in favour of
 * the parts.
 */
const compositions = new WeakMap<object, Composition<never>>();

/** What `allOf`, `anyOf` or `not` made this guard of; undefined for any other guard. */
export function compositionOf<P>(guard: Guard<P>): Composition<P> | undefined {
  return compositions.get(guard) as Composition<P> | undefined;
}

/** The guards that must all pass; undefined for a guard that is not made of such. */
export function partsOf<P>(guard: Guard<P>): readonly Guard<P>[] | undefined {
  const composition = compositionOf(guard);
  return composition?.kind === "allOf" || composition?.kind === "observed" ? composition.parts : undefined;
}

function composed<P>(guard: Guard<P>, kind: Composition<P>["kind"], parts: readonly Guard<P>[]): Guard<P> {
  compositions.set(guard, { kind, parts: parts as readonly Guard<never>[] });
  return guard;
}

export interface GuardText {
  readonly title: string;
  readonly denialMessage?: string;
}

/** A guard that can be told apart from others. */
export function named<P>(
  text: GuardText,
  check: (principal: P, call: Call) => MaybePromise<boolean>,
): Guard<P> {
  return Object.freeze(Object.assign(check, text));
}

/** Every guard must pass, in order. The first is a parameter of its own, so that an empty conjunction cannot be written. */
export function allOf<P>(first: Guard<P>, ...rest: readonly Guard<P>[]): Guard<P> {
  const parts = guardList("allOf", [first, ...rest]);
  const check = (principal: P, call: Call): MaybePromise<boolean> => every(parts, principal, call);
  return composed(named({ title: `allOf(${titles(parts)})` }, check), "allOf", parts);
}

/** One guard must pass; they are asked in order. Where none does, the caller is told what the first one asks for. */
export function anyOf<P>(first: Guard<P>, ...rest: readonly Guard<P>[]): Guard<P> {
  const parts = guardList("anyOf", [first, ...rest]);
  const title = `anyOf(${titles(parts)})`;
  const { denialMessage } = first;
  const text = { title, ...(denialMessage !== undefined && { denialMessage }) };
  const check = (principal: P, call: Call): MaybePromise<boolean> => some(parts, principal, call, false);
  return composed(named(text, check), "anyOf", parts);
}

/** The same guard, telling the caller this instead of its own text, or of those of its parts. Constant text. */
export function withMessage<P>(denialMessage: string, guard: Guard<P>): Guard<P> {
  const parts = guardList("withMessage", [guard]);
  const check = (principal: P, call: Call): MaybePromise<boolean> => guard(principal, call);
  return composed(named({ title: titles(parts), denialMessage }, check), "allOf", parts);
}

/** The same guard, to all appearances, with another one asked first that only looks on. */
export function observedBy<P>(observer: Guard<P>, guard: Guard<P>): Guard<P> {
  const parts = guardList("observedBy", [observer, guard]);
  const check = (principal: P, call: Call): MaybePromise<boolean> => every(parts, principal, call);
  return composed(named({ title: guardTitle(guard) }, check), "observed", parts);
}

/** Passes where the guard refuses. It refuses what is neither `true` nor `false`. */
export function not<P>(guard: Guard<P>): Guard<P> {
  const [checked] = guardList("not", [guard]);
  const check = (principal: P, call: Call): MaybePromise<boolean> => {
    const answer = checked(principal, call);
    return isPromise(answer) ? answer.then(negated) : negated(answer);
  };
  return composed(named({ title: `not(${titles([guard])})` }, check), "not", [guard]);
}

// An answer that is neither true nor false is handed on as it is: turned into a false, a negation would let it pass.

function negated(answer: boolean): boolean {
  return typeof answer === "boolean" ? !answer : answer;
}

function every<P>(guards: readonly Guard<P>[], principal: P, call: Call): MaybePromise<boolean> {
  for (const [index, guard] of guards.entries()) {
    const answer = guard(principal, call);
    if (isPromise(answer)) {
      const rest = guards.slice(index + 1);
      return answer.then((settled) => (settled === true ? every(rest, principal, call) : settled));
    }
    if (answer !== true) return answer;
  }
  return true;
}

function some<P>(
  guards: readonly Guard<P>[],
  principal: P,
  call: Call,
  none: boolean,
): MaybePromise<boolean> {
  let refused = none;
  for (const [index, guard] of guards.entries()) {
    const answer = guard(principal, call);
    if (isPromise(answer)) {
      const rest = guards.slice(index + 1);
      return answer.then(
        (settled) => settled === true || some(rest, principal, call, settled === false ? refused : settled),
      );
    }
    if (answer === true) return true;
    if (answer !== false) refused = answer;
  }
  return refused;
}

function guardList<P>(
  owner: string,
  guards: readonly [Guard<P>, ...Guard<P>[]],
): readonly [Guard<P>, ...Guard<P>[]] {
  // Reachable from JavaScript: a misspelt import is undefined, and must not become a guard that is passed over.
  if (guards.some((guard) => typeof guard !== "function"))
    throw new TypeError(`${owner}() takes guards: functions`);
  return guards;
}

function titles<P>(guards: readonly Guard<P>[]): string {
  return guards.map(guardTitle).join(", ");
}

/** How a guard reads in a listing. */
export function guardTitle<P>({ title, name }: Guard<P>): string {
  return title ?? (name || "custom guard");
}
