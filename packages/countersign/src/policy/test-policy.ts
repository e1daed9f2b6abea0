import { createAuth } from "../core/auth.ts";
import type { Call } from "../core/call.ts";
import { allow, type Decision } from "../core/decision.ts";
import type { Mode, RuleTable } from "../core/policy.ts";
import type { Principal } from "../core/principal.ts";

/** A call, as somebody. */
export interface PolicyTestCall {
  readonly procedure: string;
  /** Undefined for an anonymous call. */
  readonly principal: Principal | undefined;
  /** The decoded request. Without it, a rule that needs one answers `request`. */
  readonly request?: { readonly message: unknown };
  readonly protocol?: Call["protocol"];
  readonly peerAddress?: string;
}

/** What a policy says to a call: `allowed`, the reason of its refusal, or `request` where one is needed and not given. */
export type PolicyAnswer = "allowed" | "request" | (string & {});

/** Asks a policy without a transport: through the same `createAuth` that a server asks. */
export function policyTester(
  policy: readonly RuleTable<Principal>[],
  { mode }: { readonly mode?: Mode | undefined } = {},
): (call: PolicyTestCall) => Promise<PolicyAnswer> {
  return async ({ procedure, principal, request, protocol = "grpc", peerAddress }) => {
    const auth = createAuth<Principal>({ authenticators: [whoever(principal)], policy, mode });
    const call: Call = {
      protocol,
      procedure,
      header: () => (principal === undefined ? [] : ["whoever"]),
      peer: { address: peerAddress },
      signal: new AbortController().signal,
    };
    const decision = await auth.decide(call);
    if (!decision.ok || !auth.needsRequest(procedure)) return answerOf(decision);
    return request === undefined
      ? "request"
      : answerOf(await auth.judgeRequest(call, decision, request.message));
  };
}

function whoever(principal: Principal | undefined) {
  return {
    name: principal?.authenticator ?? "none",
    header: "authorization",
    challenge: "Test",
    unrecognized: () => "TOKEN_INVALID" as const,
    start: () => () => (principal === undefined ? undefined : allow(principal, principal.authenticator)),
  };
}

function answerOf(decision: Decision<Principal>): PolicyAnswer {
  return decision.ok ? "allowed" : decision.denial.reason;
}
