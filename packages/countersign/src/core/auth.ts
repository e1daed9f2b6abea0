import type { Authenticator } from "./authenticator.ts";
import type { NamedCache } from "./cache-readings.ts";
import type { Call } from "./call.ts";
import { chainMaker, challengesOf, type Slot, type Started } from "./chain.ts";
import { type Allowed, anonymous, type Decision, deny, isPromise, type MaybePromise } from "./decision.ts";
import type { Denial, Reason } from "./denial.ts";
import { type EndedCall, type FollowedCall, following } from "./followed-call.ts";
import {
  againWithRequest,
  byAuthenticator,
  deciding,
  guarded,
  noRule,
  requestJudge,
  tellingOnce,
  unavailable,
} from "./judge.ts";
import type { CallLimiter, CredentialThrottle } from "./limit.ts";
import { nothingRevoked } from "./nothing-revoked.ts";
import { OpenCalls } from "./open-calls.ts";
import type { CompiledRule, Mode, Rule, RuleTable } from "./policy.ts";
import type { RevocationView } from "./revocation.ts";
import type { RoleDirectory } from "./role-directory.ts";
import { type Door, type Route, RuleBook, type RuleListing } from "./rule-book.ts";
import type { Renewer, StreamRenewal } from "./stream-renewal.ts";

export interface AuthOptions<P> {
  /** Each header's authenticators are asked in this order; the first that recognises the credential decides. */
  readonly authenticators: readonly [Authenticator<P>, ...Authenticator<P>[]];
  /** Tables made by `policyFor()`. A procedure that none mentions is refused, unless a mode is set. */
  readonly policy: readonly RuleTable<P>[];
  /** Which rule an RPC gets that has none. Default: none, and such an RPC stops the start. */
  readonly mode?: Mode | undefined;
  /** Procedures that are open besides health checks, by full name: `/package.Service/Method`. */
  readonly publicProcedures?: readonly string[];
  /** What was revoked. Default: an empty view of this `Auth`'s own. */
  readonly revocations?: RevocationView;
  /** What roles stand for (`createRoleDirectory()`). Default: nothing; permissions are those of the account itself. */
  readonly roles?: RoleDirectory | undefined;
  /** How often callers may call (`createLimiter()`). Default: as often as they like. */
  readonly limits?: CallLimiter<P> | undefined;
  /** Keeps bad credentials from costing much (`createCredentialThrottle()`). Default: each is verified. */
  readonly throttle?: CredentialThrottle | undefined;
  /** Called once per decision, for logs, metrics and counters. What it throws is ignored. */
  readonly onDecision?: (decision: Decision<P>, call: Call) => void;
  /**
   * Called once for each call when it is over, refused or served: for request logs and metrics. What it throws is
   * ignored. It is called on the hot path and must not wait. Adapters measure calls, and send `x-request-id`, only
   * where this is given.
   */
  readonly onCallEnd?: (ended: EndedCall<P>) => void;
  /** Milliseconds since the epoch. Default: `Date.now`. */
  readonly now?: () => number;
}

