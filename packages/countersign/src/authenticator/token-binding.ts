import type { Call } from "../core/call.ts";
import { type InvalidToken, invalidToken } from "../jwt/invalid-token.ts";
import { certificateThumbprint } from "./certificate-thumbprint.ts";

/** What a token is bound to: the thumbprint of its holder's client certificate, or nothing. */
export type TokenBinding = string | undefined;

/** Refusals of bound tokens. */
export const bindingFaults = Object.freeze({
  /** A binding that is not understood is not ignored: the token was not meant for whoever merely has it. */
  unknown: invalidToken("claim cnf is not one x5t#S256, which is the only binding known here"),
  broken: invalidToken("bound to a client certificate that this connection does not have"),
});

/**
 * What the claims of a verified token bind it to (RFC 7800 section 3, RFC 8705 section 3.1). A `cnf` must have exactly one member, `x5t#S256`.
 */
export function tokenBinding(claims: Readonly<Record<string, unknown>>): TokenBinding | InvalidToken {
  const { cnf } = claims;
  if (cnf === undefined && !Object.hasOwn(claims, "cnf")) return undefined;
  if (typeof cnf !== "object" || cnf === null || Array.isArray(cnf)) return bindingFaults.unknown;
  const [[member, thumbprint] = [], ...more] = Object.entries(cnf);
  const known = member === "x5t#S256" && more.length === 0;
  return known && typeof thumbprint === "string" && /^[\w-]{43}$/.test(thumbprint)
    ? thumbprint
    : bindingFaults.unknown;
}

/** Does the call come over a connection with the certificate that the token is bound to? */
export function holdsBinding(binding: string, { peer }: Call): boolean {
  const { certificate } = peer;
  return certificate !== undefined && certificateThumbprint(certificate) === binding;
}
