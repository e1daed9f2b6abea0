import type { DeclaredPolicy } from "./declared.ts";
import { isWord, leavesOf, type PolicyRule, ruleText, type Term } from "./rule.ts";

/** How the rule of one RPC differs between two policies. */
export interface PolicyDifference {
  readonly procedure: string;
  /**
   * - `opened`: somebody passes who did not. Also: nobody can tell, and an RPC that is new and lets anonymous calls in.
   * - `closed`: somebody is refused who passed, and nobody else passes.
   * - `added`, `removed`: the RPC is in one of them only.
   * - `changed`: the rules read differently, and mean the same.
   */
  readonly kind: "opened" | "closed" | "added" | "removed" | "changed";
  readonly before: string | undefined;
  readonly after: string | undefined;
}

/** What differs between two policies, by procedure. Rules are compared by what they let in, not by how they are written. */
export function diffPolicies(before: DeclaredPolicy, after: DeclaredPolicy): readonly PolicyDifference[] {
  const [old, now] = [rulesOf(before), rulesOf(after)];
  const procedures = [...new Set([...old.keys(), ...now.keys()])].sort();
  return procedures.flatMap((procedure) => {
    const [was, is] = [old.get(procedure), now.get(procedure)];
    const texts = { before: was && ruleText(was), after: is && ruleText(is) };
    const kind = kindOf(was, is);
    return kind === undefined ? [] : [{ procedure, kind, ...texts }];
  });
}

function rulesOf({ entries }: DeclaredPolicy): ReadonlyMap<string, PolicyRule> {
  return new Map(entries.map(({ procedure, rule }) => [procedure, rule]));
}

function kindOf(
  was: PolicyRule | undefined,
  is: PolicyRule | undefined,
): PolicyDifference["kind"] | undefined {
  if (is === undefined) return "removed";
  if (was === undefined) return is.kind === "open" || is.kind === "optional" ? "opened" : "added";
  if (ruleText(was) === ruleText(is)) return undefined;
  const { opened, closed } = compare(was, is);
  if (opened) return "opened";
  return closed ? "closed" : "changed";
}

/** Beyond this, trying every kind of caller takes too long. */
const mostLeaves = 14;

/** Who passes one rule and not the other: tried for every kind of caller that the two rules can tell apart. */
function compare(was: PolicyRule, is: PolicyRule): { readonly opened: boolean; readonly closed: boolean } {
  if (isWord(was) && isWord(is)) {
    return { opened: openness[is.kind] > openness[was.kind], closed: openness[is.kind] < openness[was.kind] };
  }
  // Every guard needs a caller, and lets in fewer than `authenticated`.
  const leaves = new Map(
    [was, is]
      .flatMap(leavesOf)
      .filter((leaf) => !isWord(leaf))
      .map((leaf) => [ruleText(leaf), leaf as Term]),
  );
  if (leaves.size > mostLeaves) return { opened: true, closed: true };
  const difference = {
    opened: isWord(is) && openness[is.kind] > 0,
    closed: isWord(was) && openness[was.kind] > 0,
  };
  for (const caller of callers([...leaves.values()])) {
    const [passed, passes] = [admits(was, caller), admits(is, caller)];
    if (passes && !passed) difference.opened = true;
    if (passed && !passes) difference.closed = true;
  }
  return difference;
}

const openness = { authenticated: 0, optional: 1, open: 2 } as const;

type Caller = ReadonlySet<string>;

/** Every way of satisfying some of the terms and not the others, as far as there can be such a caller. */
function* callers(leaves: readonly Term[]): Generator<Caller> {
  for (let bits = 0; bits < 2 ** leaves.length; bits++) {
    const held = leaves.filter((_, index) => (bits >> index) & 1);
    const caller = new Set(held.map(ruleText));
    if (leaves.every((leaf) => caller.has(ruleText(leaf)) || !held.some((other) => implies(other, leaf))))
      yield caller;
  }
}

/** Whoever satisfies the one satisfies the other. */
function implies(one: Term, other: Term): boolean {
  if (one.kind === "superuser") return other.kind === "staff";
  return one.kind === "max_auth_age" && other.kind === "max_auth_age" && one.seconds <= other.seconds;
}

function admits(rule: PolicyRule, caller: Caller): boolean {
  switch (rule.kind) {
    case "open":
    case "optional":
    case "authenticated":
      return true;
    case "any_of":
      return rule.terms.some((term) => admits(term, caller));
    case "all_of":
      return rule.terms.every((term) => admits(term, caller));
    case "not":
      return !admits(rule.term, caller);
    default:
      return caller.has(ruleText(rule));
  }
}
