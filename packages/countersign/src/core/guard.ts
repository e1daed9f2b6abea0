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

/**
 * The guards of each conjunction, so that the one that refused can tell its own message. Not a property of the guard:
 * a wrapper that copies the properties of what it wraps would be passed over in favour of the parts.
 */
const conjunctions = new WeakMap<object, unknown>();

/** The guards that `allOf` was given; undefined for any other guard. */
export function partsOf<P>(guard: Guard<P>): readonly Guard<P>[] | undefined {
  return conjunctions.get(guard) as readonly Guard<P>[] | undefined;
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
  const conjunction = named({ title: `allOf(${titles(parts)})` }, check);
  conjunctions.set(conjunction, parts);
  return conjunction;
}

/** One guard must pass; they are asked in order. Where none does, the caller is told what the first one asks for. */
export function anyOf<P>(first: Guard<P>, ...rest: readonly Guard<P>[]): Guard<P> {
  const parts = guardList("anyOf", [first, ...rest]);
  const title = `anyOf(${titles(parts)})`;
  const { denialMessage } = first;
  const text = denialMessage === undefined ? { title } : { title, denialMessage };
  return named(text, (principal, call) => some(parts, principal, call, false));
}

/** Passes where the guard refuses. It refuses what is neither `true` nor `false`. */
export function not<P>(guard: Guard<P>): Guard<P> {
  const [checked] = guardList("not", [guard]);
  return named({ title: `not(${titles([guard])})` }, (principal: P, call: Call) => {
    const answer = checked(principal, call);
    return isPromise(answer) ? answer.then(negated) : negated(answer);
  });
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
  return guards.map((guard) => guard.title ?? guard.name ?? "custom guard").join(", ");
}
