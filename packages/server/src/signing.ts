import type { Algorithm } from "countersign/jwt";
import {
  createKeyRing,
  hmacKey,
  type KeyRing,
  privateKey,
  type SigningKey,
  type VerificationKey,
} from "countersign/jwt";
import type { Config } from "./config/config.ts";
import { ConfigError } from "./config/config-error.ts";

/** What tokens are signed with, and what they are checked against. */
export interface Signing {
  readonly key: SigningKey;
  readonly ring: KeyRing;
}

/** Loads the configured key. Undefined if there is none; a `ConfigError` if it cannot be used. */
export function loadSigning({ auth, secrets }: Config): Signing | undefined {
  const { kid } = auth.jwt;
  const algorithm = auth.jwt.algorithm as Algorithm;
  const named = { algorithm, ...(kid !== undefined && { kid }) };
  try {
    if (secrets.jwtPrivateKey !== undefined) {
      const key = privateKey({ ...named, key: secrets.jwtPrivateKey });
      return { key, ring: createKeyRing([key.publicKey]) };
    }
    if (secrets.jwtSecret === undefined) return undefined;
    const key = hmacKey({ ...named, secret: secrets.jwtSecret });
    return { key, ring: createKeyRing([key satisfies VerificationKey]) };
  } catch (error) {
    // The text of a key error says what is wrong with the key, and nothing of the key.
    throw new ConfigError(`auth.jwt: ${(error as Error).message}`);
  }
}
