import { hash } from "node:crypto";
import { type Algorithm, algorithms } from "../jwt/algorithms.ts";
import { isNumericDate, type TokenClaims } from "../jwt/claim-schema.ts";
import { type InvalidToken, invalidToken } from "../jwt/invalid-token.ts";
import type { VerifiedToken } from "../jwt/verifier.ts";
import type { Issuer } from "./issuer.ts";
import { createIssuerVerifier } from "./issuer-verifier.ts";
import type { IdTokenRules } from "./token-rules.ts";

/** What a login flow knows of the ID token that it waits for. */
export interface ExpectedLogin {
  /** What was sent as `nonce`: the token must have exactly it. Undefined: none was sent, and the token must have none. */
  readonly nonce?: string | undefined;
  /** What was sent as `max_age`, in seconds: `auth_time` is required, and no older than that. */
  readonly maxAgeSeconds?: number | undefined;
  /** The access token that came with it: an `at_hash` must be of it. */
  readonly accessToken?: string | undefined;
  /** The code that came with it: a `c_hash` must be of it. */
  readonly code?: string | undefined;
  /** Milliseconds since the epoch. Default: the clock. */
  readonly now?: number | undefined;
}

/** Checks the ID tokens that login flows get. Share one: it remembers headers. */
export interface IdTokenVerifier {
  /** Rejects with `IssuerUnavailable` when the issuer's keys cannot be had. */
  verify(token: string, expected?: ExpectedLogin): Promise<VerifiedToken | InvalidToken>;
}

/** All of OpenID Connect Core 1.0 section 3.1.3.7, for a login flow of one's own. */
export function createIdTokenVerifier(issuer: Issuer, rules: Omit<IdTokenRules, "kind">): IdTokenVerifier {
  const verifier = createIssuerVerifier(issuer, { ...rules, kind: "id-token" });
  const leewaySeconds = rules.leewaySeconds ?? 5;
  return Object.freeze({
    async verify(token: string, expected: ExpectedLogin = {}) {
      const now = expected.now ?? Date.now();
      const result = await verifier.verify(token, now);
      if (!result.ok) return result;
      return checkLogin(result, { ...expected, now, leewaySeconds }) ?? result;
    },
  });
}

const faults = Object.freeze({
  nonce: invalidToken("claim nonce is not the one that was sent"),
  authTime: invalidToken("claim auth_time is missing or malformed"),
  age: invalidToken("claim auth_time is longer ago than allowed"),
  accessToken: invalidToken("claim at_hash is of another access token"),
  code: invalidToken("claim c_hash is of another code"),
});

type Login = ExpectedLogin & { readonly now: number; readonly leewaySeconds: number };

/** What is wrong with a verified ID token for this login; undefined if nothing is. Pure. */
export function checkLogin({ claims, algorithm }: VerifiedToken, expected: Login): InvalidToken | undefined {
  const { nonce, maxAgeSeconds, accessToken, code, now, leewaySeconds } = expected;
  if (claims["nonce"] !== nonce) return faults.nonce;
  if (maxAgeSeconds !== undefined) {
    const authTime = claims["auth_time"];
    if (!isNumericDate(authTime)) return faults.authTime;
    if ((authTime + maxAgeSeconds + leewaySeconds) * 1000 < now) return faults.age;
  }
  if (!isHashOf(claims, "at_hash", accessToken, algorithm)) return faults.accessToken;
  if (!isHashOf(claims, "c_hash", code, algorithm)) return faults.code;
  return undefined;
}

/** The left half of the hash of the token's own algorithm (section 3.1.3.6). A claim that is not there says nothing. */
function isHashOf(
  claims: TokenClaims,
  name: "at_hash" | "c_hash",
  value: string | undefined,
  algorithm: Algorithm,
): boolean {
  const claim = claims[name];
  if (claim === undefined || value === undefined) return true;
  // Ed25519 hashes with SHA-512 (RFC 8032 section 5.1).
  const digest = hash(algorithms[algorithm].hash ?? "sha512", value, "buffer");
  return claim === digest.subarray(0, digest.length / 2).toString("base64url");
}
