import { createHmac } from "node:crypto";

/** Seconds of one time step (RFC 6238 section 5.2), and digits of a code (RFC 4226 section 5.3). */
const stepSeconds = 30;
const digits = 6;

/** How many steps a clock may be off, each way (RFC 6238 section 5.2). */
const window = 1;

/** The number of the time step at a moment. */
export function totpStep(atMs: number): number {
  return Math.floor(atMs / 1000 / stepSeconds);
}

/** The code of a time step: RFC 4226 section 5.3 over HMAC-SHA-1, which is what authenticator apps support. */
export function totpCode(secret: Uint8Array, step: number): string {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const mac = createHmac("sha1", secret).update(counter).digest();
  const offset = (mac.at(-1) ?? 0) & 0x0f;
  const truncated = mac.readUInt32BE(offset) & 0x7fff_ffff;
  return String(truncated % 10 ** digits).padStart(digits, "0");
}

/**
 * The step that a code belongs to, near a moment; undefined if to none. All steps of the window are looked at, whichever
 * fits. That a step is used once is for a store to see to.
 */
export function matchTotp(secret: Uint8Array, code: string, atMs: number): number | undefined {
  if (!/^\d{6}$/.test(code)) return undefined;
  const now = totpStep(atMs);
  let matched: number | undefined;
  for (let step = now - window; step <= now + window; step++) {
    if (equal(totpCode(secret, step), code)) matched = step;
  }
  return matched;
}

function equal(expected: string, received: string): boolean {
  let difference = expected.length ^ received.length;
  for (let index = 0; index < expected.length; index++) {
    difference |= expected.charCodeAt(index) ^ received.charCodeAt(index);
  }
  return difference === 0;
}

const base32Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/** Base32 without padding (RFC 4648 section 6), the form in which people type a secret. */
export function toBase32(bytes: Uint8Array): string {
  let text = "";
  let bits = 0;
  let value = 0;
  for (const byte of bytes) {
    value = ((value << 8) | byte) & 0xffff;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += base32Alphabet.charAt((value >> bits) & 31);
    }
  }
  return bits === 0 ? text : text + base32Alphabet.charAt((value << (5 - bits)) & 31);
}
