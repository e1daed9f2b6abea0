import { Buffer } from "node:buffer";
import { createHmac, createSecretKey, hash } from "node:crypto";
import type { HashName } from "./algorithms.ts";

/** Block and digest length of each hash, in bytes (FIPS 180-4). */
const lengths: Readonly<Record<HashName, readonly [block: number, digest: number]>> = {
  sha256: [64, 32],
  sha384: [128, 48],
  sha512: [128, 64],
};

/** Longest input of the fast path, in characters: a whole token of default size. */
const maxFastInput = 8192;

/**
 * HMAC (RFC 2104) under one secret: maps a text, as UTF-8, to its MAC in base64url. Two one-shot hashes over buffers
 * that already hold the padded key cost half of a `createHmac`. Synchronous throughout, so the buffers can be shared
 * by all calls.
 */
export function createMac(hashName: HashName, secret: Uint8Array): (input: string) => string {
  const [block, digestBytes] = lengths[hashName];
  const inner = Buffer.alloc(block + maxFastInput + 4);
  const outer = Buffer.alloc(block + digestBytes);
  const key = secret.length > block ? hash(hashName, secret, "buffer") : secret;
  for (let i = 0; i < block; i++) {
    const byte = key[i] ?? 0;
    inner[i] = byte ^ 0x36;
    outer[i] = byte ^ 0x5c;
  }
  const slowKey = createSecretKey(secret);
  return function mac(input: string): string {
    const fits = input.length <= maxFastInput;
    // Other than ASCII takes more bytes than characters, or runs into the four spare bytes: never the same count.
    if (!fits || inner.write(input, block, "utf8") !== input.length) {
      return createHmac(hashName, slowKey).update(input, "utf8").digest("base64url");
    }
    outer.write(hash(hashName, inner.subarray(0, block + input.length), "binary"), block, "latin1");
    return hash(hashName, outer, "base64url");
  };
}

/** Compares two texts in time that depends on their lengths only. */
export function equalInConstantTime(expected: string, received: string): boolean {
  if (expected.length !== received.length) return false;
  let difference = 0;
  for (let i = 0; i < expected.length; i++) difference |= expected.charCodeAt(i) ^ received.charCodeAt(i);
  return difference === 0;
}
