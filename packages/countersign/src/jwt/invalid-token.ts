/** Why a token is refused. A value, made once per cause: refusing costs no allocation. */
export interface InvalidToken {
  readonly ok: false;
  /** `TOKEN_EXPIRED` only for a token that is right in every other respect, its signature first of all. */
  readonly reason: "TOKEN_INVALID" | "TOKEN_EXPIRED";
  /** For logs: a constant text that holds no part of the token. */
  readonly cause: string;
}

/** A refusal for this cause, to be made once and kept. */
export function invalidToken(cause: string): InvalidToken {
  return Object.freeze({ ok: false, reason: "TOKEN_INVALID", cause });
}

/** The one refusal that tells the caller to get a new token. */
export const expiredToken: InvalidToken = Object.freeze({
  ok: false,
  reason: "TOKEN_EXPIRED",
  cause: "expired",
});

const unknownKey = invalidToken("no key for this kid and alg");

/** Refusals that do not depend on configuration. */
export const faults = Object.freeze({
  unknownKey,
  length: invalidToken("longer than allowed, or not a string"),
  shape: invalidToken("not three parts"),
  header: invalidToken("header is not strict JSON in base64url"),
  algorithm: invalidToken("algorithm is not known"),
  critical: invalidToken("header has crit, b64 or zip"),
  headerMember: invalidToken("kid or typ is not a short string"),
  type: invalidToken("typ is another kind of token"),
  signature: invalidToken("signature does not match"),
  encoding: invalidToken("payload is not canonical base64url"),
  payload: invalidToken("payload is not a strict JSON object"),
});

/** Did the token ask for a key that the ring does not have? Where keys rotate, that is when to fetch them again. */
export function isUnknownKey(refusal: InvalidToken): boolean {
  return refusal === unknownKey;
}
