import type { JsonObject } from "../jwt/json.ts";

/** The email address of a token, if its issuer says that it is the user's: `email_verified` is exactly `true`. */
export function verifiedEmail(claims: JsonObject): string | undefined {
  const { email, email_verified: verified } = claims as { email?: unknown; email_verified?: unknown };
  return verified === true && typeof email === "string" && email !== "" ? email : undefined;
}

/** The claims without an address that nobody has verified, so that nobody takes it for one. */
export function withoutUnverifiedEmail<C extends JsonObject>(claims: C): C {
  if (claims["email"] === undefined || verifiedEmail(claims) !== undefined) return claims;
  const { email: _, ...rest } = claims;
  return Object.freeze(rest) as C;
}
