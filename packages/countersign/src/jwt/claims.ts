import { isIdentifier, isNumericDate, malformedClaim, type TokenClaims } from "./claim-schema.ts";
import { expiredToken, type InvalidToken, invalidToken } from "./invalid-token.ts";
import type { JsonObject } from "./json.ts";

/** What a token's claims must say. */
export interface ClaimRules {
  /** The `iss` that is required, compared exactly; a list where an issuer has several spellings. Default: any or none. */
  readonly issuer?: string | readonly string[];
  /**
   * Who we are: `aud` is required and must name one of these. Default: a token with an `aud` is refused, because it
   * is meant for somebody else (RFC 7519 section 4.1.3). `false`: `aud` is not looked at.
   */
  readonly audience?: string | readonly string[] | false;
  /** The `token_type` that is required. Default `"access"`; `false` for issuers that do not write the claim. */
  readonly tokenType?: string | false;
  /** Tolerance for clocks that differ, in seconds, on `exp` and `nbf`. Default 5, at most 60. */
  readonly leewaySeconds?: number;
  /** Longest lifetime, in seconds: `iat` is required, `exp - iat` bounded, and the end no further away than that. */
  readonly maxLifetimeSeconds?: number;
  /** Claims that must be there, beside the ones that other rules require. */
  readonly requiredClaims?: readonly string[];
  /** The claim to take where `sub` is absent: a string or a whole number. Default `"user_id"`. */
  readonly userIdClaim?: string;
  /** Is `exp` required? Default true. */
  readonly requireExpiration?: boolean;
  /** A further check, after all others but the times: the refusal, or undefined. Never throws. */
  readonly alsoCheck?: (claims: TokenClaims, nowMs: number) => InvalidToken | undefined;
}

/** What the rules read out of the claims. */
export interface ReadClaims {
  readonly ok: true;
  readonly userId: string;
  /** First and last moment in milliseconds since the epoch, leeway included: good while `notBefore <= now < expiresAt`. */
  readonly notBefore: number;
  readonly expiresAt: number;
}

/** Checks the claims of a token whose signature is right. */
export type CheckClaims = (claims: JsonObject, nowMs: number) => ReadClaims | InvalidToken;

type Check = (claims: JsonObject, nowMs: number) => InvalidToken | undefined;

const malformed = new Map<string, InvalidToken>();
const noSubject = invalidToken("claim sub is missing");
const noExpiration = invalidToken("claim exp is missing");

/** Compiles rules. A TypeError for a rule that makes no sense. */
export function createClaimCheck(rules: ClaimRules = {}): CheckClaims {
  const { leewaySeconds = 5, userIdClaim = "user_id", requireExpiration = true } = rules;
  if (!Number.isFinite(leewaySeconds) || leewaySeconds < 0 || leewaySeconds > 60) {
    throw new TypeError("leewaySeconds is a number from 0 to 60");
  }
  requireText(userIdClaim, "userIdClaim");
  const leewayMs = leewaySeconds * 1000;
  const notYet = invalidToken("not valid yet");
  const checks: readonly Check[] = [
    required(rules),
    issuer(rules.issuer),
    audience(rules.audience),
    tokenType(rules.tokenType),
    lifetime(rules.maxLifetimeSeconds, leewayMs),
    rules.alsoCheck as Check | undefined,
  ].filter((check) => check !== undefined);

  return function checkClaims(claims, nowMs) {
    const claim = malformedClaim(claims);
    if (claim !== undefined) return malformedFault(claim);
    for (const check of checks) {
      const refusal = check(claims, nowMs);
      if (refusal !== undefined) return refusal;
    }
    const { sub, nbf, exp } = claims as { sub?: string; nbf?: number; exp?: number };
    if (exp === undefined && requireExpiration) return noExpiration;
    const userId = sub ?? alternativeUserId(claims, userIdClaim);
    if (userId === undefined) return noSubject;
    const notBefore = nbf === undefined ? 0 : nbf * 1000 - leewayMs;
    if (nowMs < notBefore) return notYet;
    const expiresAt = exp === undefined ? Number.POSITIVE_INFINITY : exp * 1000 + leewayMs;
    return nowMs < expiresAt ? { ok: true, userId, notBefore, expiresAt } : expiredToken;
  };
}

