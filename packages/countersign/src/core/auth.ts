import type { Authenticate, Authenticator, AuthRuntime } from "./authenticator.ts";
import type { CacheReadings, NamedCache } from "./cache-readings.ts";
import type { Call } from "./call.ts";
import {
  type Allowed,
  anonymous,
  type Decision,
  type Denied,
  deny,
  isPromise,
  type MaybePromise,
} from "./decision.ts";
import type { Denial, Reason } from "./denial.ts";
import { againWithRequest, guarded, noRule, requestJudge, tellingOnce, unavailable } from "./judge.ts";
import { OpenCalls } from "./open-calls.ts";
import type { CompiledRule, Mode, Rule, RuleTable } from "./policy.ts";
import { createRevocations, type RevocationView } from "./revocation.ts";
import type { RoleDirectory } from "./role-directory.ts";
import { type Door, RuleBook, type RuleListing } from "./rule-book.ts";

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
  /** Called once per decision, for logs, metrics and counters. What it throws is ignored. */
  readonly onDecision?: (decision: Decision<P>, call: Call) => void;
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
   * Does the rule need the decoded request? Then `decide()` answers for the headers only, and what it admits is still to
   * be judged by `judgeRequest()` before the handler runs. For adapters.
   */
  needsRequest(procedure: string): boolean;
  /**
   * Asks those guards of the rule that need the request. To be called by adapters with the message, once it is decoded
   * and before the handler. Never throws and never rejects. A call whose rule needs no request passes as it is.
   */
  judgeRequest(call: Call, admitted: Allowed<P>, message: unknown): MaybePromise<Decision<P>>;
  /**
   * Declares what a server serves, and how. Throws a `TypeError` that lists the procedures without a rule, and those
   * whose rule needs a request that the server does not hand to `judgeRequest()`.
   */
  serve(procedures: Iterable<string>, door?: Door): void;
  /** To be called when everything is registered. Throws a `TypeError` that lists rules of what is not served. */
  seal(): void;
  /** Every rule in force. */
  rules(): readonly RuleListing[];
  /** The rule of a procedure, as it is in force. */
  ruleOf(procedure: string): Rule<P> | undefined;
  /** What authenticators remember, to be measured. */
  caches(): readonly NamedCache[];
}

interface Started<P> {
  readonly definition: Authenticator<P>;
  readonly authenticate: Authenticate<P>;
}

type Judged<P> = MaybePromise<Decision<P>>;

/** The authenticators of one header. */
interface Slot<P> {
  readonly header: string;
  readonly authenticators: readonly Started<P>[];
}

/** Builds an `Auth`. Throws a `TypeError` for what only a programmer's mistake can be. */
export function createAuth<P>(options: AuthOptions<P>): Auth<P> {
  const { authenticators, onDecision, now = Date.now, revocations = createRevocations() } = options;
  const { policy: tables, mode, publicProcedures = [], roles } = options;
  const book = new RuleBook<P>({ tables, mode, publicProcedures });
  const { slots, ofConnections, caches } = startAll(authenticators, { revocations, now, roles });
  const missing = missingCredential(authenticators);
  const ambiguous = deny("CREDENTIALS_AMBIGUOUS", { challenges: missing.denial.challenges });
  const openCalls = new OpenCalls<P>({ evaluate: againWithRequest(book, evaluate), revocations, now });

  return Object.freeze({
    decide: onDecision === undefined ? evaluate : tellingOnce(book, evaluate, onDecision),
    needsRequest: (procedure: string) => book.needsRequest(procedure),
    judgeRequest: requestJudge(book, onDecision),
    watch: openCalls.watch.bind(openCalls),
    serve: (procedures: Iterable<string>, door?: Door) => book.serve(procedures, door),
    seal: () => book.seal(),
    rules: () => book.list(),
    ruleOf: (procedure: string) => book.ruleOf(procedure),
    caches: () => caches,
  });

  function evaluate(call: Call): MaybePromise<Decision<P>> {
    const since = revocations.version;
    const decision = judge(call);
    // What was revoked while it was on its way is asked about when the call is watched.
    if (isPromise(decision)) openCalls.decidedSince(call, since);
    return decision;
  }

  function judge(call: Call): MaybePromise<Decision<P>> {
    try {
      const rule = book.find(call.procedure);
      if (rule === undefined) return noRule;
      if (rule.admits === "everyone") return anonymous;

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
      const verified =
        slot === undefined
          ? fromConnection(ofConnections, call, rule.admits === "anonymous" ? anonymous : missing)
          : authenticate(slot, value, call);
      return isPromise(verified)
        ? verified.then((decision) => conclude(decision, rule, value, call)).catch(unavailable)
        : conclude(verified, rule, value, call);
    } catch (cause) {
      return unavailable(cause);
    }
  }

  function conclude(decision: Decision<P>, rule: CompiledRule<P>, value: string, call: Call): Judged<P> {
    // A repeated header that the transport joined. Looked for here, since no credential with a comma is accepted.
    if (!decision.ok) return value.includes(",") ? ambiguous : decision;
    return rule.guards.length === 0 ? decision : guarded(decision, rule.guards, 0, call);
  }
}

function authenticate<P>(slot: Slot<P>, value: string, call: Call): MaybePromise<Decision<P>> {
  for (const candidate of slot.authenticators) {
    const decision = candidate.authenticate(value, call);
    if (decision !== undefined) return decision;
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

interface AllStarted<P> {
  readonly slots: readonly Slot<P>[];
  /** Those that read no header. */
  readonly ofConnections: readonly Started<P>[];
  readonly caches: readonly NamedCache[];
}

function startAll<P>(
  authenticators: readonly Authenticator<P>[],
  runtime: Omit<AuthRuntime, "sole" | "onCache">,
): AllStarted<P> {
  if (authenticators.length === 0) throw new TypeError("createAuth() needs at least one authenticator");
  const caches: NamedCache[] = [];
  const readers = (header: string | undefined): readonly Started<P>[] => {
    const found = authenticators.filter((definition) => definition.header === header);
    const sole = found.length === 1;
    return found.map((definition) => {
      const onCache = (readings: CacheReadings): void => {
        caches.push({ authenticator: definition.name, readings });
      };
      return { definition, authenticate: definition.start({ ...runtime, sole, onCache }) };
    });
  };
  const headers = authenticators.map(({ header }) => header).filter((header) => header !== undefined);
  for (const header of headers) requireHeaderName(header);
  return {
    slots: [...new Set(headers)].map((header) => ({ header, authenticators: readers(header) })),
    ofConnections: readers(undefined),
    caches,
  };
}

function requireHeaderName(header: string): void {
  if (!/^[a-z0-9!#$%&'*+.^_`|~-]+$/.test(header))
    throw new TypeError(`"${header}" is no header name in lower case`);
  if (header.endsWith("-bin"))
    throw new TypeError(`"${header}" is a binary header, which no credential can be`);
}

function challengesOf<P>(authenticators: readonly Authenticator<P>[]): readonly string[] {
  const challenges = authenticators.map(({ challenge }) => challenge);
  return [...new Set(challenges.filter((challenge) => challenge !== undefined))];
}

function missingCredential<P>(authenticators: readonly Authenticator<P>[]): Denied {
  const challenges = challengesOf(authenticators);
  const messages = new Set(authenticators.map(({ missingMessage }) => missingMessage));
  const [message] = messages;
  return deny(
    "CREDENTIALS_MISSING",
    messages.size === 1 && message !== undefined ? { challenges, message } : { challenges },
  );
}
