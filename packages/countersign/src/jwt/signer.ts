import { Buffer } from "node:buffer";
import { randomBytes } from "node:crypto";
import type { UserAccount } from "../core/user.ts";
import { malformedClaim } from "./claim-schema.ts";
import type { JsonObject } from "./json.ts";
import { isSigningKey, type SigningKey } from "./key.ts";

export interface SignOptions {
  /** The header `typ`. Default `"JWT"`; `"at+jwt"` for RFC 9068. */
  readonly typ?: string;
}

/** Signs claims as they are; the caller decides what is in them. RSA blocks for about a millisecond. */
export function signToken(claims: JsonObject, key: SigningKey, options: SignOptions = {}): string {
  const input = signingInput(claims, key, options);
  return `${input}.${key.sign(input)}`;
}

/** The same, with the signature made on the thread pool. */
export async function signTokenAsync(
  claims: JsonObject,
  key: SigningKey,
  options: SignOptions = {},
): Promise<string> {
  const input = signingInput(claims, key, options);
  return `${input}.${await key.signPooled(input)}`;
}

export interface UserClaimsOptions {
  readonly issuer?: string;
  readonly audience?: string | readonly string[];
  /** Lifetime in seconds. Default 900. */
  readonly expiresIn?: number;
  /** The claim `token_type`. Default `"access"`. */
  readonly tokenType?: string;
  /** Claims to add, such as `permissions` or `sid`. None that is written here anyway. */
  readonly extraClaims?: JsonObject;
  /** Milliseconds since the epoch. Default: the clock. */
  readonly now?: number;
}

/** The part of a user that is written into a token. */
export type TokenUser = Pick<
  UserAccount,
  "id" | "username" | "email" | "isStaff" | "isSuperuser" | "roles" | "tenantId"
>;

/** Claims that `extraClaims` cannot set: they are written from the user and the options. */
const ownClaims = new Set(
  "iss sub aud exp iat jti user_id token_type username email is_staff is_superuser roles tenant".split(" "),
);

/** The claims of a token for this user: what `createJwtForUser` signs. A TypeError for claims we would not accept. */
export function claimsForUser(user: TokenUser, options: UserClaimsOptions = {}): JsonObject {
  const {
    issuer,
    audience,
    expiresIn = 900,
    tokenType = "access",
    extraClaims = {},
    now = Date.now(),
  } = options;
  if (!Number.isSafeInteger(expiresIn) || expiresIn < 1)
    throw new TypeError("expiresIn is a whole number of seconds");
  const own = Object.keys(extraClaims).find((claim) => ownClaims.has(claim));
  if (own !== undefined) throw new TypeError(`extraClaims cannot set ${own}`);
  const iat = Math.floor(now / 1000);
  const claims: JsonObject = {
    token_type: tokenType,
    exp: iat + expiresIn,
    iat,
    jti: randomBytes(16).toString("base64url"),
    sub: user.id,
    user_id: user.id,
    iss: issuer,
    aud: audience,
    username: user.username,
    email: user.email,
    is_staff: user.isStaff,
    is_superuser: user.isSuperuser,
    roles: user.roles,
    tenant: user.tenantId,
    ...extraClaims,
  };
  const wrong = malformedClaim(claims);
  if (wrong !== undefined) throw new TypeError(`the claim ${wrong} would be malformed`);
  return claims;
}

export interface CreateJwtOptions extends UserClaimsOptions, SignOptions {
  readonly key: SigningKey;
}

/** A signed token for this user. With RSA, prefer `signTokenAsync(claimsForUser(user), key)`. */
export function createJwtForUser(user: TokenUser, options: CreateJwtOptions): string {
  return signToken(claimsForUser(user, options), options.key, options);
}

function signingInput(claims: JsonObject, key: SigningKey, { typ = "JWT" }: SignOptions): string {
  if (!isSigningKey(key)) throw new TypeError("key must be made by hmacKey or privateKey");
  // This order, so that tokens begin with the familiar eyJ0eXAiOiJKV1Qi.
  const header = JSON.stringify({ typ, alg: key.algorithm, kid: key.kid });
  return `${encode(header)}.${encode(JSON.stringify(claims))}`;
}

function encode(text: string): string {
  return Buffer.from(text, "utf8").toString("base64url");
}
