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

/**
 * What a document says of a procedure, from its rule and its authenticators: nothing that is not in force. `known` are the
 * schemes that the document has: another one of the same name is `name_2`.
 */
export function securityOf<P>(
  auth: Pick<Auth<P>, "ruleOf" | "authenticatorsOf">,
  procedure: string,
  known: Readonly<Record<string, SecurityScheme>> = {},
): OperationSecurity {
  const rule = auth.ruleOf(procedure);
  if (rule === "open") return { security: [], schemes: {} };
  const schemes: Record<string, SecurityScheme> = {};
  const needed = auth.authenticatorsOf(procedure).map((each) => {
    const scheme = schemeOf(each);
    const name = nameOf(each.name, scheme, { ...known, ...schemes });
    schemes[name] = scheme;
    return { [name]: [] };
  });
  return { security: rule === "optional" ? [{}, ...needed] : needed, schemes };
}

function nameOf(
  name: string,
  scheme: SecurityScheme,
  taken: Readonly<Record<string, SecurityScheme>>,
): string {
  const same = JSON.stringify(scheme);
  for (let count = 1; ; count++) {
    const free = count === 1 ? name : `${name}_${count}`;
    if (!Object.hasOwn(taken, free) || JSON.stringify(taken[free]) === same) return free;
  }
}

type HasScheme = Pick<Authenticator<never>, "header" | "challenge" | "scheme">;

function schemeOf({ header, challenge, scheme }: HasScheme): SecurityScheme {
  if (header === undefined) return { type: "mutualTLS" } as unknown as SecurityScheme;
  // Nothing stands before the credential: it is the whole value, as of any other header.
  if (header !== "authorization" || scheme === "") return { type: "apiKey", in: "header", name: header };
  return { type: "http", scheme: scheme?.toLowerCase() ?? challengeScheme(challenge) };
}

function challengeScheme(challenge = "Bearer"): string {
  return challenge.split(" ", 1)[0]?.toLowerCase() ?? "bearer";
}
