import type { DescService } from "@bufbuild/protobuf";
import type { Principal, RuleTable } from "countersign";
import {
  type CompilePolicyOptions,
  compilePolicy,
  createShadow,
  type DeclaredPolicy,
  type PolicyRule,
  policyFromDescriptors,
  type Shadow,
  type ShadowOptions,
} from "countersign/policy";
import type { Config } from "../config/config.ts";
import { servable, servedBy } from "../descriptors.ts";
import { asConfigError, readDescriptors, readPolicyFile } from "./policy-files.ts";

export interface LoadPolicyOptions {
  /** Descriptors of services that are guarded from outside. Default: those that the configuration names. */
  readonly descriptors?: string | undefined;
  /** Permissions that exist besides those that protos, files and configuration declare: those of roles. */
  readonly permissions?: readonly string[];
}

/** Everything that configuration, protos and files say about who may call what. */
export interface NodePolicy {
  /** Of the services that this node serves. */
  readonly served: readonly RuleTable<Principal>[];
  /** Of services that are guarded from outside. */
  readonly outside: readonly RuleTable<Principal>[];
  /** The services whose descriptors were given, and which this node does not serve. */
  readonly outsideServices: readonly DescService[];
  /** What was declared, for comparisons. */
  readonly declared: DeclaredPolicy;
}

/**
 * Reads and compiles it. Throws a `ConfigError` that names the RPC: for two rules, for a permission that nobody has
 * defined, for a condition that cannot be, and for a rule that is none.
 */
export async function loadPolicy(
  config: Config,
  { descriptors = config.policy.descriptors, permissions: known = [] }: LoadPolicyOptions = {},
): Promise<NodePolicy> {
  const served = servedBy(config);
  const ours = new Set(servable.map(({ typeName }) => typeName));
  const outsideServices =
    descriptors === undefined
      ? []
      : readDescriptors(descriptors).filter(({ typeName }) => !ours.has(typeName));
  const declared = asConfigError(() => {
    const sources = [policyFromDescriptors(served), policyFromDescriptors(outsideServices)];
    if (config.policy.file !== undefined)
      sources.push(readPolicyFile(config.policy.file, [...servable, ...outsideServices]));
    // What exists does not depend on what is served.
    const { permissions } = policyFromDescriptors(servable);
    return {
      entries: sources.flatMap(({ entries }) => entries),
      permissions: [...known, ...permissions, ...sources.flatMap((source) => source.permissions)],
    };
  });
  const here = new Set(served.flatMap(proceduresOf));
  // Together: of two rules for one RPC, one may stand in a file.
  const tables = await compile(config, declared);
  return {
    served: rulesOf(tables, (procedure) => here.has(procedure)),
    outside: rulesOf(tables, (procedure) => !here.has(procedure)),
    outsideServices,
    declared,
  };
}

/** The candidate beside the live policy, if there is one: what it does not name is as it is. */
export async function loadShadow(
  config: Config,
  policy: NodePolicy,
  onDifference: ShadowOptions["onDifference"],
): Promise<Shadow | undefined> {
  const { shadow: path } = config.policy;
  if (path === undefined) return undefined;
  const candidate = readPolicyFile(path, [...servable, ...policy.outsideServices]);
  const named = new Set(candidate.entries.map(({ procedure }) => procedure));
  const kept = policy.declared.entries.filter(({ procedure }) => !named.has(procedure));
  const permissions = [...policy.declared.permissions, ...candidate.permissions];
  const compiled = await compile(config, { entries: [...kept, ...candidate.entries], permissions });
  return asConfigError(() =>
    createShadow({
      live: [...policy.served, ...policy.outside],
      candidate: compiled,
      ...(onDifference !== undefined && { onDifference }),
    }),
  );
}

/** `/package.Service/Method` of each method. */
export function proceduresOf({ typeName, methods }: DescService): readonly string[] {
  return methods.map(({ name }) => `/${typeName}/${name}`);
}

type Tables = readonly RuleTable<Principal>[];

/** The rules of some procedures, each still from where it was. */
function rulesOf(tables: Tables, includes: (procedure: string) => boolean): Tables {
  return tables
    .map((table) => {
      const rules = new Map([...table].filter(([procedure]) => includes(procedure)));
      return table.origin === undefined ? rules : Object.assign(rules, { origin: table.origin });
    })
    .filter(({ size }) => size > 0);
}

async function compile({ policy }: Config, declared: DeclaredPolicy): Promise<Tables> {
  const conditions = await conditionsIn(declared);
  return asConfigError(() =>
    compilePolicy([declared], {
      permissions: policy.undeclared_permissions ? "any" : policy.permissions,
      conditions,
    }),
  );
}

/** What reads conditions takes a while to load, and most policies have none. */
async function conditionsIn({ entries }: DeclaredPolicy): Promise<CompilePolicyOptions["conditions"]> {
  if (!entries.some(({ rule }) => hasCondition(rule))) return undefined;
  const { celConditions } = await import("countersign/policy/cel");
  return celConditions();
}

function hasCondition(rule: PolicyRule): boolean {
  if ("terms" in rule) return rule.terms.some(hasCondition);
  return "term" in rule ? hasCondition(rule.term) : rule.kind === "condition";
}
