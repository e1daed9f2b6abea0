import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createHmac, generateKeyPairSync, randomBytes } from "node:crypto";
import type { InvalidToken } from "../../src/jwt/invalid-token.ts";
import { hmacKey, privateKey, type VerificationKey } from "../../src/jwt/key.ts";
import { createKeyRing } from "../../src/jwt/key-ring.ts";
import {
  createTokenVerifier,
  type TokenVerifierOptions,
  type VerifiedToken,
} from "../../src/jwt/verifier.ts";
import { encode } from "./fixtures.ts";

export const now = 1_800_000_000_000;
export const claims = { sub: "7", exp: now / 1000 + 900, token_type: "access" };
export const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
export const ec = generateKeyPairSync("ec", { namedCurve: "P-256" });
export const ed = generateKeyPairSync("ed25519");
export const rs256 = privateKey({ key: rsa.privateKey, algorithm: "RS256", kid: "r" });
export const es256 = privateKey({ key: ec.privateKey, algorithm: "ES256", kid: "e" });
export const hs256 = hmacKey({ secret: randomBytes(32), algorithm: "HS256", kid: "h" });

type Outcome = VerifiedToken | InvalidToken;

export function check(
  key: VerificationKey,
  token: string,
  options: Partial<TokenVerifierOptions> = {},
): Promise<Outcome> {
  return Promise.resolve(createTokenVerifier({ keys: createKeyRing([key]), ...options }).verify(token, now));
}

export async function refuses(
  key: VerificationKey,
  token: string,
  what = token,
  options: Partial<TokenVerifierOptions> = {},
) {
  const outcome = await check(key, token, options);
  assert.ok(!outcome.ok && outcome.reason === "TOKEN_INVALID", what);
}

/** A token whose MAC is made with any bytes as the secret, as an attacker would. */
export function forgeHmac(header: object, secret: Uint8Array | string, hash = "sha256"): string {
  const input = `${encode(JSON.stringify(header))}.${encode(JSON.stringify(claims))}`;
  return `${input}.${createHmac(hash, secret).update(input).digest("base64url")}`;
}

/** The public key in every rendering that an attacker might sign with. */
export function renderings(pair: typeof rsa): Buffer[] {
  const spki = pair.publicKey.export({ type: "spki", format: "pem" }) as string;
  const der = pair.publicKey.export({ type: "spki", format: "der" });
  const jwk = JSON.stringify(pair.publicKey.export({ format: "jwk" }));
  const pkcs1 = pair === rsa ? [pair.publicKey.export({ type: "pkcs1", format: "pem" }) as string] : [];
  const pems = [spki, ...pkcs1].flatMap((pem) => [
    pem,
    pem.trim(),
    `\n${pem}`,
    ` ${pem}`,
    `\ufeff${pem}`,
    pem.replaceAll("\n", "\r\n"),
    pem.replaceAll("\n", ""),
  ]);
  const texts = [
    ...pems,
    jwk,
    `{"keys":[${jwk}]}`,
    der.toString("base64"),
    der.toString("base64url"),
    der.toString("hex"),
  ];
  return [der, ...texts.map((text) => Buffer.from(text))];
}
