import type { Authenticator } from "../core/authenticator.ts";
import { requireKnown } from "../core/known-options.ts";
import type { Principal } from "../core/principal.ts";
import type { Issuer } from "../oidc/issuer.ts";
import { createIssuerVerifier } from "../oidc/issuer-verifier.ts";
import type { IssuedTokenRules } from "../oidc/token-rules.ts";
import { createForeignerFinder, type ForeignPrincipalOptions } from "./foreign-principal.ts";
import { type TokenAuthenticatorOptions, tokenAuthenticator, tokenOptions } from "./jwt.ts";

/** With `kind: "id-token"` a `clientId`, with `kind: "access-token"` an `audience`. */
export type OidcOptions<P> = IssuedTokenRules &
  ForeignPrincipalOptions &
  TokenAuthenticatorOptions<P> & {
    /** Made by `createIssuer()`. Several authenticators may share one. */
    readonly issuer: Issuer;
  };

const oidcOptions = [
  ...tokenOptions,
  ...(["issuer", "accounts", "mapping", "kind"] as const),
  ...(["leewaySeconds", "maxLifetimeSeconds", "requiredValues"] as const),
] satisfies (keyof OidcOptions<unknown>)[];
const ofKind = {
  "id-token": ["clientId", "trustedAudiences", "authorizedParties"],
  "access-token": ["audience", "typ"],
} as const;

/**
 * Tokens of another issuer: ID tokens of OpenID Connect, or access tokens (RFC 9068). A warm check is that of `jwt()`,
 * and goes on while the issuer cannot be reached; a token that is new then is `UNAVAILABLE`.
 */
export function oidc<P = Principal>(options: OidcOptions<P>): Authenticator<P> {
  const { issuer, name = "oidc", kind } = options;
  if (!Object.hasOwn(ofKind, kind)) throw new TypeError('the kind is "id-token" or "access-token"');
  requireKnown("oidc()", options, [...oidcOptions, ...ofKind[kind]]);
  const find = createForeignerFinder(name, options);
  return tokenAuthenticator(options, {
    name,
    verifier: createIssuerVerifier(issuer, options),
    principal: ({ claims }, roles) => find({ issuer: issuer.name, claims }, roles),
  });
}
