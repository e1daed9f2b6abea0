import { isPromise, type MaybePromise } from "../core/decision.ts";
import type { Algorithm } from "./algorithms.ts";
import type { TokenClaims } from "./claim-schema.ts";
import { type ClaimRules, createClaimCheck, namesOf } from "./claims.ts";
import { faults, type InvalidToken } from "./invalid-token.ts";
import { JsonReader } from "./json.ts";
import { createJwsReader, type JwsReaderOptions, type VerifiedJws } from "./jws.ts";
import { type JwsHeader, mediaType } from "./jws-header.ts";
import { peekToken } from "./peek.ts";

/** A token that is right in every respect. */
export interface VerifiedToken {
  readonly ok: true;
  /** Every claim, as it was signed. Frozen (not what is in it), because a cache shares it between calls. */
  readonly claims: TokenClaims;
  /** `sub`, or the claim that stands for it. */
  readonly userId: string;
  readonly algorithm: Algorithm;
  /** Of the key that it was verified with, whether the token names it or not. */
  readonly kid: string | undefined;
  /** Good while `notBefore <= now < expiresAt`, in milliseconds since the epoch. The leeway is already in both. */
  readonly notBefore: number;
  /** `Infinity` for a token without `exp`, where those are accepted. */
  readonly expiresAt: number;
}

export interface TokenVerifierOptions extends ClaimRules, Pick<JwsReaderOptions, "keys" | "maxTokenLength"> {
  /**
   * The header `typ` that is required, in any case, with or without `application/` (RFC 8725 section 3.11), such as
   * `"at+jwt"`. Default: `JWT` or none.
   */
  readonly typ?: string;
}

/** Checks the tokens of one issuer. Without state but for the headers that it has seen: share one. */
export interface TokenVerifier {
  /** Checks a token at a moment in milliseconds since the epoch. Never throws for what is in a token. */
  verify(token: string, nowMs: number): MaybePromise<VerifiedToken | InvalidToken>;
  /**
   * Would this token be ours, if it is anybody's? By its issuer where one is configured, else by its key. Nothing of
   * it is verified: only good for choosing between several verifiers.
   */
  recognizes(token: string): boolean;
}

/** Makes a verifier. A TypeError for options that make no sense. */
export function createTokenVerifier(options: TokenVerifierOptions): TokenVerifier {
  const { typ, issuer, keys, ...rest } = options;
  const maxTokenLength = rest.maxTokenLength ?? 8192;
  const checkClaims = createClaimCheck(options);
  const payloads = new JsonReader();
  const issuers: ReadonlySet<unknown> | undefined =
    issuer === undefined ? undefined : namesOf(issuer, "issuer");
  const readJws = createJwsReader({ keys, maxTokenLength, checkHeader: typeCheck(typ) });

  function finish(jws: VerifiedJws | InvalidToken, nowMs: number): VerifiedToken | InvalidToken {
    if (!jws.ok) return jws;
    const claims = payloads.read(jws.payload);
    if (claims === undefined) return faults.payload;
    const read = checkClaims(claims, nowMs);
    if (!read.ok) return read;
    const { algorithm } = jws.header;
    const { kid } = jws;
    const { userId, notBefore, expiresAt } = read;
    return { ok: true, claims: Object.freeze(claims), userId, algorithm, kid, notBefore, expiresAt };
  }

  return Object.freeze({
    verify(token: string, nowMs: number) {
      const jws = readJws(token);
      return isPromise(jws) ? jws.then((read) => finish(read, nowMs)) : finish(jws, nowMs);
    },
    recognizes(token: string) {
      const seen = peekToken(token, maxTokenLength);
      if (seen === undefined) return false;
      if (issuers !== undefined) return issuers.has(seen.issuer);
      return (typeof keys === "function" ? keys() : keys).find(seen.kid, seen.algorithm) !== undefined;
    },
  });
}

function typeCheck(typ: string | undefined): (header: JwsHeader) => InvalidToken | undefined {
  if (typ === undefined)
    return (header) => (header.typ === undefined || header.typ === "jwt" ? undefined : faults.type);
  if (typeof typ !== "string" || typ === "") throw new TypeError("typ must be a string that is not empty");
  const required = mediaType(typ);
  return (header) => (header.typ === required ? undefined : faults.type);
}
