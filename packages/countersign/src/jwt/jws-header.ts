import { type Algorithm, isAlgorithm } from "./algorithms.ts";
import { decodeBase64url } from "./base64url.ts";
import { faults, type InvalidToken } from "./invalid-token.ts";
import { JsonReader } from "./json.ts";

/** What is read of a protected header. `jku`, `jwk`, `x5u` and `x5c` are not: keys come from configuration only. */
export interface JwsHeader {
  readonly algorithm: Algorithm;
  readonly kid: string | undefined;
  /** Media type in lower case, without `application/` (RFC 7515 section 4.1.9). */
  readonly typ: string | undefined;
}

const reader = new JsonReader();

/** Reads a protected header strictly, or tells what is wrong with it. */
export function parseJwsHeader(segment: string): JwsHeader | InvalidToken {
  const bytes = decodeBase64url(segment);
  const header = bytes && reader.read(bytes);
  if (header === undefined) return faults.header;
  const { alg, kid, typ } = header as { alg?: unknown; kid?: unknown; typ?: unknown };
  if (!isAlgorithm(alg)) return faults.algorithm;
  // Every extension is one that we do not understand (RFC 7515 section 4.1.11); b64 and zip change what was signed.
  if ("crit" in header || "b64" in header || "zip" in header) return faults.critical;
  if (!isShortText(kid) || !isShortText(typ)) return faults.headerMember;
  return { algorithm: alg, kid, typ: typ === undefined ? undefined : mediaType(typ) };
}

/** A `typ` as it is compared. */
export function mediaType(typ: string): string {
  const lower = typ.toLowerCase();
  return lower.startsWith("application/") ? lower.slice("application/".length) : lower;
}

function isShortText(value: unknown): value is string | undefined {
  return value === undefined || (typeof value === "string" && value.length > 0 && value.length <= 128);
}
