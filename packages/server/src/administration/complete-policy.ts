import { type Auth, type Authenticator, createAuth, type Principal } from "countersign";
import type { Shadow } from "countersign/policy";
import { publicProceduresOf, reflectionProcedures, routeTables } from "../authentication.ts";
import type { Config } from "../config/config.ts";
import { ConfigError } from "../config/config-error.ts";
import { askedProcedures } from "../decide/asking-rules.ts";
import { configuredAudiences } from "../decide/audiences.ts";
import { outsideRules } from "../decide/outside-rules.ts";
import { shareLimits } from "../decide/shared-limits.ts";
import { servedBy } from "../descriptors.ts";
import { limiterOf, limitRulesOf } from "../limits.ts";
import {
  type LoadPolicyOptions,
  loadPolicy,
  loadShadow,
  type NodePolicy,
  proceduresOf,
} from "../policy/node-policy.ts";

/** The policy of a server with this configuration, as it is before it listens. No secret is needed for that. */
export interface CompletePolicy extends NodePolicy {
  readonly auth: Auth<Principal>;
  readonly shadow: Shadow | undefined;
}

/** Throws a `ConfigError` for every rule that stops a server: an RPC without one, one without an RPC, and all the rest. */
export async function completePolicy(
  config: Config,
  options: LoadPolicyOptions = {},
): Promise<CompletePolicy> {
  const policy = await loadPolicy(config, options);
  const routes = routeTables(config);
  const limits = shareLimits(
    limiterOf(config, { limits: limitRulesOf(config), rates: uncounted, quotas: uncounted }),
    { outside: policy.outside.flatMap((table) => [...table.keys()]), asking: [] },
  );
  try {
    const auth = createAuth<Principal>({
      authenticators: [nobody],
      policy: [...policy.served, ...routes],
      mode: config.auth.mode,
      publicProcedures: publicProceduresOf(config),
      limits: limits.here,
    });
    const services = servedBy(config);
    const decoded = services
      .flatMap(({ methods }) => methods)
      .filter(({ methodKind }) => methodKind === "unary" || methodKind === "server_streaming")
      .map(({ parent, name }) => `/${parent.typeName}/${name}`);
    const reflection = config.grpc.reflection ? reflectionProcedures : [];
    auth.serve([...services.flatMap(proceduresOf), ...reflection], { decoded });
    for (const table of routes) auth.serve(table.keys());
    auth.seal();
    if (askedProcedures(config).length > 0) checkOutside(config, policy);
    return { ...policy, auth, shadow: await loadShadow(config, policy, undefined) };
  } catch (error) {
    if (error instanceof TypeError) throw new ConfigError(`auth: ${error.message}`);
    throw error;
  }
}

/** What a proxy shows nobody cannot be asked about. RPCs without a rule are told apart from this, one by one. */
function checkOutside(config: Config, { outside: tables, outsideServices: services }: NodePolicy): void {
  const rules = outsideRules(config, { tables, services });
  configuredAudiences(config, rules.procedures.all);
  const auth = createAuth<Principal>({ authenticators: [nobody], policy: rules.tables });
  auth.serve(rules.tables.flatMap((table) => [...table.keys()]));
}

const uncounted = { name: "memory", store: undefined } as const;

const nobody: Authenticator<Principal> = {
  name: "nobody",
  header: "authorization",
  challenge: "None",
  unrecognized: () => "TOKEN_INVALID",
  start: () => () => undefined,
};
