import type { Authenticator } from "./authenticator.ts";
import type { Chain } from "./chain.ts";
import {
  type CompiledRule,
  compileRule,
  type Mode,
  type Rule,
  type RuleTable,
  requireRule,
} from "./policy.ts";
import { type RouteGuards, type RouteRule, ruleOfGuards } from "./route-rule.ts";

/** Served without a credential by every server, in every mode. */
const healthProcedures = [
  "/grpc.health.v1.Health/Check",
  "/grpc.health.v1.Health/Watch",
  "/grpc.health.v1.Health/List",
];

export interface RuleBookOptions<P> {
  readonly tables: readonly RuleTable<P>[];
  readonly mode: Mode | undefined;
  /** Procedures that are open besides health checks. */
  readonly publicProcedures: readonly string[];
  /** Starts the authenticators of a route that has its own. */
  readonly chainOf: (authenticators: readonly Authenticator<P>[]) => Chain<P>;
}

/** What a server does beside calling `decide()`. */
export interface Door {
  /**
   * Those of its procedures that take one request, which it hands to `judgeRequest()` before the handler runs. Default:
   * none, and a rule that names the request stops the start.
   */
  readonly decoded?: readonly string[];
}

/** A route of plain HTTP as its door declares it. */
export interface Route<P> extends RouteRule<P> {
  /** Does the door hand the decoded request to `judgeRequest()`? Default: no. */
  readonly decoded?: boolean;
  /** What all routes of the door need that have no rule of their own; before the mode. */
  readonly otherwise?: RouteGuards<P> | undefined;
}

/** A line of the policy as it is in force. */
export interface RuleListing {
  readonly procedure: string;
  readonly rule: string;
  /** Where the rule comes from: a table, the list of public procedures, the mode, the program itself, or the route. */
  readonly source: "table" | "public" | "mode" | "built-in" | "route";
  /** Where a table was written: `proto`, or a file. Undefined for one in code. */
  readonly origin?: string;
}

/** Every rule in force, by procedure. Complete and free of contradictions, or the start stops. */
export class RuleBook<P> {
  readonly #rules = new Map<string, CompiledRule<P>>();
  readonly #sources = new Map<string, Source>();
  readonly #raw = new Map<string, Rule<P>>();
  readonly #asking = new Set<string>();
  readonly #served = new Set<string>();
  readonly #mode: Rule<P> | undefined;
  readonly #fallback: CompiledRule<P> | undefined;
  readonly #override: CompiledRule<P> | undefined;
  readonly #chainOf: RuleBookOptions<P>["chainOf"];

