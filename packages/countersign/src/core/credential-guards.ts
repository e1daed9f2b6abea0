import { type Guard, named, requireName } from "./guard.ts";
import type { Principal } from "./principal.ts";

/** Credentials that were granted a scope by name: an API key's own, or a token's `scope` (RFC 8693 section 4.2). */
export function hasScope(scope: string): Guard<Pick<Principal, "apiKey" | "claims">> {
  requireName("hasScope", scope);
  const text = { title: `hasScope(${scope})`, denialMessage: `Scope '${scope}' required` };
  return named(
    text,
    ({ apiKey, claims }) => apiKey?.scopes.includes(scope) ?? scopesOf(claims).includes(scope),
  );
}

/** Callers whose credential was recognised by the authenticator of this name. */
export function fromAuthenticator(name: string): Guard<Pick<Principal, "authenticator">> {
  requireName("fromAuthenticator", name);
  return named({ title: `fromAuthenticator(${name})` }, ({ authenticator }) => authenticator === name);
}

/** Callers who have logged in no longer ago than this, by the token's `auth_time` (OpenID Connect Core section 2). */
export function maxAuthAge(seconds: number, now: () => number = Date.now): Guard<Pick<Principal, "claims">> {
  if (!Number.isSafeInteger(seconds) || seconds <= 0)
    throw new TypeError("maxAuthAge() takes whole seconds, more than none");
  const text = { title: `maxAuthAge(${seconds}s)`, denialMessage: "Recent login required" };
  return named(text, ({ claims }) => {
    const { auth_time: at } = claims;
    return typeof at === "number" && now() / 1000 - at <= seconds;
  });
}

/** Callers who have logged in with a second factor, by the token's `amr` (RFC 8176 section 2). */
export const requireMfa: Guard<Pick<Principal, "claims">> = named(
  { title: "requireMfa", denialMessage: "Second factor required" },
  ({ claims: { amr } }) => Array.isArray(amr) && (amr.includes("mfa") || amr.includes("otp")),
);

function scopesOf({ scope }: Principal["claims"]): readonly string[] {
  return typeof scope === "string" ? scope.split(" ") : [];
}
