import type { Mode, Principal, Rule, RuleTable } from "countersign";
import type { Config } from "../config/config.ts";
import { ConfigError } from "../config/config-error.ts";
import type { OutsidePolicy } from "../policy/policy-in-force.ts";
import { type GuardedProcedures, guardedProcedures } from "./guarded-procedures.ts";

/** What is guarded from outside, and by which rules. */
export interface OutsideRules {
  readonly tables: readonly RuleTable<Principal>[];
  readonly procedures: GuardedProcedures;
}

/**
 * The rules of services behind proxies, as the mode has them. A mode stands for rules that descriptors lack, and never for
 * what nobody has heard of. Throws a `ConfigError` where there is nothing to guard.
 */
export function outsideRules({ auth }: Pick<Config, "auth">, outside: OutsidePolicy): OutsideRules {
  const ruled = outside.tables.flatMap((table) => [...table.keys()]);
  let procedures: GuardedProcedures;
  try {
    procedures = guardedProcedures(ruled, outside.services);
  } catch (error) {
    if (error instanceof TypeError) throw new ConfigError(`policy: ${error.message}`);
    throw error;
  }
  if (procedures.all.length === 0)
    throw new ConfigError(
      "proxies: there is nothing to guard: name policy.descriptors of the services behind a proxy, or a policy.file with their rules",
    );
  return { tables: inMode(auth.mode, outside.tables, procedures.all), procedures };
}

const rules: Readonly<Record<Mode, Rule<Principal>>> = {
  required: "authenticated",
  optional: "optional",
  disabled: "open",
};

function inMode(
  mode: Mode | undefined,
  tables: readonly RuleTable<Principal>[],
  all: readonly string[],
): readonly RuleTable<Principal>[] {
  if (mode === undefined) return tables;
  if (mode === "disabled") return [new Map(all.map((procedure) => [procedure, rules.disabled]))];
  const left = all.filter((procedure) => !tables.some((table) => table.has(procedure)));
  return [...tables, new Map(left.map((procedure) => [procedure, rules[mode]]))];
}
