/** Subpath `countersign/jwt`: JSON Web Tokens, signed and verified without I/O. */

export { type JwtOptions, jwt } from "./authenticator/jwt.ts";
export type { Algorithm } from "./jwt/algorithms.ts";
export type { TokenClaims } from "./jwt/claim-schema.ts";
export type { ClaimRules } from "./jwt/claims.ts";
export { type InvalidToken, isUnknownKey } from "./jwt/invalid-token.ts";
export type { Jwk, JwkSet } from "./jwt/jwk.ts";
export {
  type AsymmetricKeyOptions,
  type HmacKey,
  type HmacKeyOptions,
  hmacKey,
  importJwk,
  type PrivateKey,
  privateKey,
  publicKey,
  type SigningKey,
  toPublicJwk,
  type VerificationKey,
} from "./jwt/key.ts";
export { createKeyRing, type JwksOptions, jwksOf, type KeyRing, keyRingFromJwks } from "./jwt/key-ring.ts";
export { peekToken, type TokenOrigin } from "./jwt/peek.ts";
export {
  type CreateJwtOptions,
  claimsForUser,
  createJwtForUser,
  type SignOptions,
  signToken,
  signTokenAsync,
  type TokenUser,
  type UserClaimsOptions,
} from "./jwt/signer.ts";
export {
  createTokenCache,
  type TokenCache,
  type TokenCacheEntry,
  type TokenCacheOptions,
} from "./jwt/token-cache.ts";
export {
  createTokenVerifier,
  type TokenVerifier,
  type TokenVerifierOptions,
  type VerifiedToken,
} from "./jwt/verifier.ts";
