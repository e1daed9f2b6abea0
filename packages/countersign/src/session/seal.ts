import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject, randomBytes } from "node:crypto";

/** Encrypts small secrets for keeping them in a database. */
export interface Seal {
  /** `purpose` is bound to the result: what was sealed for one cannot be opened for another. */
  seal(plain: Uint8Array, purpose: string): Uint8Array;
  /** Throws if it was not sealed under one of these keys for this purpose, or was changed since. */
  open(sealed: Uint8Array, purpose: string): Uint8Array;
}

/**
 * AES-256-GCM (NIST SP 800-38D) with a random nonce: version, nonce, tag, text. A key has exactly 32 bytes; the first one seals, and
 * the previous ones open as well.
 */
export function createSeal(masterKey: Uint8Array, ...previous: readonly Uint8Array[]): Seal {
  const [key, ...others] = [masterKey, ...previous].map(toKey);
  if (key === undefined) throw new TypeError("a seal needs a master key");
  return Object.freeze({
    seal(plain: Uint8Array, purpose: string): Uint8Array {
      const nonce = randomBytes(nonceLength);
      const cipher = createCipheriv("aes-256-gcm", key, nonce).setAAD(Buffer.from(purpose));
      const text = Buffer.concat([cipher.update(plain), cipher.final()]);
      return Buffer.concat([Buffer.from([version]), nonce, cipher.getAuthTag(), text]);
    },
    open(sealed: Uint8Array, purpose: string): Uint8Array {
      if (sealed[0] !== version || sealed.length < headLength)
        throw new Error("not a sealed secret of this version");
      for (const one of others) {
        try {
          return open(sealed, purpose, one);
        } catch {
          // Under another key.
        }
      }
      return open(sealed, purpose, key);
    },
  });
}

function open(sealed: Uint8Array, purpose: string, key: KeyObject): Uint8Array {
  const nonce = sealed.subarray(1, 1 + nonceLength);
  const decipher = createDecipheriv("aes-256-gcm", key, nonce, { authTagLength: tagLength });
  decipher.setAAD(Buffer.from(purpose)).setAuthTag(sealed.subarray(1 + nonceLength, headLength));
  return Buffer.concat([decipher.update(sealed.subarray(headLength)), decipher.final()]);
}

function toKey(masterKey: Uint8Array): KeyObject {
  if (!(masterKey instanceof Uint8Array) || masterKey.length !== 32)
    throw new TypeError("a master key has 32 bytes");
  return createSecretKey(masterKey);
}

const version = 1;
const nonceLength = 12;
const tagLength = 16;
const headLength = 1 + nonceLength + tagLength;
