import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from "node:crypto";

/*
 * cs_refresh_<session>_<generation>_<mac>
 *
 * A refresh token is derived, not random: the HMAC of a server key over the session and the number of the rotation. So
 * nothing of it is stored, a successor can be told twice to whoever asked twice, and a forged one costs no look-up.
 */

/** What a refresh token says, once its MAC is right. */
export interface ParsedRefreshToken {
  readonly sessionId: string;
  readonly generation: number;
}

export interface RefreshTokens {
  /** The token of a session's rotation. The same answer for the same question. */
  issue(sessionId: string, generation: number): string;
  /** Undefined for anything that was not issued under one of these keys. */
  parse(token: string): ParsedRefreshToken | undefined;
}

const form = /^cs_refresh_([A-Za-z0-9_-]{16,64})\.(\d{1,9})\.([A-Za-z0-9_-]{43})$/;

/**
 * Derives tokens under a key of at least 32 bytes, which is used for nothing else. What was derived under the previous ones is
 * accepted as well.
 */
export function createRefreshTokens(secret: Uint8Array, ...previous: readonly Uint8Array[]): RefreshTokens {
  const [key, ...others] = [secret, ...previous].map(toKey);
  if (key === undefined) throw new TypeError("refresh tokens need a key");
  const macOf = (sessionId: string, generation: number, under = key): Buffer =>
    createHmac("sha256", under).update(`refresh\n${sessionId}\n${generation}`).digest();

  return Object.freeze({
    issue(sessionId: string, generation: number): string {
      const token = `cs_refresh_${sessionId}.${generation}.${macOf(sessionId, generation).toString("base64url")}`;
      if (!form.test(token)) throw new TypeError("not the id of a session, or not a generation");
      return token;
    },
    parse(token: string): ParsedRefreshToken | undefined {
      const [, sessionId, digits, mac] = form.exec(token) ?? [];
      if (sessionId === undefined || digits === undefined || mac === undefined) return undefined;
      const generation = Number(digits);
      const received = Buffer.from(mac, "base64url");
      const isOf = (expected: Buffer): boolean =>
        received.length === expected.length && timingSafeEqual(received, expected);
      const same =
        isOf(macOf(sessionId, generation)) ||
        others.some((other) => isOf(macOf(sessionId, generation, other)));
      // The text is compared too: one MAC has several spellings in base64url.
      return same && String(generation) === digits && received.toString("base64url") === mac
        ? { sessionId, generation }
        : undefined;
    },
  });
}

function toKey(secret: Uint8Array): KeyObject {
  if (!(secret instanceof Uint8Array) || secret.length < 32)
    throw new TypeError("the key of refresh tokens has at least 32 bytes");
  return createSecretKey(secret);
}
