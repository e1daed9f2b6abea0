import type { Call } from "../core/call.ts";
import { andThen, type Decision, isPromise, type MaybePromise } from "../core/decision.ts";
import type { Reason } from "../core/denial.ts";
import { type Guard, named, observedBy } from "../core/guard.ts";
import { type CompiledRule, compileRule, type Rule, type RuleTable } from "../core/policy.ts";
import type { Principal } from "../core/principal.ts";
import { requestShown } from "../core/request-guard.ts";

/** Calls of one RPC that a candidate policy would have answered differently. */
export interface ShadowDifference {
  readonly procedure: string;
  /** `breaks`: it is allowed, and would be refused. `opens`: the other way round. */
  readonly kind: "breaks" | "opens";
  readonly calls: number;
  /** Whose calls, in the order in which they were first seen; at most 20. Undefined stands for anonymous calls. */
  readonly userIds: readonly (string | undefined)[];
  /** Why it is refused: by the candidate, or now. */
  readonly reason: Reason;
}

export interface ShadowReport {
  readonly same: number;
  /** Where the candidate cannot say: its rule needs a request or a caller that the live one does not look at. */
  readonly undecided: number;
  readonly differences: readonly ShadowDifference[];
}

/** A candidate policy that is asked about each call beside the live one, and changes nothing. */
export interface Shadow {
  /** The live tables, to be given to `createAuth` instead: their guards remember who was asked about. */
  readonly policy: readonly RuleTable<Principal>[];
  /** To be called with each decision: `onDecision` of `createAuth`. Never throws. */
  readonly observe: (decision: Decision<Principal>, call: Call) => void;
  report(): ShadowReport;
}

export interface ShadowOptions {
  readonly live: readonly RuleTable<Principal>[];
  readonly candidate: readonly RuleTable<Principal>[];
  /** Told once for each caller of each RPC, of at most 20. What it throws is ignored. */
  readonly onDifference?: (
    difference: Omit<ShadowDifference, "calls" | "userIds"> & { readonly userId: string | undefined },
  ) => void;
}

const mostUsers = 20;

/** Compares a candidate with the live policy, call by call. What the candidate throws counts as undecided. */
export function createShadow(options: ShadowOptions): Shadow {
  const comparison = new Comparison(options);
  return {
    policy: options.live.map((table) => comparison.watched(table)),
    observe: (decision, call) => comparison.observe(decision, call),
    report: () => comparison.report(),
  };
}

type Answer = "allowed" | Reason | "undecided";

class Comparison {
  readonly #candidate: ReadonlyMap<string, CompiledRule<Principal>>;
  /** Those of the live policy; others, such as health checks, are not compared. `true`: authentication does not run. */
  readonly #live: ReadonlyMap<string, boolean>;
  readonly #onDifference: ShadowOptions["onDifference"];
  /** Who was asked about, where the live policy got as far as that. */
  readonly #callers = new WeakMap<Call, Principal>();
  readonly #differences = new Map<
    string,
    { calls: number; readonly userIds: Set<string | undefined>; readonly first: ShadowDifference }
  >();
  #same = 0;
  #undecided = 0;

  constructor({ live, candidate, onDifference }: ShadowOptions) {
    this.#live = new Map(
      live.flatMap((table) => [...table]).map(([procedure, rule]) => [procedure, rule === "open"]),
    );
    const rules = candidate.flatMap((table) => [...table]);
    this.#candidate = new Map(rules.map(([procedure, rule]) => [procedure, compileRule(rule)]));
    this.#onDifference = onDifference;
  }

  watched(table: RuleTable<Principal>): RuleTable<Principal> {
    const rules = [...table].map(([procedure, rule]) => [procedure, this.#watched(rule)] as const);
    return Object.assign(new Map(rules), table.origin === undefined ? {} : { origin: table.origin });
  }

  #watched(rule: Rule<Principal>): Rule<Principal> {
    if (typeof rule === "string") return rule;
    const remember: Guard<Principal> = named({ title: "shadow" }, (principal, call) => {
      this.#callers.set(call, principal);
      return true;
    });
    return observedBy(remember, rule);
  }

  observe(decision: Decision<Principal>, call: Call): void {
    if (!this.#live.has(call.procedure)) return;
    try {
      const live: Answer = decision.ok ? "allowed" : decision.denial.reason;
      const principal = decision.ok ? decision.principal : this.#callers.get(call);
      const answer = andThen(this.#ask(live, principal, call), (candidate) =>
        this.#count(live, candidate, principal, call),
      );
      if (isPromise(answer)) answer.then(undefined, () => (this.#undecided += 1));
    } catch {
      this.#undecided += 1;
    }
  }

  report(): ShadowReport {
    const differences = [...this.#differences.values()].map(({ first, calls, userIds }) => ({
      ...first,
      calls,
      userIds: [...userIds],
    }));
    return { same: this.#same, undecided: this.#undecided, differences };
  }

  #ask(live: Answer, principal: Principal | undefined, call: Call): MaybePromise<Answer> {
    const rule = this.#candidate.get(call.procedure);
    if (rule === undefined) return "PERMISSION_DENIED";
    if (rule.admits === "everyone") return "allowed";
    if (this.#live.get(call.procedure) === true) return "undecided";
    // A bad credential is refused by both; and what failed says nothing of either.
    if (principal === undefined && live !== "allowed" && live !== "CREDENTIALS_MISSING") return live;
    if (principal === undefined) return rule.admits === "anonymous" ? "allowed" : "CREDENTIALS_MISSING";
    if (requestShown(call)) return ask([...rule.guards, ...rule.requestGuards], "allowed", principal, call);
    return ask(rule.guards, rule.requestGuards.length === 0 ? "allowed" : "undecided", principal, call);
  }

  #count(live: Answer, candidate: Answer, principal: Principal | undefined, { procedure }: Call): void {
    if (candidate === "undecided" || live === "UNAVAILABLE") this.#undecided += 1;
    else if ((live === "allowed") === (candidate === "allowed")) this.#same += 1;
    else if (live === "allowed") this.#add(procedure, "breaks", candidate as Reason, principal?.userId);
    else this.#add(procedure, "opens", live as Reason, principal?.userId);
  }

  #add(procedure: string, kind: ShadowDifference["kind"], reason: Reason, userId: string | undefined): void {
    const key = `${kind} ${procedure}`;
    const first = { procedure, kind, reason, calls: 0, userIds: [] };
    const difference = this.#differences.get(key) ?? { calls: 0, userIds: new Set(), first };
    this.#differences.set(key, difference);
    difference.calls += 1;
    if (difference.userIds.has(userId) || difference.userIds.size >= mostUsers) return;
    difference.userIds.add(userId);
    this.#onDifference?.({ procedure, kind, reason, userId });
  }
}

function ask(
  guards: CompiledRule<Principal>["guards"],
  outcome: Answer,
  principal: Principal,
  call: Call,
): MaybePromise<Answer> {
  const [first, ...rest] = guards;
  if (first === undefined) return outcome;
  return andThen(first.check(principal, call), (answer) =>
    answer === true ? ask(rest, outcome, principal, call) : "PERMISSION_DENIED",
  );
}