function malformedFault(claim: string): InvalidToken {
  const known = malformed.get(claim) ?? invalidToken(`claim ${claim} is malformed`);
  malformed.set(claim, known);
  return known;
}

function alternativeUserId(claims: JsonObject, name: string): string | undefined {
  if (!Object.hasOwn(claims, name)) return undefined;
  const id = claims[name];
  if (isIdentifier(id)) return id;
  return Number.isSafeInteger(id) ? String(id) : undefined;
}

function required({ requiredClaims = [] }: ClaimRules): Check | undefined {
  for (const name of requiredClaims) requireText(name, "requiredClaims");
  if (requiredClaims.length === 0) return undefined;
  const missing = requiredClaims.map((name) => [name, invalidToken(`claim ${name} is missing`)] as const);
  return (claims) => {
    for (const [name, refusal] of missing) if (!Object.hasOwn(claims, name)) return refusal;
    return undefined;
  };
}

function issuer(expected: ClaimRules["issuer"]): Check | undefined {
  if (expected === undefined) return undefined;
  const accepted: ReadonlySet<unknown> = namesOf(expected, "issuer");
  const refusal = invalidToken("claim iss is another issuer");
  return (claims) => (accepted.has(claims["iss"]) ? undefined : refusal);
}

/** A name or a list of names as a set. A TypeError for an empty list, and for what is no name. */
export function namesOf(names: string | readonly string[], option: string): ReadonlySet<string> {
  const set = new Set(typeof names === "string" ? [names] : names);
  if (set.size === 0) throw new TypeError(`${option} is a name, or a list of at least one`);
  for (const name of set) requireText(name, option);
  return set;
}

function audience(expected: ClaimRules["audience"]): Check | undefined {
  if (expected === false) return undefined;
  if (expected === undefined) {
    const refusal = invalidToken("claim aud is there, and no audience is configured");
    return (claims) => (claims["aud"] === undefined ? undefined : refusal);
  }
  const accepted: ReadonlySet<unknown> = namesOf(expected, "audience");
  const refusal = invalidToken("claim aud is another audience");
  return ({ ["aud"]: aud }) => {
    const named = Array.isArray(aud) ? aud.some((name) => accepted.has(name)) : accepted.has(aud);
    return named ? undefined : refusal;
  };
}

function tokenType(expected: string | false = "access"): Check | undefined {
  if (expected === false) return undefined;
  requireText(expected, "tokenType");
  const refusal = invalidToken("claim token_type is another type");
  return (claims) => (claims["token_type"] === expected ? undefined : refusal);
}

/** The end is bounded as well as the difference: an `iat` in the future would otherwise stretch a short lifetime. */
function lifetime(maxSeconds: number | undefined, leewayMs: number): Check | undefined {
  if (maxSeconds === undefined) return undefined;
  if (!Number.isSafeInteger(maxSeconds) || maxSeconds < 1)
    throw new TypeError("maxLifetimeSeconds is a whole number");
  const refusal = invalidToken("lifetime is longer than allowed");
  return ({ ["iat"]: iat, ["exp"]: exp }, nowMs) => {
    if (!isNumericDate(iat) || !isNumericDate(exp)) return refusal;
    return exp - iat <= maxSeconds && exp * 1000 <= nowMs + maxSeconds * 1000 + leewayMs
      ? undefined
      : refusal;
  };
}

function requireText(value: unknown, option: string): void {
  if (typeof value !== "string" || value === "")
    throw new TypeError(`${option} must be a string that is not empty`);
}
