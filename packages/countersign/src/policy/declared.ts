import type { DescFile, DescMethod, DescService } from "@bufbuild/protobuf";
import { getOption, hasOption, toJson } from "@bufbuild/protobuf";
import {
  PolicySchema,
  permissions,
  policy as policyOption,
  service_policy,
} from "../gen/auth/v1/policy_pb.ts";
import { nearest } from "./nearest.ts";
import { readRule } from "./read-rule.ts";
import type { PolicyRule } from "./rule.ts";

/** The rule of one procedure, and where it is written. */
export interface PolicyEntry {
  readonly procedure: string;
  readonly rule: PolicyRule;
  /** `proto`, or the name that a file was given. */
  readonly origin: string;
  /** Undefined for a procedure that no descriptor tells of. */
  readonly method: DescMethod | undefined;
}

/** What one source says: rules, and permissions that exist. */
export interface DeclaredPolicy {
  readonly entries: readonly PolicyEntry[];
  readonly permissions: readonly string[];
}

/**
 * The rules that stand in the protos: `(auth.v1.policy)` of each method, else `(auth.v1.service_policy)` of its service.
 * An RPC with neither has no entry. Throws a `TypeError` that names the RPC and the member that is wrong.
 */
export function policyFromDescriptors(services: readonly DescService[]): DeclaredPolicy {
  const entries = services.flatMap((service) =>
    service.methods.flatMap((method) => {
      const procedure = procedureOf(method);
      const rule = optionOf(method, `${procedure} (proto)`);
      return rule === undefined ? [] : [{ procedure, rule, origin: "proto", method }];
    }),
  );
  const files = new Set<DescFile>(services.map(({ file }) => file));
  return { entries, permissions: [...files].flatMap((file) => getOption(file, permissions)) };
}

/** What a file may say. */
export interface PolicyData {
  /** By procedure: `/package.Service/Method`, `GET /path`, or `/package.Service/*` for those without a rule of their own. */
  readonly rules: Readonly<Record<string, unknown>>;
  /** Permissions that exist. */
  readonly permissions: readonly string[];
}

export interface FromDataOptions {
  /** Named in errors and listings: the file. */
  readonly origin: string;
  /** What is known of the services: for `/package.Service/*`, for conditions on requests, and to find misspelt RPCs. */
  readonly services?: readonly DescService[];
}

/**
 * The rules of a file, as data. Throws a `TypeError` that names the file, the RPC and the member that is wrong. An RPC
 * that a known service does not have is an error; services that are not known are taken as they are written.
 */
export function policyFromData(data: unknown, { origin, services = [] }: FromDataOptions): DeclaredPolicy {
  const { rules, permissions: declared } = readData(data, origin);
  const methods = new Map(
    services.flatMap((service) => service.methods).map((method) => [procedureOf(method), method]),
  );
  const known = new Set(services.map(({ typeName }) => typeName));
  const entries = new Map<string, PolicyEntry>();
  const add = (procedure: string, rule: PolicyRule): void => {
    entries.set(procedure, { procedure, rule, origin, method: methods.get(procedure) });
  };
  const all = Object.entries(rules).map(
    ([key, value]) => [key, readRule(value, `${key} (${origin})`)] as const,
  );
  for (const [key, rule] of all) {
    const service = serviceOf(key);
    if (service === undefined) {
      if (!/^[A-Z]+ \/\S*$/.test(key))
        throw new TypeError(
          `${origin}: "${key}" is no procedure: write "/package.Service/Method" or "GET /path"`,
        );
    } else if (key.endsWith("/*")) continue;
    else if (known.has(service) && !methods.has(key)) {
      throw new TypeError(`a rule, but no RPC: ${key} (${origin})${nearest(key, methods.keys())}`);
    }
    add(key, rule);
  }
  for (const [key, rule] of all.filter(([key]) => key.endsWith("/*"))) {
    const names = [...methods.keys()].filter((procedure) => procedure.startsWith(key.slice(0, -1)));
    if (names.length === 0)
      throw new TypeError(
        `${key} (${origin}): nothing is known of this service: name each RPC, or give its descriptors`,
      );
    for (const name of names) if (!entries.has(name)) add(name, rule);
  }
  return { entries: [...entries.values()], permissions: declared };
}

/** `/package.Service/Method` */
export function procedureOf(method: DescMethod): string {
  return `/${method.parent.typeName}/${method.name}`;
}

function optionOf(method: DescMethod, where: string): PolicyRule | undefined {
  const own = hasOption(method, policyOption);
  if (!own && !hasOption(method.parent, service_policy)) return undefined;
  const option = own ? getOption(method, policyOption) : getOption(method.parent, service_policy);
  // The same members as in a file, so that one reader reads both.
  return readRule(toJson(PolicySchema, option, { useProtoFieldName: true }), where);
}

function serviceOf(key: string): string | undefined {
  return /^\/([\w.]+)\/(?:\w+|\*)$/.exec(key)?.[1];
}

function readData(data: unknown, origin: string): PolicyData {
  if (!isObject(data)) throw new TypeError(`${origin}: members are expected: rules, permissions`);
  const known = ["rules", "permissions"];
  for (const name of Object.keys(data)) {
    if (!known.includes(name))
      throw new TypeError(`${origin}: ${name} is no member of a policy${nearest(name, known)}`);
  }
  const { rules = {}, permissions: declared = [] } = data;
  if (!isObject(rules)) throw new TypeError(`${origin}: rules are members, by procedure`);
  if (!Array.isArray(declared) || declared.some((name) => typeof name !== "string" || name === ""))
    throw new TypeError(`${origin}: permissions is a list of names`);
  return { rules, permissions: declared as readonly string[] };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
