import type { Call } from "../core/call.ts";
import { isPromise } from "../core/decision.ts";
import { statusOf } from "../core/denial.ts";
import { compositionOf, type Guard } from "../core/guard.ts";
import { compileRule, type Rule, titleOf } from "../core/policy.ts";
import type { Principal } from "../core/principal.ts";
import { needsRequest, requestShown } from "../core/request-guard.ts";

/**
 * - `passed`, `refused`: what the guard answers.
 * - `request`: it depends on the request, which is not there.
 * - `failed`: it throws, and the call would be `UNAVAILABLE`.
 */
export type Verdict = "passed" | "refused" | "request" | "failed";

/** One part of a rule. */
export interface ExplainedStep {
  /** 0 for the whole rule. */
  readonly depth: number;
  readonly title: string;
  readonly verdict: Verdict;
}

export interface Explanation {
  /** `request`: the headers are enough so far, and the rest depends on what is asked for. */
  readonly outcome: "allowed" | "denied" | "request";
  /** Why it is denied. */
  readonly reason: "CREDENTIALS_MISSING" | "PERMISSION_DENIED" | "UNAVAILABLE" | undefined;
  /** What the caller is told. */
  readonly message: string | undefined;
  /** Every part of the rule, each whole before its parts. */
  readonly steps: readonly ExplainedStep[];
}

/**
 * What a rule says to a caller whose credential is good, and what each part of it says. To tell of a rule that needs the
 * request, show that first, by `judgeRequest()`.
 */
export async function explain(
  rule: Rule<Principal> | undefined,
  principal: Principal | undefined,
  call: Call,
): Promise<Explanation> {
  if (rule === undefined) return denied("PERMISSION_DENIED", undefined, []);
  if (rule === "open" || (rule === "optional" && principal === undefined))
    return allowed([whole(rule, "passed")]);
  if (principal === undefined) return denied("CREDENTIALS_MISSING", undefined, [whole(rule, "refused")]);
  if (typeof rule === "string") return allowed([whole(rule, "passed")]);
  const steps = await stepsOf(rule, 0, principal, call);
  const { guards, requestGuards } = compileRule(rule);
  for (const { check, denied: refusal } of [...guards, ...requestGuards]) {
    const verdict = await verdictOf(check, principal, call);
    if (verdict === "refused") return denied("PERMISSION_DENIED", refusal.denial.message, steps);
    if (verdict === "failed") return denied("UNAVAILABLE", undefined, steps);
    if (verdict === "request") return { outcome: "request", reason: undefined, message: undefined, steps };
  }
  return allowed(steps);
}

async function stepsOf(
  guard: Guard<Principal>,
  depth: number,
  principal: Principal,
  call: Call,
): Promise<readonly ExplainedStep[]> {
  const composition = compositionOf(guard);
  // What only looks on, or only has another text, is no part of what is asked.
  const [asked] = composition?.kind === "observed" ? composition.parts.slice(1) : (composition?.parts ?? []);
  if (asked !== undefined && titleOf(asked) === titleOf(guard)) return stepsOf(asked, depth, principal, call);
  const steps = [{ depth, title: titleOf(guard), verdict: await verdictOf(guard, principal, call) }];
  for (const part of composition?.parts ?? [])
    steps.push(...(await stepsOf(part, depth + 1, principal, call)));
  return steps;
}

async function verdictOf(guard: Guard<Principal>, principal: Principal, call: Call): Promise<Verdict> {
  if (needsRequest(guard) && !requestShown(call)) return withoutRequest(guard, principal, call);
  try {
    const answer = guard(principal, call);
    return (isPromise(answer) ? await answer : answer) === true ? "passed" : "refused";
  } catch {
    return "failed";
  }
}

/** A conjunction is refused by any part of it that is, whatever the request. */
async function withoutRequest(guard: Guard<Principal>, principal: Principal, call: Call): Promise<Verdict> {
  const composition = compositionOf(guard);
  if (composition?.kind !== "allOf" && composition?.kind !== "observed") return "request";
  const verdicts = await Promise.all(composition.parts.map((part) => verdictOf(part, principal, call)));
  return verdicts.find((verdict) => verdict === "refused" || verdict === "failed") ?? "request";
}

function whole(rule: Rule<Principal>, verdict: Verdict): ExplainedStep {
  return { depth: 0, title: titleOf(rule), verdict };
}

function allowed(steps: Explanation["steps"]): Explanation {
  return { outcome: "allowed", reason: undefined, message: undefined, steps };
}

function denied(
  reason: NonNullable<Explanation["reason"]>,
  message: string | undefined,
  steps: Explanation["steps"],
): Explanation {
  return { outcome: "denied", reason, message: message ?? statusOf[reason].message, steps };
}
