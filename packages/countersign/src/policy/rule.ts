/**
 * A rule as plain data: what options of a proto, files and tools have in common. `all_of` stands for members that are
 * written side by side, too.
 */
export type PolicyRule = WordRule | Term;

export interface WordRule {
  readonly kind: Word;
}

/** What a caller must satisfy. */
export type Term =
  | { readonly kind: FlagName }
  | { readonly kind: NameKind; readonly name: string }
  | { readonly kind: "max_auth_age"; readonly seconds: number }
  | { readonly kind: "condition"; readonly source: string }
  | {
      readonly kind: "any_of" | "all_of";
      readonly terms: readonly [Term, ...Term[]];
      /** What the caller is told instead of the terms' own texts. */
      readonly message?: string | undefined;
    }
  | { readonly kind: "not"; readonly term: Term };

/** Words that are a rule of their own, and stand beside nothing. */
export const words = ["open", "optional", "authenticated"] as const;
export const flagNames = ["staff", "superuser", "mfa", "installation"] as const;
export const nameKinds = ["require", "role", "scope", "authenticator", "tenant"] as const;
export type Word = (typeof words)[number];
export type FlagName = (typeof flagNames)[number];
export type NameKind = (typeof nameKinds)[number];

/** Every member that a rule may have, as it is written in a proto or a file. */
export const memberNames: readonly string[] = [
  ...words,
  ...flagNames,
  ...nameKinds,
  ...["max_auth_age", "condition", "any_of", "all_of", "not", "message"],
];

export function isWord(rule: PolicyRule): rule is WordRule {
  return (words as readonly string[]).includes(rule.kind);
}

/** How a rule reads in listings and differences: the same text for the same rule. */
export function ruleText(rule: PolicyRule): string {
  switch (rule.kind) {
    case "any_of":
    case "all_of":
      return `${rule.kind}(${rule.terms.map(ruleText).join(", ")})`;
    case "not":
      return `not(${ruleText(rule.term)})`;
    case "condition":
      return `condition(${rule.source})`;
    case "max_auth_age":
      return `max_auth_age(${rule.seconds}s)`;
    default:
      return "name" in rule ? `${rule.kind}(${rule.name})` : rule.kind;
  }
}

/** The terms that others are made of, each with its place in the rule. */
export function leavesOf(rule: PolicyRule): readonly PolicyRule[] {
  if (rule.kind === "any_of" || rule.kind === "all_of") return rule.terms.flatMap(leavesOf);
  return rule.kind === "not" ? leavesOf(rule.term) : [rule];
}
