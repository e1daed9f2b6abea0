import { hasPermission, type Principal, type RuleTable } from "countersign";
import type { Config } from "../config/config.ts";
import { forwardAuthProcedure } from "./asking-call.ts";
import { checkProcedure } from "./ext-authz.ts";

/** What a proxy needs to ask. */
export const askingPermission = "auth.decisions:ask";

/** The rules of what proxies call here; none where none may ask. */
export function askingRules(config: Pick<Config, "proxies">): readonly RuleTable<Principal>[] {
  const asked = askedProcedures(config);
  const mayAsk = hasPermission(askingPermission);
  return asked.length === 0 ? [] : [new Map(asked.map((procedure) => [procedure, mayAsk]))];
}

/** What proxies call here. */
export function askedProcedures({ proxies }: Pick<Config, "proxies">): readonly string[] {
  return [
    ...(proxies.ext_authz ? [checkProcedure] : []),
    ...(proxies.forward_auth ? [forwardAuthProcedure] : []),
  ];
}
