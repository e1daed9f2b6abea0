import type { Algorithm } from "./algorithms.ts";
import { decodeBase64url } from "./base64url.ts";
import { JsonReader } from "./json.ts";
import { parseJwsHeader } from "./jws-header.ts";

/** What an unverified token says of its origin. Whoever sends it can write anything here. */
export interface TokenOrigin {
  readonly algorithm: Algorithm;
  readonly kid: string | undefined;
  readonly issuer: string | undefined;
  /** The header `typ`, in lower case and without `application/`. */
  readonly typ: string | undefined;
}

const reader = new JsonReader();

/**
 * Reads where a token claims to come from, without any check of its signature: to choose the verifier that it is then
 * put to, and for nothing else. Undefined for what no verifier would accept.
 */
export function peekToken(token: string, maxTokenLength = 8192): TokenOrigin | undefined {
  if (typeof token !== "string" || token.length > maxTokenLength) return undefined;
  const [head = "", body = "", ...rest] = token.split(".", 4);
  if (rest.length !== 1) return undefined;
  const header = parseJwsHeader(head);
  if ("ok" in header) return undefined;
  const bytes = decodeBase64url(body);
  const claims = bytes && reader.read(bytes);
  if (claims === undefined) return undefined;
  const issuer = claims["iss"];
  return {
    algorithm: header.algorithm,
    kid: header.kid,
    typ: header.typ,
    issuer: typeof issuer === "string" ? issuer : undefined,
  };
}
