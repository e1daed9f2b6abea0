import { allOf, anyOf, type Guard, not, withMessage } from "../core/guard.ts";
import {
  fromAuthenticator,
  hasPermission,
  hasRole,
  hasScope,
  inTenant,
  isStaff,
  isSuperuser,
  maxAuthAge,
  ofInstallation,
  requireMfa,
} from "../core/guards.ts";
import type { Rule } from "../core/policy.ts";
import type { Principal } from "../core/principal.ts";
import type { ConditionCompiler, ConditionPlace } from "./condition.ts";
import { type FlagName, isWord, type NameKind, type PolicyRule, type Term } from "./rule.ts";

/** The guard of each flag and of each kind of name: a new one is a line here, and one where `rule.ts` lists them. */
const flags: Readonly<Record<FlagName, Guard<Principal>>> = {
  staff: isStaff,
  superuser: isSuperuser,
  mfa: requireMfa,
  installation: ofInstallation,
};
const names: Readonly<Record<NameKind, (name: string) => Guard<Principal>>> = {
  require: hasPermission,
  role: hasRole,
  scope: hasScope,
  authenticator: fromAuthenticator,
  tenant: inTenant,
};

/** Makes the rule that `createAuth` takes of one that is data. Throws a `TypeError` for a condition that cannot be. */
export function compileTerms(
  rule: PolicyRule,
  place: ConditionPlace,
  conditions: ConditionCompiler | undefined,
): Rule<Principal> {
  const compile = (term: Term): Guard<Principal> => {
    switch (term.kind) {
      case "any_of":
      case "all_of": {
        const [first, ...rest] = term.terms.map(compile);
        if (first === undefined) throw new TypeError(`${place.where}: ${term.kind} is empty`);
        const whole = rest.length === 0 ? first : (term.kind === "any_of" ? anyOf : allOf)(first, ...rest);
        return term.message === undefined ? whole : withMessage(term.message, whole);
      }
      case "not":
        return not(compile(term.term));
      case "max_auth_age":
        return maxAuthAge(term.seconds);
      case "condition":
        if (conditions === undefined)
          throw new TypeError(
            `${place.where}: nothing here reads conditions: pass celConditions() of countersign/policy/cel`,
          );
        return conditions.compile(term.source, place);
      default:
        return "name" in term ? names[term.kind](term.name) : flags[term.kind];
    }
  };
  return isWord(rule) ? rule.kind : compile(rule);
}
