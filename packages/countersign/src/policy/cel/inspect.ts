import type { parse } from "@bufbuild/cel";
import type { DescMessage } from "@bufbuild/protobuf";
import { nearest } from "../nearest.ts";
import type { ConditionBounds } from "./bounds.ts";
import { fieldType, neverEqual, type ValueType } from "./value-type.ts";

export type Expression = ReturnType<typeof parse>["expr"];

/** What a condition needs, found by looking at it. */
export interface Inspected {
  /** Members of the principal that it names. */
  readonly principal: ReadonlySet<string>;
  readonly call: ReadonlySet<string>;
  /** Fields of the request that it names. */
  readonly request: ReadonlySet<string>;
  /** What it matches texts with. */
  readonly patterns: ReadonlySet<string>;
}

export interface InspectOptions {
  readonly bounds: ConditionBounds;
  readonly input: DescMessage | undefined;
}

/** Of each variable: its members, and their types. */
export const variables = {
  principal: {
    ...{
      user_id: "string",
      username: "string",
      email: "string",
      authenticator: "string",
      client_id: "string",
      tenant_id: "string",
    },
    ...{ is_staff: "bool", is_superuser: "bool", auth_time: "number" },
    ...{ roles: { elements: "string" }, permissions: { elements: "string" }, scopes: { elements: "string" } },
    claims: "unknown",
  },
  call: { procedure: "string", protocol: "string", peer_address: "string" },
} as const satisfies Record<string, Readonly<Record<string, ValueType>>>;

/** Every function and operator there is, and what it answers with. */
const functions: Readonly<Record<string, ValueType>> = {
  ...{
    "_&&_": "bool",
    "_||_": "bool",
    "!_": "bool",
    "_==_": "bool",
    "_!=_": "bool",
    "@not_strictly_false": "bool",
  },
  ...{ "_<_": "bool", "_<=_": "bool", "_>_": "bool", "_>=_": "bool", "@in": "bool" },
  ...{
    "_+_": "unknown",
    "_-_": "unknown",
    "_*_": "number",
    "_/_": "number",
    "_%_": "number",
    "-_": "number",
  },
  ...{ "_?_:_": "unknown", "_[_]": "unknown", size: "number", dyn: "unknown" },
  ...{ startsWith: "bool", endsWith: "bool", contains: "bool", matches: "bool" },
  ...{ int: "number", uint: "number", double: "number", string: "string", bytes: "bytes", bool: "bool" },
  ...{ timestamp: "unknown", duration: "unknown" },
  ...{
    getFullYear: "number",
    getMonth: "number",
    getDate: "number",
    getDayOfMonth: "number",
    getDayOfWeek: "number",
  },
  ...{
    getDayOfYear: "number",
    getHours: "number",
    getMinutes: "number",
    getSeconds: "number",
    getMilliseconds: "number",
  },
};

/**
 * Looks at a parsed condition. Throws a `TypeError` for what is too large, names nothing that there is, can never be true,
 * or could take a caller's word for how much work to do: one loop in another, a pattern that is not written out.
 */
export function inspect(expression: Expression, options: InspectOptions): Inspected {
  const inspector = new Inspector(options);
  const type = inspector.visit(expression, 1, new Map());
  if (type !== "bool" && type !== "unknown") throw new TypeError("is not true or false");
  return inspector.found;
}

type Scope = ReadonlyMap<string, ValueType>;

class Inspector {
  readonly found = {
    principal: new Set<string>(),
    call: new Set<string>(),
    request: new Set<string>(),
    patterns: new Set<string>(),
  };
  readonly #options: InspectOptions;
  #nodes = 0;
  #looping = false;

  constructor(options: InspectOptions) {
    this.#options = options;
  }

  visit(expression: Expression | undefined, depth: number, scope: Scope): ValueType {
    const { bounds } = this.#options;
    this.#nodes += 1;
    if (this.#nodes > bounds.nodes) throw new TypeError(`has more than ${bounds.nodes} parts`);
    if (depth > bounds.depth) throw new TypeError(`has parts more than ${bounds.depth} deep in one another`);
    const { exprKind } = expression ?? { exprKind: { case: undefined } };
    switch (exprKind.case) {
      case "constExpr":
        return constantType(exprKind.value.constantKind.case);
      case "identExpr":
        return this.#name(exprKind.value.name, scope);
      case "selectExpr":
        return this.#select(exprKind.value, depth, scope);
      case "callExpr":
        return this.#call(exprKind.value, depth, scope);
      case "listExpr":
        for (const element of exprKind.value.elements) this.visit(element, depth + 1, scope);
        return "list";
      case "structExpr":
        return this.#map(exprKind.value, depth, scope);
      case "comprehensionExpr":
        return this.#loop(exprKind.value, depth, scope);
      default:
        throw new TypeError("has a part that is nothing");
    }
  }

  #name(name: string, scope: Scope): ValueType {
    const type = scope.get(name);
    if (type !== undefined) return type;
    if (name === "request" || Object.hasOwn(variables, name))
      throw new TypeError(`names ${name} as a whole: select a member of it`);
    throw new TypeError(
      `names ${name}, which is nothing here${nearest(name, [...Object.keys(variables), "request"])}`,
    );
  }

