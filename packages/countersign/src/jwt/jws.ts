import { Buffer } from "node:buffer";
import type { MaybePromise } from "../core/decision.ts";
import { decodeBase64url } from "./base64url.ts";
import { faults, type InvalidToken } from "./invalid-token.ts";
import { type JwsHeader, parseJwsHeader } from "./jws-header.ts";
import type { VerificationKey } from "./key.ts";
import { isKeyRing, type KeyRing } from "./key-ring.ts";
import { enterPool, prefersPool } from "./verification-pool.ts";

/** A JWS whose signature is right. */
export interface VerifiedJws {
  readonly ok: true;
  readonly header: JwsHeader;
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

/** A header that is known because a token with it has verified. `prefix` is its segment and the dot. */
interface KnownHeader {
  readonly prefix: string;
  readonly header: JwsHeader;
  readonly key: VerificationKey;
  readonly ring: KeyRing;
}

/** An issuer has one header per key; more than a few means that they vary without need. */
const maxKnownHeaders = 32;

/** Makes a reader of compact JWS (RFC 7515 section 3.1) for one issuer's keys. */
export function createJwsReader(options: JwsReaderOptions): ReadJws {
  const { keys, maxTokenLength = 8192, checkHeader } = options;
  if (!Number.isInteger(maxTokenLength) || maxTokenLength < 1 || maxTokenLength > 65536) {
    throw new TypeError("maxTokenLength is a whole number from 1 to 65536");
  }
  if (typeof keys !== "function") requireRing(keys);
  const known = new Map<string, KnownHeader>();
  let latest: KnownHeader | undefined;

  function knownHeader(token: string, firstDot: number, ring: KeyRing): KnownHeader | undefined {
    let entry = latest;
    // Nearly every token has the header of the one before; comparing it in place saves a slice and its hash.
    if (entry === undefined || !token.startsWith(entry.prefix))
      entry = known.get(token.slice(0, firstDot + 1));
    return entry?.ring === ring ? entry : undefined;
  }

  function remember(entry: KnownHeader): void {
    if (known.size >= maxKnownHeaders && !known.has(entry.prefix)) known.clear();
    known.set(entry.prefix, entry);
    latest = entry;
  }

  function readHeader(segment: string, ring: KeyRing): KnownHeader | InvalidToken {
    const header = parseJwsHeader(segment);
    if ("ok" in header) return header;
    const refusal = checkHeader?.(header);
    if (refusal !== undefined) return refusal;
    const key = ring.find(header.kid, header.algorithm);
    if (key === undefined) return faults.unknownKey;
    // Detached from the token, which a slice would keep in memory.
    const prefix = Buffer.from(`${segment}.`, "latin1").toString("latin1");
    return { prefix, header, key, ring };
  }

  function finish(valid: boolean, entry: KnownHeader, payload: string): VerifiedJws | InvalidToken {
    if (!valid) return faults.signature;
    if (entry !== latest) remember(entry);
    const bytes = decodeBase64url(payload);
    return bytes === undefined ? faults.encoding : { ok: true, header: entry.header, payload: bytes };
  }

  return function readJws(token) {
    if (typeof token !== "string" || token.length > maxTokenLength) return faults.length;
    const firstDot = token.indexOf(".");
    const secondDot = token.indexOf(".", firstDot + 1);
    if (firstDot <= 0 || secondDot < 0 || token.indexOf(".", secondDot + 1) >= 0) return faults.shape;
    const ring = typeof keys === "function" ? requireRing(keys()) : keys;
    const entry = knownHeader(token, firstDot, ring) ?? readHeader(token.slice(0, firstDot), ring);
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
