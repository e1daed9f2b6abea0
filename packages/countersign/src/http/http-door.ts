import { CallContext, runInCall } from "../context/call-context.ts";
import type { Auth } from "../core/auth.ts";
import type { Authenticator } from "../core/authenticator.ts";
import type { Call } from "../core/call.ts";
import { type Allowed, andThen, type Decision, type Denied, type MaybePromise } from "../core/decision.ts";
import type { Denial } from "../core/denial.ts";
import type { FollowedCall } from "../core/followed-call.ts";
import { requireKnown } from "../core/known-options.ts";
import type { Principal } from "../core/principal.ts";
import type { RouteGuards, RouteRule } from "../core/route-rule.ts";
import type { UserAccount, UserSource } from "../core/user.ts";
import { type Cors, type CorsOptions, createCors } from "./cors.ts";
import { failureError, type JsonError, thrownError, toldBy } from "./json-error.ts";

/** What every door of plain HTTP takes. */
export interface HttpAuthOptions<P extends Principal, U extends UserAccount> {
  /** Where `context.user()` reads the caller's account. */
  readonly users?: UserSource<U>;
  /** What a route needs that says nothing itself. Default: the mode of the `Auth`; without one, such a route stops the start. */
  readonly guards?: RouteGuards<P>;
  /** Default: no page of another origin may read an answer. */
  readonly cors?: CorsOptions;
  /** Told of what a handler threw that was not meant for the caller. Default: `console.error`. */
  readonly onError?: (error: unknown, procedure: string) => void;
}

/** What a rule about the request is shown. */
export interface HttpMessage {
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, unknown>>;
  /** As the framework has parsed it; undefined where there is none. */
  readonly body: unknown;
}

/** A request that was admitted. */
export interface Admission<P extends Principal, U extends UserAccount> {
  readonly ok: true;
  readonly context: CallContext<P, U>;
  readonly decision: Allowed<P>;
}

/** What all doors of plain HTTP have in common. It knows no framework. */
export class HttpDoor<P extends Principal, U extends UserAccount> {
  readonly cors: Cors;
  readonly #auth: Auth<P>;
  readonly #options: HttpAuthOptions<P, U>;
  /** By the framework's request object: nothing that a client sends can put an identity here. */
  readonly #contexts = new WeakMap<object, CallContext<P, U>>();
  readonly #followed = new WeakMap<object, FollowedCall<P>>();

  /** `more`: names of options that the adapter has beside these. */
  constructor(auth: Auth<P>, options: HttpAuthOptions<P, U>, more: readonly string[] = []) {
    requireKnown("an HTTP door", options, [...doorOptions, ...more]);
    this.#auth = auth;
    this.#options = options;
    this.cors = createCors(options.cors);
  }

  /**
   * Throws a `TypeError` that names the route if there is no rule for it, or one that needs a request which the door does not
   * see, and for authenticators that are none.
   */
  declare(procedure: string, rule: RouteRule<P>, decoded = false): void {
    requireKnown(procedure, rule, ruleOptions);
    const { auth, guards } = rule;
    if (auth !== undefined) requireAuthenticators(procedure, auth);
    this.#auth.serveRoute(procedure, { auth, guards, decoded, otherwise: this.#options.guards });
  }

  /**
   * Begins to follow a request for `onCallEnd`: before it is decided about. The adapter sends its id back and says how the
   * answer ended. Undefined where nobody wants to know, and for the second route of one request: the first tells of both.
   */
  follow(call: Call, request: object): FollowedCall<P> | undefined {
    if (this.#followed.has(request)) return undefined;
    const followed = this.#auth.follow?.(call);
    if (followed !== undefined) this.#followed.set(request, followed);
    return followed;
  }

  /** Decides on the headers. */
  admit(call: Call, request: object): MaybePromise<Admission<P, U> | Denied> {
    return andThen(this.#auth.decide(call), (decision) => {
      this.#followed.get(request)?.decided(decision);
      if (!decision.ok) return decision;
      const context = new CallContext<P, U>(call, decision, this.#options.users);
      this.#contexts.set(request, context);
      return { ok: true, context, decision };
    });
  }

  needsRequest(procedure: string): boolean {
    return this.#auth.needsRequest(procedure);
  }

  /** The rule's last word, on what was asked for. */
  judge(admission: Admission<P, U>, request: object, message: HttpMessage): MaybePromise<Decision<P>> {
    const { context, decision } = admission;
    return andThen(this.#auth.judgeRequest(context.call, decision, message), (judged) => {
      this.#followed.get(request)?.decided(judged);
      return judged;
    });
  }

  /** Calls `end` once, when the caller no longer may. Returns the way to stop. */
  watch(admission: Admission<P, U>, request: object, end: (denial: Denial) => void): () => void {
    const { context, decision } = admission;
    return this.#auth.watch(context.call, decision, (denial) => {
      this.#followed.get(request)?.decided({ ok: false, denial });
      end(denial);
    });
  }

  /** Runs what answers an admitted request, in its call. */
  enter<T>({ context }: Admission<P, U>, request: object, run: () => T): T {
    this.#followed.get(request)?.receivedMessage();
    return runInCall(context as CallContext, run);
  }

  /** The context of a request, inside its handler. */
  context(request: object): CallContext<P, U> {
    const context = this.#contexts.get(request);
    if (context === undefined) throw new TypeError("this request did not pass a guard of this door");
    return context;
  }

  /** What a handler threw, if it was meant for the caller. */
  refusal(thrown: unknown, request: object): JsonError | undefined {
    const known = thrownError(thrown);
    if (known !== undefined) this.#followed.get(request)?.refused(toldBy(known)[1]);
    return known;
  }

  /** The same; what was not meant for the caller is told to `onError`, and hidden. */
  failure(thrown: unknown, procedure: string, request: object): JsonError {
    const known = this.refusal(thrown, request);
    if (known !== undefined) return known;
    // A logger that fails changes nothing for the caller.
    try {
      const pending: unknown = (this.#options.onError ?? logError)(thrown, procedure);
      if (pending instanceof Promise) pending.catch(() => {});
    } catch {}
    return failureError(thrown);
  }
}

const doorOptions = ["users", "guards", "cors", "onError"];
const ruleOptions = ["auth", "guards", "body"];

/** Reachable from JavaScript. */
function requireAuthenticators(procedure: string, given: unknown): void {
  const isOne = (each: unknown): boolean =>
    typeof (each as Partial<Authenticator<unknown>> | null | undefined)?.start === "function";
  if (!Array.isArray(given) || given.length === 0 || !given.every(isOne))
    throw new TypeError(`the authenticators of ${procedure} are a list of at least one, as jwt() makes them`);
}

function logError(error: unknown, procedure: string): void {
  console.error(`countersign: ${procedure} failed:`, error);
}
