import { Buffer } from "node:buffer";
import { generateKeyPairSync, type KeyObject, randomBytes } from "node:crypto";
import type { Algorithm } from "../../src/jwt/algorithms.ts";
import {
  hmacKey,
  type PrivateKey,
  privateKey,
  type SigningKey,
  type VerificationKey,
} from "../../src/jwt/key.ts";

/** A key pair, or a shared secret, in our form and in the one that other libraries take. */
export interface Fixture {
  readonly algorithm: Algorithm;
  readonly signer: SigningKey;
  readonly verifier: VerificationKey;
  /** For `jose`: what verifies. */
  readonly foreign: KeyObject | Uint8Array;
}

const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
const ed25519 = generateKeyPairSync("ed25519");
const pairs: Readonly<Record<string, typeof rsa>> = {
  RS: rsa,
  PS: rsa,
  ES256: generateKeyPairSync("ec", { namedCurve: "P-256" }),
  ES384: generateKeyPairSync("ec", { namedCurve: "P-384" }),
  ES512: generateKeyPairSync("ec", { namedCurve: "P-521" }),
  EdDSA: ed25519,
  Ed25519: ed25519,
};

function asymmetric(algorithm: Algorithm): Fixture {
  const pair = pairs[algorithm] ?? pairs[algorithm.slice(0, 2)] ?? rsa;
  const signer: PrivateKey = privateKey({ key: pair.privateKey, algorithm, kid: "k" });
  return { algorithm, signer, verifier: signer.publicKey, foreign: pair.publicKey };
}

function symmetric(algorithm: Algorithm): Fixture {
  const secret = randomBytes(64);
  const key = hmacKey({ secret, algorithm, kid: "k" });
  return { algorithm, signer: key, verifier: key, foreign: secret };
}

/** One key for each algorithm, all with the kid `k`. */
export const fixtures: readonly Fixture[] = [
  ...(["HS256", "HS384", "HS512"] as const).map(symmetric),
  ...(
    [
      "RS256",
      "RS384",
      "RS512",
      "PS256",
      "PS384",
      "PS512",
      "ES256",
      "ES384",
      "ES512",
      "EdDSA",
      "Ed25519",
    ] as const
  ).map(asymmetric),
];

export function encode(text: string | Uint8Array): string {
  return Buffer.from(text as string).toString("base64url");
}

/** Signs a header and a payload exactly as they are written. */
export function sign(
  header: string | object,
  payload: string | object | Uint8Array,
  signer: SigningKey,
): string {
  const text = (value: string | object) =>
    typeof value === "string" || value instanceof Uint8Array ? value : JSON.stringify(value);
  const input = `${encode(text(header))}.${encode(text(payload))}`;
  return `${input}.${signer.sign(input)}`;
}