  constructor({ tables, mode, publicProcedures, chainOf }: RuleBookOptions<P>) {
    this.#chainOf = chainOf;
    this.#mode = fallbackOf(mode);
    this.#fallback = this.#mode && compileRule(this.#mode);
    this.#override = mode === "disabled" ? this.#fallback : undefined;
    for (const { origin, ...rest } of tables.flatMap(linesOf)) {
      requireRule(rest.procedure, rest.rule);
      this.#add(rest.procedure, rest.rule, origin === undefined ? inCode : { source: "table", origin });
    }
    for (const procedure of publicProcedures) {
      if (healthProcedures.includes(procedure)) continue;
      if (!/^(\/|[A-Z]+ \/)/.test(procedure)) {
        throw new TypeError(`"${procedure}" is no procedure: write "/package.Service/Method"`);
      }
      this.#add(procedure, "open", { source: "public" });
    }
    for (const procedure of healthProcedures) {
      if (!this.#rules.has(procedure)) this.#add(procedure, "open", { source: "built-in" });
    }
  }

  /** The rule that applies, or undefined: refuse. */
  find(procedure: string): CompiledRule<P> | undefined {
    return this.#override ?? this.#rules.get(procedure) ?? this.#fallback;
  }

  /** Does the rule in force need the request? Asked for each call, and next to nothing where no rule does. */
  needsRequest(procedure: string): boolean {
    return this.#asking.size > 0 && this.#override === undefined && this.#asking.has(procedure);
  }

  /** The rule as it was written, whatever the mode. */
  ruleOf(procedure: string): Rule<P> | undefined {
    return this.#override ? "open" : this.#raw.get(procedure);
  }

  /**
   * Declares what a server serves, and how. Throws a `TypeError` that lists the procedures without a rule, and those
   * whose rule needs a request that this server does not show.
   */
  serve(procedures: Iterable<string>, { decoded = [] }: Door = {}): void {
    const holes: string[] = [];
    const blind: string[] = [];
    for (const procedure of procedures) {
      this.#served.add(procedure);
      if (this.#mode !== undefined && !this.#rules.has(procedure))
        this.#add(procedure, this.#mode, { source: "mode" });
      if (!this.#rules.has(procedure)) holes.push(procedure);
      else if (this.needsRequest(procedure) && !decoded.includes(procedure)) blind.push(procedure);
    }
    if (holes.length > 0) {
      throw new TypeError(`no rule for ${holes.join(", ")}: add it to a rule table, or set a mode`);
    }
    if (blind.length > 0) {
      throw new TypeError(
        `the rule of ${blind.join(", ")} names the request, which is not there: the RPC takes a stream, or the door no bodies`,
      );
    }
  }

  /** Declares a route with what stands beside it. Throws a `TypeError` where there is no rule for it, or two. */
  serveRoute(procedure: string, { auth, guards, otherwise, decoded = false }: Route<P>): void {
    const served = this.#served.has(procedure);
    const own = guards ?? (this.#rules.has(procedure) ? undefined : otherwise);
    if (own !== undefined) this.#add(procedure, ruleOfGuards(procedure, own), { source: "route" });
    this.serve([procedure], decoded ? { decoded: [procedure] } : {});
    const rule = this.#rules.get(procedure);
    if (auth === undefined || rule === undefined) return;
    if (served) throw new TypeError(`two lists of authenticators for ${procedure}`);
    this.#rules.set(procedure, { ...rule, chain: this.#chainOf(auth) });
  }

  /** To be called when everything is registered. Throws a `TypeError` that lists the rules of what is not served. */
  seal(): void {
    const stray = [...this.#sources]
      .filter(([procedure, { source }]) => source !== "built-in" && !this.#served.has(procedure))
      .map(([procedure]) => procedure);
    if (stray.length > 0) throw new TypeError(`a rule, but no RPC: ${stray.join(", ")}`);
  }

  /** Every procedure that was declared. */
  served(): Iterable<string> {
    return this.#served;
  }

  list(): readonly RuleListing[] {
    return [...this.#rules].map(([procedure, rule]) => ({
      procedure,
      rule: rule.title,
      ...(this.#sources.get(procedure) ?? inCode),
    }));
  }

  #add(procedure: string, rule: Rule<P>, source: Source): void {
    const before = this.#sources.get(procedure);
    if (before !== undefined) throw new TypeError(`two rules for ${procedure}${whereText(before, source)}`);
    const compiled = compileRule(rule);
    this.#rules.set(procedure, compiled);
    this.#raw.set(procedure, rule);
    this.#sources.set(procedure, source);
    if (compiled.requestGuards.length > 0) this.#asking.add(procedure);
  }
}

type Source = Pick<RuleListing, "source" | "origin">;

const inCode: Source = { source: "table" };

function linesOf<P>(table: RuleTable<P>): readonly {
  readonly procedure: string;
  readonly rule: Rule<P>;
  readonly origin: string | undefined;
}[] {
  return [...table].map(([procedure, rule]) => ({ procedure, rule, origin: table.origin }));
}

/** Where two rules for one procedure stand, if that helps to find them. */
function whereText(...sources: readonly Source[]): string {
  const places = sources.map(({ source, origin }) => origin ?? placeNames[source]);
  return sources.some(({ origin }) => origin !== undefined) ? `: ${places.join(" and ")}` : "";
}

const placeNames = {
  table: "a table in code",
  public: "the list of public procedures",
  mode: "the mode",
  "built-in": "the program",
  route: "the route",
} as const satisfies Record<RuleListing["source"], string>;

const fallbacks = { required: "authenticated", optional: "optional", disabled: "open" } as const;

/** The rule of what has none. */
function fallbackOf(mode: Mode | undefined): "authenticated" | "optional" | "open" | undefined {
  if (mode === undefined || Object.hasOwn(fallbacks, mode)) return mode && fallbacks[mode];
  throw new TypeError(`the mode is "required", "optional" or "disabled", not "${mode}"`);
}