/** The one place where calls are admitted or refused. */
export interface Auth<P> {
  /** Synchronous whenever it can be. Never throws and never rejects: what goes wrong inside is `UNAVAILABLE`. */
  decide(call: Call): MaybePromise<Decision<P>>;
  /**
   * Keeps asking about a call that was admitted, for as long as it is open: when its credential ends and whenever
   * something is revoked. Calls `end` once, when the answer is no. Returns the way to stop.
   */
  watch(call: Call, admitted: Allowed<P>, end: (denial: Denial) => void): () => void;
  /**
   * Lets a stream of the caller's that is open go on with the credential of another call of the same caller: the same
   * user, session and key. The stream has the id that its own `x-countersign-stream` named. It is decided anew, and goes on
   * until the later one of the two credentials ends. Undefined: the caller has no such stream here. Never throws.
   */
  renewStream(streamId: string, renewer: Renewer<P>): MaybePromise<StreamRenewal | undefined>;
  /**
   * Does the rule need the decoded request? Then `decide()` answers for the headers only, and what it admits is still to
   * be judged by `judgeRequest()` before the handler runs. For adapters.
   */
  needsRequest(procedure: string): boolean;
  /**
   * Asks those guards of the rule that need the request. To be called by adapters with the message, once it is decoded
   * and before the handler. Never throws and never rejects. A call whose rule needs no request passes as it is.
   */
  judgeRequest(call: Call, admitted: Allowed<P>, message: unknown): MaybePromise<Decision<P>>;
  /** Begins to follow a call for `onCallEnd`: for adapters, once for each call. Undefined where nobody wants to know. */
  readonly follow: ((call: Call) => FollowedCall<P>) | undefined;
  /**
   * Declares what a server serves, and how. Throws a `TypeError` that lists the procedures without a rule, and those
   * whose rule needs a request that the server does not hand to `judgeRequest()`.
   */
  serve(procedures: Iterable<string>, door?: Door): void;
  /**
   * Declares a route of plain HTTP, with the rule and the authenticators that stand beside it. Throws a `TypeError`
   * where there is no rule for it, or two. For adapters.
   */
  serveRoute(procedure: string, route: Route<P>): void;
  /** To be called when everything is registered. Throws a `TypeError` that lists rules of what is not served. */
  seal(): void;
  /** Every rule in force. */
  rules(): readonly RuleListing[];
  /** The rule of a procedure, as it is in force. */
  ruleOf(procedure: string): Rule<P> | undefined;
  /** Who is asked who calls a procedure: those of its route, or those of this `Auth`. For documents such as OpenAPI. */
  authenticatorsOf(procedure: string): readonly Authenticator<P>[];
  /** What authenticators remember, to be measured. */
  caches(): readonly NamedCache[];
}

type Judged<P> = MaybePromise<Decision<P>>;

/** Builds an `Auth`. Throws a `TypeError` for what only a programmer's mistake can be. */
export function createAuth<P>(options: AuthOptions<P>): Auth<P> {
  const { authenticators, policy, now = Date.now, revocations = nothingRevoked, ...more } = options;
  const { mode, publicProcedures = [], roles, limits, throttle, onDecision, onCallEnd, ...stray } = more;
  // Reachable from JavaScript: a name that is mistyped must not leave the default in force.
  for (const name in stray) throw new TypeError(`createAuth() takes no ${name}`);
  const caches: NamedCache[] = [];
  const chainOf = chainMaker<P>({ revocations, now, roles, throttle }, caches);
  const standard = chainOf(authenticators);
  const book = new RuleBook<P>({ tables: policy, mode, publicProcedures, chainOf });
  const chain = (procedure: string) => book.find(procedure)?.chain ?? standard;
  const credentialHeaders = (procedure: string) => chain(procedure).slots.map(({ header }) => header);
  const again = againWithRequest(book, judge);
  const openCalls = new OpenCalls<P>({ evaluate: again, revocations, credentialHeaders, now });
  const watch = openCalls.watch.bind(openCalls);
  const decide = deciding({ rules: book, evaluate: judge, limits, throttle, revocations, openCalls });

  return Object.freeze({
    decide: onDecision === undefined ? decide : tellingOnce(book, decide, onDecision),
    judgeRequest: requestJudge(book, { tell: onDecision, limits }),
    watch: throttle === undefined ? watch : sparing(throttle, watch),
    renewStream: openCalls.renew.bind(openCalls),
    ...policyOf(book, limits),
    authenticatorsOf: (procedure: string) => chain(procedure).definitions,
    caches: () => caches,
    follow: following(book, now, onCallEnd),
  });

  function judge(call: Call): MaybePromise<Decision<P>> {
    try {
      const rule = book.find(call.procedure);
      if (rule === undefined) return noRule;
      if (rule.admits === "everyone") return anonymous;
      const { slots, ofConnections, missing, ambiguous } = rule.chain ?? standard;

      // No credential is split and none is preferred: two of them are refused.
      let slot: Slot<P> | undefined;
      let value = "";
      for (const candidate of slots) {
        const values = call.header(candidate.header);
        if (values.length === 0) continue;
        if (values.length > 1 || slot !== undefined) return ambiguous;
        slot = candidate;
        value = values[0] ?? "";
      }
      const none = rule.admits === "anonymous" ? anonymous : missing;
      const verified =
        slot === undefined ? fromConnection(ofConnections, call, none) : authenticate(slot, value, call);
      return isPromise(verified)
        ? verified.then((decision) => conclude(decision, rule, value, call)).catch(unavailable)
        : conclude(verified, rule, value, call);
    } catch (cause) {
      return unavailable(cause);
    }
  }

  function conclude(decision: Decision<P>, rule: CompiledRule<P>, value: string, call: Call): Judged<P> {
    // A repeated header that the transport joined. Looked for here, since no credential with a comma is accepted.
    if (!decision.ok) return value.includes(",") ? (rule.chain ?? standard).ambiguous : decision;
    return rule.guards.length === 0 ? decision : guarded(decision, rule.guards, 0, call);
  }
}

