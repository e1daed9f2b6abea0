import type { CallContext } from "../context/call-context.ts";
import type { ServiceHandlers } from "../context/service-handlers.ts";
import type { Auth } from "../core/auth.ts";
import type { Call } from "../core/call.ts";
import { CallError, invalidArgument } from "../core/call-error.ts";
import type { MaybePromise } from "../core/decision.ts";
import { statusOf } from "../core/denial.ts";
import type { Principal } from "../core/principal.ts";
import type { RuleListing } from "../core/rule-book.ts";
import type { ExplainRequest, PolicyService } from "../gen/auth/v1/policy_service_pb.ts";
import { type Explanation, explain } from "../policy/explain.ts";
import type { ShadowReport } from "../policy/shadow.ts";

export interface PolicyServiceOptions {
  /** Whose policy it is. */
  readonly policy: Pick<Auth<Principal>, "rules" | "ruleOf">;
  /** A user as one who has just logged in, or `disabled`. Undefined for one who does not exist. */
  readonly principal: (userId: string) => MaybePromise<Principal | "disabled" | undefined>;
  /** What the candidate policy has come to, where there is one. */
  readonly shadow: (() => ShadowReport) | undefined;
}

/** `auth.v1.PolicyService`: the rules in force, what they say to a user, and what a candidate would. */
export function createPolicyService(options: PolicyServiceOptions): ServiceHandlers<typeof PolicyService> {
  const { policy, shadow } = options;
  return {
    listRules: () => ({ rules: policy.rules().map(ruleMessage) }),
    explain: (request, context) => explained(options, request, context),
    listShadowDifferences() {
      if (shadow === undefined) throw new CallError("FAILED_PRECONDITION", "There is no candidate policy");
      const { same, undecided, differences } = shadow();
      return {
        same: BigInt(same),
        undecided: BigInt(undecided),
        differences: differences.map(({ calls, userIds, ...rest }) => ({
          ...rest,
          calls: BigInt(calls),
          userIds: userIds.map((userId) => userId ?? ""),
        })),
      };
    },
  };
}

async function explained(
  { policy, principal: load }: PolicyServiceOptions,
  { userId, procedure }: ExplainRequest,
  { call }: CallContext,
) {
  if (procedure.length > 512)
    throw invalidArgument({ field: "procedure", description: "at most 512 characters" });
  const rule = policy.rules().find((listing) => listing.procedure === procedure);
  if (rule === undefined) throw new CallError("NOT_FOUND", "No such RPC");
  const principal = userId === 0n ? undefined : await load(String(userId));
  if (principal === undefined && userId !== 0n) throw new CallError("NOT_FOUND", "No such user");
  const asked: Call = { ...aside(call), procedure };
  const inForce = policy.ruleOf(procedure);
  const answer =
    principal === "disabled" && inForce !== "open"
      ? disabled
      : await explain(inForce, active(principal), asked);
  const { outcome, reason = "", message = "", steps } = answer;
  return { rule: ruleMessage(rule), outcome, reason, message, steps: [...steps] };
}

function active(principal: Principal | "disabled" | undefined): Principal | undefined {
  return principal === "disabled" ? undefined : principal;
}

const disabled = {
  outcome: "denied",
  reason: "USER_DISABLED",
  message: statusOf.USER_DISABLED.message,
  steps: [],
} as const satisfies Record<keyof Explanation, unknown>;

/** The call as the one that is asked about might come: without anything that the asking one carries. */
function aside({ protocol, signal }: Call): Omit<Call, "procedure"> {
  return { protocol, signal, header: () => [], peer: { address: undefined } };
}

function ruleMessage({ procedure, rule, source, origin }: RuleListing) {
  return { procedure, rule, source, origin: origin ?? (source === "table" ? "code" : "") };
}
