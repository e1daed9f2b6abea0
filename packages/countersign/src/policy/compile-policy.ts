import type { RuleTable } from "../core/policy.ts";
import type { Principal } from "../core/principal.ts";
import type { ConditionCompiler } from "./condition.ts";
import type { DeclaredPolicy, PolicyEntry } from "./declared.ts";
import { nearest } from "./nearest.ts";
import { leavesOf } from "./rule.ts";
import { compileTerms } from "./vocabulary.ts";

export interface CompilePolicyOptions {
  /**
   * Permissions that exist besides those that the sources declare: those of roles, say. `any`: rules may ask for what
   * nobody has declared, and nothing notices a misspelt one.
   */
  readonly permissions?: Iterable<string> | "any";
  /** What reads conditions. Default: nothing, and a condition stops the start. */
  readonly conditions?: ConditionCompiler | undefined;
}

/**
 * The rule tables of what was declared, for `createAuth`. Throws a `TypeError` that names the RPC: for a permission that
 * nobody has defined, for two rules for one RPC, and for a condition that cannot be.
 */
export function compilePolicy(
  sources: readonly DeclaredPolicy[],
  { permissions = [], conditions }: CompilePolicyOptions = {},
): readonly RuleTable<Principal>[] {
  const entries = sources.flatMap((source) => source.entries);
  requireSingle(entries);
  if (permissions !== "any")
    requireKnown(entries, [...permissions, ...sources.flatMap((source) => source.permissions)]);
  const origins = [...new Set(entries.map(({ origin }) => origin))];
  return origins.map((origin) => {
    const table = new Map(
      entries
        .filter((entry) => entry.origin === origin)
        .map(({ procedure, rule, method }) => {
          const place = { where: `${procedure} (${origin})`, input: method?.input };
          return [procedure, compileTerms(rule, place, conditions)] as const;
        }),
    );
    return Object.assign(table, { origin });
  });
}

function requireSingle(entries: readonly PolicyEntry[]): void {
  const seen = new Map<string, string>();
  for (const { procedure, origin } of entries) {
    const before = seen.get(procedure);
    if (before !== undefined) throw new TypeError(`two rules for ${procedure}: ${before} and ${origin}`);
    seen.set(procedure, origin);
  }
}

function requireKnown(entries: readonly PolicyEntry[], known: readonly string[]): void {
  const names = new Set(known);
  for (const { procedure, rule, origin } of entries) {
    for (const leaf of leavesOf(rule)) {
      if (leaf.kind !== "require" || names.has(leaf.name)) continue;
      throw new TypeError(
        `${procedure} (${origin}): nobody has defined the permission "${leaf.name}"${nearest(leaf.name, names)}`,
      );
    }
  }
}
