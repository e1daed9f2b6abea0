import { type CelInput, type CelResult, celEnv, isCelError, parse, plan } from "@bufbuild/cel";
import type { DescMessage } from "@bufbuild/protobuf";
import { isMessage } from "@bufbuild/protobuf";
import { reflect } from "@bufbuild/protobuf/reflect";
import type { Call } from "../../core/call.ts";
import { type Guard, named } from "../../core/guard.ts";
import type { Principal } from "../../core/principal.ts";
import { withRequest } from "../../core/request-guard.ts";
import type { ConditionCompiler, ConditionPlace } from "../condition.ts";
import { type ConditionBounds, defaultBounds } from "./bounds.ts";
import { type Expression, type Inspected, inspect } from "./inspect.ts";
import { isWithinBounds } from "./weigh.ts";

/**
 * Conditions in CEL (https://github.com/google/cel-spec) over `principal`, `call` and `request`. Their size, nesting and
 * loops are bounded when they are compiled, and what they are asked about when they run. What fails to run, or is neither
 * true nor false, makes the call `UNAVAILABLE`; a request beyond the bounds is refused.
 */
export function celConditions(options: Partial<ConditionBounds> = {}): ConditionCompiler {
  const bounds = { ...defaultBounds, ...options };
  return { compile: (source, place) => compile(source, place, bounds) };
}

/** Patterns are RE2's, whose time is linear in the text. */
const environment = celEnv();

type Run = (bindings: Readonly<Record<string, CelInput>>) => CelResult;

function compile(source: string, place: ConditionPlace, bounds: ConditionBounds): Guard<Principal> {
  const failed = (text: string): TypeError => new TypeError(`${place.where}: the condition ${text}`);
  if (source.length > bounds.sourceLength) throw failed(`has more than ${bounds.sourceLength} characters`);
  const expression = parsed(source, failed);
  let needs: Inspected;
  let run: Run;
  try {
    needs = inspect(expression, { bounds, input: place.input });
    for (const pattern of needs.patterns) requirePattern(pattern);
    run = plan(environment, expression);
  } catch (error) {
    throw failed((error as Error).message);
  }
  const title = `condition(${source})`;
  const { input } = place;
  if (needs.request.size === 0 || input === undefined)
    return named({ title }, (principal, call) => truth(run(bindingsOf(needs, principal, call))));
  const check = (principal: Principal, request: unknown, call: Call): boolean => {
    const message = readable(request, input);
    // Neither true nor false: what a `not` stands before does not pass either.
    if (!isWithinBounds(message, needs.request, bounds)) return undefined as unknown as boolean;
    return truth(run({ ...bindingsOf(needs, principal, call), request: message }));
  };
  return withRequest(check, { title });
}

function parsed(source: string, failed: (text: string) => TypeError): Expression {
  try {
    return parse(source).expr;
  } catch (error) {
    const [, line = "1", column = "1", text = "it is no CEL"] =
      /^<input>:(\d+):(\d+): ([^\n]*)/.exec((error as Error).message) ?? [];
    throw failed(`cannot be read at line ${line}, column ${column}: ${text}`);
  }
}

function requirePattern(pattern: string): void {
  if (isCelError(plan(environment, parse(`"".matches(${JSON.stringify(pattern)})`))()))
    throw new TypeError(`matches ${JSON.stringify(pattern)}, which is no pattern of RE2`);
}

function truth(result: CelResult): boolean {
  if (typeof result === "boolean") return result;
  // The error's own text may quote what was sent.
  throw new TypeError(
    isCelError(result) ? "the condition failed" : "the condition is neither true nor false",
  );
}

function readable(request: unknown, input: DescMessage): ReturnType<typeof reflect> {
  if (isMessage(request, input)) return reflect(input, request);
  throw new TypeError(`the request is no ${input.typeName} of Protobuf-ES`);
}

function bindingsOf({ principal: named, call: said }: Inspected, principal: Principal, call: Call) {
  return { principal: pick(named, principalMembers, principal), call: pick(said, callMembers, call) };
}

function pick<T>(
  names: ReadonlySet<string>,
  readers: Readonly<Record<string, (from: T) => CelInput>>,
  from: T,
): CelInput {
  const members = new Map<string, CelInput>();
  for (const name of names) {
    const read = readers[name];
    if (read !== undefined) members.set(name, read(from));
  }
  return members;
}

const principalMembers: Readonly<Record<string, (principal: Principal) => CelInput>> = {
  user_id: ({ userId }) => userId,
  username: ({ username }) => username ?? "",
  email: ({ email }) => email ?? "",
  authenticator: ({ authenticator }) => authenticator,
  client_id: ({ clientId }) => clientId ?? "",
  tenant_id: ({ tenantId }) => tenantId ?? "",
  is_staff: ({ isStaff }) => isStaff,
  is_superuser: ({ isSuperuser }) => isSuperuser,
  auth_time: ({ claims }) => {
    const { auth_time: at } = claims;
    return typeof at === "number" && Number.isSafeInteger(at) ? BigInt(at) : 0n;
  },
  roles: ({ roles }) => roles,
  permissions: ({ permissions }) => [...permissions],
  scopes: ({ apiKey }) => apiKey?.scopes ?? [],
  claims: ({ claims }) => jsonInput(claims),
};

const callMembers: Readonly<Record<string, (call: Call) => CelInput>> = {
  procedure: ({ procedure }) => procedure,
  protocol: ({ protocol }) => protocol,
  peer_address: ({ peer }) => peer.address ?? "",
};

/** Claims are JSON, with objects that have no constructor. Their numbers are doubles. */
function jsonInput(value: unknown): CelInput {
  if (typeof value !== "object" || value === null) return value as CelInput;
  if (Array.isArray(value)) return value.map(jsonInput);
  return new Map(Object.entries(value).map(([name, member]) => [name, jsonInput(member)]));
}
