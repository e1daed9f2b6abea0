import { andThen, type MaybePromise } from "../core/decision.ts";
import { type InvalidToken, invalidToken, isUnknownKey } from "../jwt/invalid-token.ts";
import type { KeyRing } from "../jwt/key-ring.ts";
import { peekToken } from "../jwt/peek.ts";
import {
  createTokenVerifier,
  type TokenVerifier,
  type TokenVerifierOptions,
  type VerifiedToken,
} from "../jwt/verifier.ts";
import type { Issuer } from "./issuer.ts";
import { IssuerUnavailable } from "./issuer-unavailable.ts";
import { type IssuedTokenRules, verifierOptions } from "./token-rules.ts";

type Verified = VerifiedToken | InvalidToken;

const notTheirs = invalidToken("not a token of this issuer");

/** A verifier of an issuer's tokens. It rejects with `IssuerUnavailable` when it cannot tell. */
export function createIssuerVerifier(issuer: Issuer, rules: IssuedTokenRules): TokenVerifier {
  return createFetchingVerifier(issuer, verifierOptions(issuer, rules), recognizer(issuer, rules));
}

/**
 * A verifier of tokens whose keys are fetched. It answers at once while the keys are there; otherwise, and for a key
 * that is not among them, it waits for a fetch. It rejects with `IssuerUnavailable` when it cannot tell.
 */
export function createFetchingVerifier(
  source: Pick<Issuer, "name" | "keys" | "elapsed">,
  rules: Omit<TokenVerifierOptions, "keys">,
  recognizes: (token: string) => boolean,
): TokenVerifier {
  const { keys, elapsed } = source;
  const verifier = createTokenVerifier({ ...rules, keys: () => keys.current() ?? tooOld(source) });

  function verifyWith(ring: KeyRing, token: string, now: () => number): MaybePromise<Verified> {
    return andThen(verifier.verify(token, now()), (result): MaybePromise<Verified> => {
      if (result.ok || !isUnknownKey(result) || !mayBeNew(token, ring)) return result;
      return keys.renew(ring).then((other) => (other === undefined ? result : verifier.verify(token, now())));
    });
  }

  return Object.freeze({
    recognizes,
    verify(token: string, nowMs: number) {
      const known = keys.current();
      const began = elapsed();
      const now = (): number => nowMs + elapsed() - began;
      if (known !== undefined) return verifyWith(known, token, now);
      // Nobody makes us fetch keys with what could not be of this issuer.
      if (!recognizes(token)) return notTheirs;
      return keys.load().then((ring) => verifyWith(ring, token, now));
    },
  });
}

function tooOld({ name }: Pick<Issuer, "name">): never {
  throw new IssuerUnavailable(`${name}: its keys are too old to be used`);
}

/** By its issuer and, because that tells access tokens from ID tokens, by its type. */
function recognizer({ names }: Issuer, rules: IssuedTokenRules): (token: string) => boolean {
  const issuers: ReadonlySet<unknown> = new Set(names);
  const standard = rules.kind === "access-token" && rules.typ !== "JWT";
  return (token) => {
    const seen = peekToken(token);
    return seen !== undefined && issuers.has(seen.issuer) && (seen.typ === "at+jwt") === standard;
  };
}

/** Could its key have been published since? Not where the name is known, and belongs to another algorithm. */
function mayBeNew(token: string, { keys }: KeyRing): boolean {
  const seen = peekToken(token);
  if (seen === undefined || seen.algorithm.startsWith("HS")) return false;
  return seen.kid === undefined || !keys.some(({ kid }) => kid === seen.kid);
}
