import { type CompiledRule, compileRule, type Mode, type RuleTable, requireRule } from "./policy.ts";

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
}

/** A line of the policy as it is in force. */
export interface RuleListing {
  readonly procedure: string;
  readonly rule: string;
  /** Where the rule comes from: a table, the list of public procedures, the mode, or the program itself. */
  readonly source: "table" | "public" | "mode" | "built-in";
}

/** Every rule in force, by procedure. Complete and free of contradictions, or the start stops. */
export class RuleBook<P> {
  readonly #rules = new Map<string, CompiledRule<P>>();
  readonly #sources = new Map<string, RuleListing["source"]>();
  readonly #served = new Set<string>();
  readonly #fallback: CompiledRule<P> | undefined;
  readonly #override: CompiledRule<P> | undefined;

  constructor({ tables, mode, publicProcedures }: RuleBookOptions<P>) {
    this.#fallback = fallbackOf(mode);
    this.#override = mode === "disabled" ? this.#fallback : undefined;
    for (const [procedure, rule] of tables.flatMap((table) => [...table])) {
      requireRule(procedure, rule);
      this.#add(procedure, compileRule(rule), "table");
    }
    for (const procedure of publicProcedures) {
      if (healthProcedures.includes(procedure)) continue;
      if (!/^(\/|[A-Z]+ \/)/.test(procedure)) {
        throw new TypeError(`"${procedure}" is no procedure: write "/package.Service/Method"`);
      }
      this.#add(procedure, compileRule("open"), "public");
    }
    for (const procedure of healthProcedures) {
      if (!this.#rules.has(procedure)) this.#add(procedure, compileRule("open"), "built-in");
    }
  }

  /** The rule that applies, or undefined: refuse. */
  find(procedure: string): CompiledRule<P> | undefined {
    if (this.#override !== undefined) return this.#override;
    return this.#rules.get(procedure) ?? this.#fallback;
  }

  /** Declares what a server serves. Throws a `TypeError` that lists the procedures without a rule. */
  serve(procedures: Iterable<string>): void {
    const holes: string[] = [];
    for (const procedure of procedures) {
      this.#served.add(procedure);
      if (this.#rules.has(procedure)) continue;
      if (this.#fallback === undefined) holes.push(procedure);
      else this.#add(procedure, this.#fallback, "mode");
    }
    if (holes.length > 0) {
      throw new TypeError(`no rule for ${holes.join(", ")}: add it to a rule table, or set a mode`);
    }
  }

  /** To be called when everything is registered. Throws a `TypeError` that lists the rules of what is not served. */
  seal(): void {
    const stray = [...this.#sources]
      .filter(([procedure, source]) => source !== "built-in" && !this.#served.has(procedure))
      .map(([procedure]) => procedure);
    if (stray.length > 0) throw new TypeError(`a rule, but no RPC: ${stray.join(", ")}`);
  }

  list(): readonly RuleListing[] {
    return [...this.#rules].map(([procedure, rule]) => ({
      procedure,
      rule: rule.title,
      source: this.#sources.get(procedure) ?? "table",
    }));
  }

  #add(procedure: string, rule: CompiledRule<P>, source: RuleListing["source"]): void {
    if (this.#rules.has(procedure)) throw new TypeError(`two rules for ${procedure}`);
    this.#rules.set(procedure, rule);
    this.#sources.set(procedure, source);
  }
}

function fallbackOf<P>(mode: Mode | undefined): CompiledRule<P> | undefined {
  switch (mode) {
    case undefined:
      return undefined;
    case "required":
      return compileRule("authenticated");
    case "optional":
      return compileRule("optional");
    case "disabled":
      return compileRule("open");
    default:
      throw new TypeError(`the mode is "required", "optional" or "disabled", not "${String(mode)}"`);
  }
}