  #select({ operand, field, testOnly }: Select, depth: number, scope: Scope): ValueType {
    const type = this.#member(operand, field, depth, scope);
    if (testOnly) return "bool";
    return type;
  }

  #member(operand: Expression | undefined, field: string, depth: number, scope: Scope): ValueType {
    const variable = operand?.exprKind.case === "identExpr" ? operand.exprKind.value.name : undefined;
    if (variable !== undefined && !scope.has(variable)) return this.#variable(variable, field, scope);
    const type = this.visit(operand, depth + 1, scope);
    if (typeof type === "string" || !("message" in type)) {
      if (type === "unknown" || type === "map") return "unknown";
      throw new TypeError(`selects ${field} of what has no members`);
    }
    return fieldOf(type.message, field);
  }

  #variable(name: string, field: string, scope: Scope): ValueType {
    if (name === "request") {
      const { input } = this.#options;
      if (input === undefined)
        throw new TypeError(
          "names the request, and no descriptor says what that is: give those of the service",
        );
      this.found.request.add(field);
      return fieldOf(input, field);
    }
    if (name !== "principal" && name !== "call") return this.#name(name, scope);
    const members: Readonly<Record<string, ValueType>> = variables[name];
    const type = Object.hasOwn(members, field) ? members[field] : undefined;
    if (type === undefined)
      throw new TypeError(`${name} has no ${field}${nearest(field, Object.keys(members))}`);
    this.found[name].add(field);
    return type;
  }

  #call({ function: name, target, args }: Call, depth: number, scope: Scope): ValueType {
    const answer = Object.hasOwn(functions, name) ? functions[name] : undefined;
    if (answer === undefined)
      throw new TypeError(`calls ${name}, which there is not${nearest(name, Object.keys(functions))}`);
    const operands = target === undefined ? args : [target, ...args];
    if (name === "matches") this.#pattern(operands[1]);
    const types = operands.map((operand) => this.visit(operand, depth + 1, scope));
    const [left = "unknown", right = "unknown"] = types;
    if ((name === "_==_" || name === "_!=_") && neverEqual(left, right))
      throw new TypeError(
        `compares a ${typeName(left)} with a ${typeName(right)}, which are never equal: convert one, as in string(request.id)`,
      );
    if (name === "_[_]" && typeof left !== "string" && "elements" in left) return left.elements;
    return answer;
  }

  /** Written out, so that no caller chooses how much work it is. */
  #pattern(pattern: Expression | undefined): void {
    const kind = pattern?.exprKind.case === "constExpr" ? pattern.exprKind.value.constantKind : undefined;
    if (kind?.case !== "stringValue") throw new TypeError("matches a pattern that is not written out");
    this.found.patterns.add(kind.value);
  }

  #map({ messageName, entries }: Struct, depth: number, scope: Scope): ValueType {
    if (messageName !== "") throw new TypeError(`makes a ${messageName}: conditions make no messages`);
    for (const { keyKind, value } of entries) {
      if (keyKind.case === "mapKey") this.visit(keyKind.value, depth + 1, scope);
      this.visit(value, depth + 1, scope);
    }
    return "map";
  }

  #loop(loop: Comprehension, depth: number, scope: Scope): ValueType {
    if (this.#looping) throw new TypeError("has one loop in another");
    const range = this.visit(loop.iterRange, depth + 1, scope);
    this.#looping = true;
    const element: ValueType = typeof range !== "string" && "elements" in range ? range.elements : "unknown";
    const result = this.visit(loop.accuInit, depth + 1, scope);
    const inner = new Map([...scope, [loop.iterVar, element], [loop.accuVar, result]]);
    this.visit(loop.loopCondition, depth + 1, inner);
    this.visit(loop.loopStep, depth + 1, inner);
    const type = this.visit(loop.result, depth + 1, inner);
    this.#looping = false;
    return type;
  }
}

type Kind<C extends string> =
  Extract<Expression["exprKind"], { readonly case: C }> extends { readonly value: infer V } ? V : never;
type Select = Kind<"selectExpr">;
type Call = Kind<"callExpr">;
type Struct = Kind<"structExpr">;
type Comprehension = Kind<"comprehensionExpr">;

function fieldOf(message: DescMessage, name: string): ValueType {
  const field = message.fields.find((candidate) => candidate.name === name);
  if (field !== undefined) return fieldType(field);
  const names = message.fields.map((candidate) => candidate.name);
  throw new TypeError(`${message.name} has no field ${name}${nearest(name, names)}`);
}

function constantType(kind: string | undefined): ValueType {
  if (kind === "boolValue") return "bool";
  if (kind === "stringValue") return "string";
  if (kind === "bytesValue") return "bytes";
  return kind === "nullValue" ? "null" : "number";
}

function typeName(type: ValueType): string {
  return typeof type === "string" ? type : "message" in type ? type.message.name : "list";
}
