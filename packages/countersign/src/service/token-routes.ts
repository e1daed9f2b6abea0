import type { CallContext } from "../context/call-context.ts";
import { invalidArgument } from "../core/call-error.ts";
import type { TokenEndpoints } from "./token-endpoints.ts";

/** A form in, and what becomes JSON out. */
type Handler = (form: ReadonlyMap<string, string>, context: CallContext) => Promise<unknown>;

/** The handlers of the two forms. `token_type_hint` is not needed: our tokens tell what they are. */
export function tokenRoutes(endpoints: TokenEndpoints): Readonly<Record<"introspect" | "revoke", Handler>> {
  return Object.freeze({
    introspect: (form: ReadonlyMap<string, string>, context: CallContext) =>
      endpoints.introspect(tokenOf(form), context),
    revoke: (form: ReadonlyMap<string, string>, context: CallContext) =>
      endpoints.revoke(tokenOf(form), context),
  });
}

/** Longer than any token that is read here. */
const longestToken = 8192;

function tokenOf(form: ReadonlyMap<string, string>): string {
  const token = form.get("token");
  if (token === undefined) throw invalidArgument({ field: "token", description: "is missing" });
  if (token.length <= longestToken) return token;
  throw invalidArgument({ field: "token", description: `at most ${longestToken} characters` });
}
