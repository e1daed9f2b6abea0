import { Buffer } from "node:buffer";
import type { MaybePromise } from "../core/decision.ts";
import { decodeBase64url } from "./base64url.ts";
import { faults, type InvalidToken } from "./invalid-token.ts";
import { type JwsHeader, parseJwsHeader } from "./jws-header.ts";
import { isKeyRing, type KeyRing } from "./key-ring.ts";
import { KnownHeaders, type ReadHeader } from "./known-headers.ts";
import { enterPool, prefersPool } from "./verification-pool.ts";

/** A JWS whose signature is right. */
export interface VerifiedJws {
  readonly ok: true;
  readonly header: JwsHeader;
  /** Of the key that the signature is from, whether the header names it or not. */
  readonly kid: string | undefined;
  readonly payload: Buffer;
}

export interface JwsReaderOptions {
  /** The issuer's keys; a function where they rotate, asked for each token. It must answer with a ring. */
  readonly keys: KeyRing | (() => KeyRing);
  /** Longest token that is looked at, in characters. Default 8192, at most 65536. */
  readonly maxTokenLength?: number;
  /** Refuses a header, before any signature is checked. Default: none is refused. */
  readonly checkHeader?: (header: JwsHeader) => InvalidToken | undefined;
}

/** Reads one token: verifies first, decodes the payload afterwards. Synchronous unless the thread pool pays. */
export type ReadJws = (token: string) => MaybePromise<VerifiedJws | InvalidToken>;

/** Makes a reader of compact JWS (RFC 7515 section 3.1) for one issuer's keys. */
export function createJwsReader(options: JwsReaderOptions): ReadJws {
  const { keys, maxTokenLength = 8192, checkHeader } = options;
  if (!Number.isInteger(maxTokenLength) || maxTokenLength < 1 || maxTokenLength > 65536) {
    throw new TypeError("maxTokenLength is a whole number from 1 to 65536");
  }
  if (typeof keys !== "function") requireRing(keys);
  const known = new KnownHeaders();

  function readHeader(segment: string, ring: KeyRing): ReadHeader | InvalidToken {
    const header = parseJwsHeader(segment);
    if ("ok" in header) return header;
    const refusal = checkHeader?.(header);
    if (refusal !== undefined) return refusal;
    const key = ring.find(header.kid, header.algorithm);
    if (key === undefined) return faults.unknownKey;
    const prefix = Buffer.from(`${segment}.`, "latin1").toString("latin1");
    return { prefix, header, key, ring };
  }

  function finish(valid: boolean, entry: ReadHeader, payload: string): VerifiedJws | InvalidToken {
    if (!valid) return faults.signature;
    known.remember(entry);
    const bytes = decodeBase64url(payload);
    const { header, key } = entry;
    return bytes === undefined ? faults.encoding : { ok: true, header, kid: key.kid, payload: bytes };
  }

  return function readJws(token) {
    if (typeof token !== "string" || token.length > maxTokenLength) return faults.length;
    const firstDot = token.indexOf(".");
    const secondDot = token.indexOf(".", firstDot + 1);
    if (firstDot <= 0 || secondDot < 0 || token.indexOf(".", secondDot + 1) >= 0) return faults.shape;
    const ring = typeof keys === "function" ? requireRing(keys()) : keys;
    const entry = known.find(token, firstDot, ring) ?? readHeader(token.slice(0, firstDot), ring);
    if ("ok" in entry) return entry;
    const input = token.slice(0, secondDot);
    const signature = token.slice(secondDot + 1);
    const payload = token.slice(firstDot + 1, secondDot);
    const { key } = entry;
    if (key.verifyPooled !== undefined && prefersPool()) {
      return enterPool(key.verifyPooled(input, signature)).then((valid) => finish(valid, entry, payload));
    }
    return finish(key.verify(input, signature), entry, payload);
  };
}

/** What a resolver answers is checked each time: a missing key must never look like an empty one. */
function requireRing(value: unknown): KeyRing {
  if (!isKeyRing(value)) throw new TypeError("keys must be a key ring, or a function that answers with one");
  return value;
}
