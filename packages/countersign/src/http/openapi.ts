import type { Auth } from "../core/auth.ts";
import type { Authenticator } from "../core/authenticator.ts";

/**
 * A security scheme of OpenAPI (section 4.8.27 of 3.1). For client certificates `mutualTLS` stands there, which types for
 * OpenAPI 3.0 do not know.
 */
export type SecurityScheme =
  | { readonly type: "http"; readonly scheme: string }
  | { readonly type: "apiKey"; readonly in: "header"; readonly name: string };

/** How callers prove who they are to one operation: any one of these; an empty one means that nobody has to. */
export type SecurityRequirement = Readonly<Record<string, readonly string[]>>;

export interface OperationSecurity {
  readonly security: readonly SecurityRequirement[];
  readonly schemes: Readonly<Record<string, SecurityScheme>>;
}

/** What a document says of a procedure, from its rule and its authenticators: nothing that is not in force. */
export function securityOf<P>(
  auth: Pick<Auth<P>, "ruleOf" | "authenticatorsOf">,
  procedure: string,
): OperationSecurity {
  const rule = auth.ruleOf(procedure);
  if (rule === "open") return { security: [], schemes: {} };
  const all = auth.authenticatorsOf(procedure).map((each) => [each.name, schemeOf(each)] as const);
  const needed = all.map(([name]) => ({ [name]: [] }));
  return { security: rule === "optional" ? [{}, ...needed] : needed, schemes: Object.fromEntries(all) };
}

function schemeOf({ header, challenge }: Pick<Authenticator<never>, "header" | "challenge">): SecurityScheme {
  if (header === undefined) return { type: "mutualTLS" } as unknown as SecurityScheme;
  if (header !== "authorization") return { type: "apiKey", in: "header", name: header };
  return { type: "http", scheme: (challenge ?? "Bearer").split(" ", 1)[0]?.toLowerCase() ?? "bearer" };
}
