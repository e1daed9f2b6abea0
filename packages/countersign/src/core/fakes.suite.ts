import type { Authenticate, Authenticator, AuthRuntime } from "./authenticator.ts";
import type { Call } from "./call.ts";
import { type Allowed, allow, type Decision, isPromise, type MaybePromise } from "./decision.ts";
import type { Reason } from "./denial.ts";
import type { Principal } from "./principal.ts";

export { fakeCall, fakePrincipal as principal } from "../testing/fake-call.ts";

type Answer = ReturnType<Authenticate<Principal>>;

export interface FakeOptions {
  readonly name?: string;
  readonly header?: string;
  readonly unrecognized?: Reason;
  readonly missingMessage?: string;
  readonly challenge?: string;
}

/** An authenticator that answers what a test says, by header value. Anything else it does not recognise. */
export function fakeAuthenticator(
  answer: (value: string, runtime: AuthRuntime, call: Call) => Answer,
  options: FakeOptions = {},
): Authenticator<Principal> {
  const {
    name = "fake",
    header = "x-fake",
    unrecognized = "TOKEN_INVALID",
    challenge = "Fake",
    ...rest
  } = options;
  return {
    name,
    header,
    challenge,
    ...rest,
    unrecognized: () => unrecognized,
    start: (runtime) => (value, call) => answer(value, runtime, call),
  };
}

/** Lets in whoever is named in the header. */
export function byName(
  people: Readonly<Record<string, Principal>>,
  options: FakeOptions = {},
): Authenticator<Principal> {
  return fakeAuthenticator((value) => {
    const found = people[value];
    return found === undefined ? undefined : allow(found, options.name ?? "fake");
  }, options);
}

/** The decision, which must have been there at once. */
export function atOnce<P>(decision: MaybePromise<Decision<P>>): Decision<P> {
  if (isPromise(decision)) throw new Error("the decision is a promise");
  return decision;
}

/** An admission, or an error with the reason. */
export function admitted<P>(decision: Decision<P>): Allowed<P> {
  if (!decision.ok) throw new Error(`refused: ${decision.denial.reason}`);
  return decision;
}

/** The reason of a refusal; "ok" for an admission. */
export function reasonOf(decision: Decision<unknown>): Reason | "ok" {
  return decision.ok ? "ok" : decision.denial.reason;
}
