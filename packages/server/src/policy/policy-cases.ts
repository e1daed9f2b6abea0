import { create, type DescMethod, fromJson, type JsonValue } from "@bufbuild/protobuf";
import { type Mode, type Principal, type RuleTable, statusOf } from "countersign";
import { type PolicyAnswer, policyTester } from "countersign/policy";
import { z } from "zod";
import { ConfigError } from "../config/config-error.ts";
import { parseDuration } from "../config/duration.ts";

const names = z.array(z.string().min(1)).default([]);
const age = z.string().refine((text) => parseDuration(text) !== undefined, "a time such as 90s or 15m");

const principalSchema = z.strictObject({
  tenant_id: z.string().min(1).optional(),
  user_id: z.union([z.string().min(1), z.number().int()]).optional(),
  username: z.string().optional(),
  email: z.string().optional(),
  staff: z.boolean().default(false),
  superuser: z.boolean().default(false),
  roles: names,
  permissions: names,
  /** Of an API key: then it is one, and may do what they name. */
  scopes: names.optional(),
  authenticator: z.string().min(1).optional(),
  auth_age: age.optional(),
  mfa: z.boolean().default(false),
  claims: z.record(z.string(), z.unknown()).default({}),
});

const answers = ["allowed", "request", ...Object.keys(statusOf)] as readonly string[];
const answer = z.string().refine((text) => answers.includes(text), { error: `one of ${answers.join(", ")}` });

const casesSchema = z.strictObject({
  principals: z.record(z.string(), principalSchema).default({}),
  tests: z.array(
    z.strictObject({
      call: z.string().min(1),
      request: z.record(z.string(), z.unknown()).optional(),
      peer_address: z.string().optional(),
      protocol: z.enum(["grpc", "connect", "grpc-web", "http"]).optional(),
      expect: z.record(z.string(), answer),
    }),
  ),
});

/** Principals, calls, and what each of them is expected to be answered with. */
export type PolicyCases = z.infer<typeof casesSchema>;

/** One call of one principal. */
export interface PolicyCaseResult {
  readonly call: string;
  readonly as: string;
  readonly expected: string;
  readonly actual: PolicyAnswer;
  readonly ok: boolean;
}

/** The name under which nobody calls. */
const anonymous = "anonymous";

/** Checks the shape of a file of cases. Throws a `ConfigError` that names the member. */
export function readCases(data: unknown, path: string): PolicyCases {
  const parsed = casesSchema.safeParse(data);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new ConfigError(`${path}: ${issue?.path.join(".") ?? ""}: ${issue?.message ?? "is wrong"}`);
  }
  const { principals, tests } = parsed.data;
  if (Object.hasOwn(principals, anonymous))
    throw new ConfigError(
      `${path}: principals.${anonymous}: this name stands for calls without a credential`,
    );
  for (const [index, { expect }] of tests.entries()) {
    const unknown = Object.keys(expect).find(
      (name) => name !== anonymous && !Object.hasOwn(principals, name),
    );
    if (unknown !== undefined)
      throw new ConfigError(`${path}: tests.${index}.expect: ${unknown} is none of the principals`);
  }
  return parsed.data;
}

export interface PolicyUnderTest {
  readonly tables: readonly RuleTable<Principal>[];
  readonly mode: Mode | undefined;
  readonly methods: readonly DescMethod[];
}

/** Asks the policy about every case, through the code that a server decides with. */
export async function runCases(
  { principals, tests }: PolicyCases,
  { tables, mode, methods }: PolicyUnderTest,
  path: string,
): Promise<readonly PolicyCaseResult[]> {
  const ask = policyTester(tables, { mode });
  const people = new Map(Object.entries(principals).map(([name, given]) => [name, principalOf(name, given)]));
  const results: PolicyCaseResult[] = [];
  for (const [index, { call, expect, request, peer_address: peerAddress, protocol }] of tests.entries()) {
    const method = methods.find(({ parent, name }) => `/${parent.typeName}/${name}` === call);
    const known = method !== undefined || tables.some((table) => table.has(call));
    if (!known) throw new ConfigError(`${path}: tests.${index}.call: there is no RPC ${call}`);
    const message =
      request === undefined
        ? undefined
        : { message: messageOf(method, request, `${path}: tests.${index}.request`) };
    for (const [as, expected] of Object.entries(expect)) {
      const actual = await ask({
        ...{ procedure: call, principal: people.get(as) },
        ...(message !== undefined && { request: message }),
        ...(peerAddress !== undefined && { peerAddress }),
        ...(protocol !== undefined && { protocol }),
      });
      results.push({ call, as, expected, actual, ok: actual === expected });
    }
  }
  return results;
}

function messageOf(method: DescMethod | undefined, request: object, where: string): unknown {
  if (method === undefined)
    throw new ConfigError(`${where}: no descriptor says what the request is: name --descriptors`);
  try {
    return Object.keys(request).length === 0
      ? create(method.input)
      : fromJson(method.input, request as JsonValue);
  } catch (error) {
    throw new ConfigError(`${where}: is no ${method.input.name}: ${(error as Error).message}`);
  }
}

function principalOf(name: string, given: z.infer<typeof principalSchema>): Principal {
  const { auth_age: ago, scopes, mfa } = given;
  const claims = {
    ...(ago !== undefined && { auth_time: Math.floor(Date.now() / 1000) - (parseDuration(ago) ?? 0) }),
    ...(mfa && { amr: ["pwd", "otp"] }),
    ...given.claims,
  };
  return {
    userId: String(given.user_id ?? name),
    username: given.username ?? name,
    email: given.email,
    isStaff: given.staff,
    isSuperuser: given.superuser,
    roles: given.roles,
    permissions: new Set(given.permissions),
    authenticator: given.authenticator ?? (scopes === undefined ? "jwt" : "api_key"),
    claims,
    apiKey: scopes === undefined ? undefined : { id: name, name, type: "service", scopes },
    clientId: undefined,
    tenantId: given.tenant_id,
  };
}
