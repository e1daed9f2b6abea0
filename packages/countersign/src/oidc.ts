/** Subpath `countersign/oidc`: tokens of other issuers, by their published keys or by asking them. */

export type { ClaimMapping, ForeignPrincipalOptions } from "./authenticator/foreign-principal.ts";
export { type IntrospectionOptions, introspection } from "./authenticator/introspection.ts";
export type { LinkedAccounts } from "./authenticator/linked-accounts.ts";
export { type OidcOptions, oidc } from "./authenticator/oidc.ts";
export type { ProvisioningStore, ProvisionOptions } from "./authenticator/provisioner.ts";
export {
  createIntrospector,
  type IntrospectionClient,
  type Introspector,
  type IntrospectorOptions,
} from "./oidc/introspector.ts";
export { createIssuer, type Issuer, type IssuerOptions } from "./oidc/issuer.ts";
export { IssuerUnavailable } from "./oidc/issuer-unavailable.ts";
export type { AccessTokenRules, IdTokenRules, IssuedTokenRules } from "./oidc/token-rules.ts";
export { verifiedEmail } from "./oidc/verified-email.ts";
export { createIdTokenVerifier, type ExpectedLogin, type IdTokenVerifier } from "./oidc/verify-id-token.ts";
