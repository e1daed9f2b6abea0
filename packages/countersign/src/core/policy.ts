import type { Chain } from "./chain.ts";
import { type Denied, deny } from "./decision.ts";
import { allOf, anyOf, type Guard, guardTitle, not, partsOf } from "./guard.ts";
import { needsRequest, type RequestCheck, type RequestGuardText, withRequest } from "./request-guard.ts";

/**
 * What a procedure needs.
 *
 * - `open`: authentication does not run. For health checks and login.
 * - `optional`: anonymous calls pass, but a credential that is sent must be valid.
 * - `authenticated`: any principal passes.
 * - a guard: the principal must satisfy it.
 */
export type Rule<P> = "open" | "optional" | "authenticated" | Guard<P>;

/** Rules by procedure. Built by `policyFor()`, or from descriptors and files by `countersign/policy`. */
export interface RuleTable<P> extends ReadonlyMap<string, Rule<P>> {
  /** Where the rules were written, for listings: `proto`, or a file. Default: in code. */
  readonly origin?: string;
}

/**
 * Which rule an RPC gets that has none of its own. Without a mode such an RPC stops the start.
 *
 * - `required`: `authenticated`. `optional`: `optional`. `disabled`: authentication runs nowhere, and every call is
 *   anonymous, whatever the rules say.
 */
export type Mode = "required" | "optional" | "disabled";

/** The parts of a Protobuf-ES `DescService` that rules need. */
export interface DescribedService {
  readonly typeName: string;
  readonly method: Readonly<Record<string, { readonly name: string }>>;
}

/** The parts of a grpc-js `ServiceDefinition` that rules need. */
export type DefinedService = Readonly<Record<string, { readonly path: string }>>;

type MethodOf<S> = S extends DescribedService ? keyof S["method"] : keyof S;

/** Rule vocabulary for one principal type. */
export interface PolicyBuilder<P> {
  /** One rule per method. Leaving a method out is a compile error, and a `TypeError` at start. */
  rules<S extends DescribedService | DefinedService>(
    service: S,
    table: { readonly [K in MethodOf<S>]: Rule<P> },
  ): RuleTable<P>;
  /** Rules for plain HTTP, keyed by `METHOD /path`. */
  routes(table: Readonly<Record<`${string} /${string}`, Rule<P>>>): RuleTable<P>;
  allOf(first: Guard<P>, ...rest: readonly Guard<P>[]): Guard<P>;
  anyOf(first: Guard<P>, ...rest: readonly Guard<P>[]): Guard<P>;
  not(guard: Guard<P>): Guard<P>;
  /** A guard over the decoded request: name its message as the type of the second parameter. */
  withRequest<R>(check: RequestCheck<P, R>, text?: RequestGuardText): Guard<P>;
}

/** Names the principal type once, so that every guard and lambda below is checked against it. */
export function policyFor<P>(): PolicyBuilder<P> {
  return { rules, routes: (table) => checked(Object.entries(table)), allOf, anyOf, not, withRequest };
}

/** Where a service's methods are served, by the name that code uses for them. */
export function proceduresOf(service: DescribedService | DefinedService): ReadonlyMap<string, string> {
  if (isDescribed(service)) {
    const methods = Object.entries(service.method);
    return new Map(methods.map(([key, method]) => [key, `/${service.typeName}/${method.name}`]));
  }
  return new Map(Object.entries(service).map(([key, method]) => [key, method.path]));
}

function isDescribed(service: DescribedService | DefinedService): service is DescribedService {
  return typeof service["typeName"] === "string";
}

function rules<P, S extends DescribedService | DefinedService>(
  service: S,
  table: { readonly [K in MethodOf<S>]: Rule<P> },
): RuleTable<P> {
  const given = new Map<string, Rule<P>>(Object.entries<Rule<P>>(table as Readonly<Record<string, Rule<P>>>));
  const entries: [string, Rule<P>][] = [];
  for (const [key, procedure] of proceduresOf(service)) {
    const rule = given.get(key);
    if (rule === undefined) throw new TypeError(`no rule for ${procedure}: add "${key}" to its table`);
    given.delete(key);
    entries.push([procedure, rule]);
  }
  const [stray] = given.keys();
  if (stray !== undefined) throw new TypeError(`a rule for "${stray}", which is no method of the service`);
  return checked(entries);
}

function checked<P>(entries: readonly (readonly [string, Rule<P>])[]): RuleTable<P> {
  for (const [procedure, rule] of entries) requireRule(procedure, rule);
  return new Map(entries);
}

/** A guard and the refusal that it leads to, made once. */
export interface CompiledGuard<P> {
  readonly check: Guard<P>;
  readonly denied: Denied;
}

/** A rule as `decide()` reads it. */
export interface CompiledRule<P> {
  readonly admits: "everyone" | "anonymous" | "principals";
  readonly guards: readonly CompiledGuard<P>[];
  /** Asked once the request is decoded, when all `guards` have passed. */
  readonly requestGuards: readonly CompiledGuard<P>[];
  /** For listings. */
  readonly title: string;
  /** The authenticators of a route that has some of its own. */
  readonly chain: Chain<P> | undefined;
}

const compiledWord = {
  open: { admits: "everyone", guards: [], requestGuards: [], title: "open", chain: undefined },
  optional: { admits: "anonymous", guards: [], requestGuards: [], title: "optional", chain: undefined },
  authenticated: {
    admits: "principals",
    guards: [],
    requestGuards: [],
    title: "authenticated",
    chain: undefined,
  },
} as const satisfies Record<string, CompiledRule<unknown>>;

/** Throws a `TypeError` for what is no rule: reachable from JavaScript, where a misspelt import is undefined. */
export function requireRule(procedure: string, rule: unknown): void {
  if (typeof rule === "function" || (typeof rule === "string" && Object.hasOwn(compiledWord, rule))) return;
  throw new TypeError(`the rule for ${procedure} is neither "open", "optional", "authenticated" nor a guard`);
}

/** Compiles one rule: its conjunctions are flattened, so that the guard that refuses can tell why. */
export function compileRule<P>(rule: Rule<P>): CompiledRule<P> {
  if (typeof rule === "string") return compiledWord[rule];
  const parts = conjunction(rule).map(({ check, message }) => ({ check, denied: refusalOf(check, message) }));
  return {
    admits: "principals",
    guards: parts.filter(({ check }) => !needsRequest(check)),
    requestGuards: parts.filter(({ check }) => needsRequest(check)),
    title: titleOf(rule),
    chain: undefined,
  };
}

/** How a rule reads in a listing. */
export function titleOf<P>(rule: Rule<P>): string {
  return typeof rule === "string" ? rule : guardTitle(rule);
}

interface Part<P> {
  readonly check: Guard<P>;
  readonly message: string | undefined;
}

/** The guards of a conjunction. The text of the whole stands before those of its parts. */
function conjunction<P>(guard: Guard<P>, outer?: string): readonly Part<P>[] {
  const message = outer ?? guard.denialMessage;
  return partsOf(guard)?.flatMap((part) => conjunction(part, message)) ?? [{ check: guard, message }];
}

function refusalOf<P>(check: Guard<P>, message: string | undefined): Denied {
  return deny("PERMISSION_DENIED", { missing: guardTitle(check), ...(message !== undefined && { message }) });
}
