import type { Call } from "./call.ts";
import {
  type Allowed,
  andThen,
  type Decision,
  type Denied,
  deny,
  isPromise,
  type MaybePromise,
} from "./decision.ts";
import { type CallLimiter, type CredentialThrottle, counted, throttled } from "./limit.ts";
import type { OpenCalls } from "./open-calls.ts";
import type { CompiledGuard } from "./policy.ts";
import { requestShown, showRequest } from "./request-guard.ts";
import type { RevocationView } from "./revocation.ts";
import type { RuleBook } from "./rule-book.ts";

type Rules<P> = Pick<RuleBook<P>, "find" | "needsRequest">;
type Evaluate<P> = (call: Call) => MaybePromise<Decision<P>>;
type Tell<P> = (decision: Decision<P>, call: Call) => void;

export const noRule = deny("PERMISSION_DENIED", { cause: "no rule for this procedure" });

export function unavailable(cause: unknown): Denied {
  return deny("UNAVAILABLE", { cause });
}

/** Asks guards in order, from one of them on. */
export function guarded<P>(
  admitted: Allowed<P>,
  guards: readonly CompiledGuard<P>[],
  from: number,
  call: Call,
): MaybePromise<Decision<P>> {
  for (let index = from; index < guards.length; index++) {
    const guard = guards[index];
    if (guard === undefined || admitted.principal === undefined) return noRule;
    const answer = guard.check(admitted.principal, call);
    if (isPromise(answer)) {
      return answer
        .then((settled) =>
          settled === true ? guarded(admitted, guards, index + 1, call) : ofCaller(guard.denied, admitted),
        )
        .catch(unavailable);
    }
    if (answer !== true) return ofCaller(guard.denied, admitted);
  }
  return admitted;
}

/** The refusal of a caller who is known. For logs. */
function ofCaller<P>({ denial }: Denied, { principal, authenticator }: Allowed<P>): Denied {
  const { userId, tenantId, apiKey } = Object(principal) as {
    userId?: unknown;
    tenantId?: unknown;
    apiKey?: { id?: unknown };
  };
  const subject = {
    ...(typeof userId === "string" && { userId }),
    ...(typeof tenantId === "string" && { tenantId }),
    ...(typeof apiKey?.id === "string" && { apiKeyId: apiKey.id }),
  };
  const by = authenticator === undefined ? {} : { authenticator };
  return Object.freeze({ ok: false, denial: Object.freeze({ ...denial, ...by, subject }) });
}

/** The refusal of a credential by the authenticator that recognised it. For logs. */
export function byAuthenticator<P>(decision: Decision<P>, authenticator: string): Decision<P> {
  if (decision.ok || decision.denial.authenticator !== undefined) return decision;
  return Object.freeze({ ok: false, denial: Object.freeze({ ...decision.denial, authenticator }) });
}

/** Tells an observer of a decision, once it is there. */
function observed<P>(
  decision: MaybePromise<Decision<P>>,
  call: Call,
  onDecision: (decision: Decision<P>, call: Call) => void,
): MaybePromise<Decision<P>> {
  if (isPromise(decision)) return decision.then((settled) => observed(settled, call, onDecision));
  try {
    const pending: unknown = onDecision(decision, call);
    if (isPromise(pending)) pending.then(undefined, () => {});
  } catch {
    // An observer must not be able to change or lose a decision, nor end the process with a rejection.
  }
  return decision;
}

export interface DecidingParts<P> {
  readonly rules: Rules<P>;
  readonly evaluate: Evaluate<P>;
  readonly limits: CallLimiter<P> | undefined;
  readonly throttle: CredentialThrottle | undefined;
  readonly revocations: RevocationView;
  readonly openCalls: Pick<OpenCalls<P>, "decidedSince">;
}

/** `decide()`. A call is counted when it comes, and not when it is asked about again because it is still open. */
export function deciding<P>(parts: DecidingParts<P>): Evaluate<P> {
  const { rules, evaluate, limits, throttle, revocations, openCalls } = parts;
  return (call) => {
    const since = revocations.version;
    let decision = evaluate(call);
    if (throttle !== undefined) decision = throttled(decision, call, throttle);
    // One that waits for its request is counted when that has passed, too.
    if (limits !== undefined && !rules.needsRequest(call.procedure))
      decision = counted(decision, call, limits);
    // What was revoked while it was on its way is asked about when the call is watched.
    if (isPromise(decision)) openCalls.decidedSince(call, since);
    return decision;
  };
}

/** `decide()` with an observer. An admission that waits for its request is told later: it is one decision, told once. */
export function tellingOnce<P>(rules: Rules<P>, evaluate: Evaluate<P>, tell: Tell<P>): Evaluate<P> {
  return (call) => {
    const decision = evaluate(call);
    if (!rules.needsRequest(call.procedure)) return observed(decision, call, tell);
    return andThen(decision, (settled) => (settled.ok ? settled : observed(settled, call, tell)));
  };
}

export interface RequestJudgeParts<P> {
  readonly tell: Tell<P> | undefined;
  readonly limits: CallLimiter<P> | undefined;
}

/** The second half of a decision: the guards that need the request, and then the limits. */
export function requestJudge<P>(
  rules: Rules<P>,
  { tell, limits }: RequestJudgeParts<P>,
): (call: Call, admitted: Allowed<P>, message: unknown) => MaybePromise<Decision<P>> {
  return (call, admitted, message) => {
    if (!rules.needsRequest(call.procedure)) return admitted;
    showRequest(call, message);
    const judged = judgeShown(rules, call, admitted);
    const decision = limits === undefined ? judged : counted(judged, call, limits);
    return tell === undefined ? decision : observed(decision, call, tell);
  };
}

/** Both halves, of a call that is open: with the request that it came with. */
export function againWithRequest<P>(rules: Rules<P>, evaluate: Evaluate<P>): Evaluate<P> {
  return (call) => {
    const decision = evaluate(call);
    if (!requestShown(call)) return decision;
    return andThen(decision, (settled) => (settled.ok ? judgeShown(rules, call, settled) : settled));
  };
}

function judgeShown<P>(rules: Rules<P>, call: Call, admitted: Allowed<P>): MaybePromise<Decision<P>> {
  try {
    const rule = rules.find(call.procedure);
    return rule === undefined ? noRule : guarded(admitted, rule.requestGuards, 0, call);
  } catch (cause) {
    return unavailable(cause);
  }
}