/** What an `Auth` tells of its rules, and takes in. */
function policyOf<P>(book: RuleBook<P>, limits: CallLimiter<P> | undefined) {
  return {
    needsRequest: (procedure: string) => book.needsRequest(procedure),
    serve: (procedures: Iterable<string>, door?: Door) => book.serve(procedures, door),
    serveRoute: (procedure: string, route: Route<P>) => book.serveRoute(procedure, route),
    seal: () => {
      book.seal();
      limits?.seal(book.served());
    },
    rules: () => book.list(),
    ruleOf: (procedure: string) => book.ruleOf(procedure),
  };
}

/** What others send must not end a call that is open. */
function sparing<P>(throttle: CredentialThrottle, watch: Auth<P>["watch"]): Auth<P>["watch"] {
  return (call, admitted, end) => {
    throttle.spare(call);
    return watch(call, admitted, end);
  };
}

function authenticate<P>(slot: Slot<P>, value: string, call: Call): MaybePromise<Decision<P>> {
  for (const candidate of slot.authenticators) {
    const decision = candidate.authenticate(value, call);
    if (decision === undefined) continue;
    const { name } = candidate.definition;
    if (isPromise(decision)) return decision.then((settled) => byAuthenticator(settled, name));
    return decision.ok ? decision : byAuthenticator(decision, name);
  }
  const [first] = slot.authenticators;
  const reason: Reason = first?.definition.unrecognized(value) ?? "CREDENTIALS_MALFORMED";
  return deny(reason, { challenges: challengesOf(slot.authenticators.map(({ definition }) => definition)) });
}

/** Nobody chooses what a connection brings for one call: what stands for nobody counts as no credential. */
function fromConnection<P>(
  authenticators: readonly Started<P>[],
  call: Call,
  none: Decision<P>,
): MaybePromise<Decision<P>> {
  let nobody = none;
  for (const candidate of authenticators) {
    const decision = candidate.authenticate("", call);
    if (decision === undefined) continue;
    if (isPromise(decision)) return decision.then((settled) => orNone(settled, none));
    if (decision.ok || decision.denial.reason !== "CREDENTIALS_MISSING") return decision;
    nobody = orNone(decision, none);
  }
  return nobody;
}

function orNone<P>(decision: Decision<P>, none: Decision<P>): Decision<P> {
  if (decision.ok || decision.denial.reason !== "CREDENTIALS_MISSING") return decision;
  return none.ok ? none : deny("CREDENTIALS_MISSING", { ...none.denial, cause: decision.denial.cause });
}
