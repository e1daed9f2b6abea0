import {
  createHash,
  createPrivateKey,
  generateKeyPair,
  type JsonWebKey,
  type KeyObject,
  randomBytes,
} from "node:crypto";
import { promisify } from "node:util";
import { type Algorithm, type AlgorithmSpec, algorithmSpec } from "../jwt/algorithms.ts";
import { checkJwk, isJwk, type Jwk, jwkAlgorithm, symmetricJwk } from "../jwt/jwk.ts";
import { hmacKey, privateKey, type SigningKey, toPublicJwk, type VerificationKey } from "../jwt/key.ts";

/** A key with everything that it is made of. */
export interface KeyMaterial {
  readonly kid: string;
  readonly algorithm: Algorithm;
  /** Private, or a shared secret. */
  readonly jwk: Jwk;
}

/** What a key's material is good for. */
export interface LoadedPair {
  readonly signing: SigningKey;
  readonly verification: VerificationKey;
}

/** A key as it is imported. */
export interface KeyImport {
  /** A private key as PEM (PKCS#8, PKCS#1, SEC 1) or as a JWK; a shared secret as a JWK. */
  readonly text: string;
  /** Default: the JWK's `alg`, else what fits the type of the key: RS256, ES256, ES384, ES512, EdDSA, HS256. */
  readonly algorithm?: Algorithm | undefined;
  /** Default: the JWK's `kid`, else the key's thumbprint, and a random one for a shared secret. */
  readonly kid?: string | undefined;
}

const generatePair = promisify(generateKeyPair);

/** Makes a key: RSA of 2048 bits, the algorithm's curve, or a secret as long as its hash. */
export async function generateKey(algorithm: Algorithm): Promise<KeyMaterial> {
  const spec = algorithmSpec(algorithm);
  for (;;) {
    const jwk = await generateJwk(spec);
    const kid = kidOf(jwk, algorithm);
    // Else a command line takes it for an option.
    if (!kid.startsWith("-")) return { kid, algorithm, jwk };
  }
}

/** Reads a key. Throws a TypeError, without any part of the key, for one that cannot sign or that is weak. */
export function readKey({ text, algorithm, kid }: KeyImport): KeyMaterial {
  const given = text.trimStart().startsWith("{") ? readJwk(text) : privateJwkOf(readPem(text));
  const chosen = algorithmOf(given, algorithm);
  const named = kid ?? given.kid ?? kidOf(given, chosen);
  // Looks at use, key_ops and strength; what is kept is the key alone.
  loadKey({ kid: named, algorithm: chosen, jwk: given });
  const jwk =
    given.kty === "oct"
      ? { kty: "oct", k: given["k"] }
      : privateJwkOf(createPrivateKey({ key: { ...given } as JsonWebKey, format: "jwk" }));
  return { kid: named, algorithm: chosen, jwk };
}

/** Loads a key. Throws a TypeError if it does not fit its algorithm, or is weak. */
export function loadKey({ kid, algorithm, jwk }: KeyMaterial): LoadedPair {
  if (jwk.kty !== "oct") {
    const key = privateKey({ key: jwk, algorithm, kid });
    return { signing: key, verification: key.publicKey };
  }
  checkJwk(jwk, algorithmSpec(algorithm), "sign");
  const key = hmacKey({ secret: symmetricJwk(jwk), algorithm, kid });
  return { signing: key, verification: key };
}

async function generateJwk(spec: AlgorithmSpec): Promise<Jwk> {
  switch (spec.family) {
    case "hmac":
      return { kty: "oct", k: randomBytes(spec.hashBytes).toString("base64url") };
    case "rsa":
    case "rsa-pss":
      return privateJwkOf((await generatePair("rsa", { modulusLength: 2048 })).privateKey);
    case "ecdsa":
      return privateJwkOf((await generatePair("ec", { namedCurve: spec.namedCurve ?? "" })).privateKey);
    case "eddsa":
      return privateJwkOf((await generatePair("ed25519")).privateKey);
  }
}

function readJwk(text: string): Jwk {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    // Without a cause: the parser's message quotes the text.
    throw new TypeError("the key begins like a JWK, and is no JSON");
  }
  if (isJwk(parsed)) return parsed;
  const isSet = typeof parsed === "object" && parsed !== null && "keys" in parsed;
  throw new TypeError(isSet ? "one JWK is expected, not a set of them" : "a JWK has a member kty");
}

function readPem(text: string): KeyObject {
  if (/-----BEGIN [A-Z0-9 ]*ENCRYPTED|Proc-Type: 4,ENCRYPTED/.test(text)) {
    throw new TypeError("the key is encrypted: take the passphrase off first (openssl pkey)");
  }
  if (!text.includes("PRIVATE KEY-----")) throw new TypeError("a private key in PEM, or a JWK, is expected");
  try {
    return createPrivateKey(text);
  } catch {
    throw new TypeError("the private key cannot be read");
  }
}

function privateJwkOf(key: KeyObject): Jwk {
  if (key.asymmetricKeyType === "rsa-pss") {
    throw new TypeError("a key of type RSASSA-PSS has no form as a JWK: use a key of type RSA");
  }
  try {
    return key.export({ format: "jwk" }) as Jwk;
  } catch {
    throw new TypeError("no algorithm fits this type of key");
  }
}

const preferred: readonly Algorithm[] = ["HS256", "RS256", "ES256", "ES384", "ES512", "EdDSA"];

function algorithmOf(jwk: Jwk, wanted: Algorithm | undefined): Algorithm {
  if (wanted !== undefined) return algorithmSpec(wanted).name;
  if (jwk.alg !== undefined) return algorithmSpec(jwk.alg).name;
  const fitting = jwkAlgorithm(jwk, preferred);
  if (fitting === undefined) throw new TypeError("no algorithm fits this type of key");
  return fitting.name;
}

const thumbprinted: Readonly<Record<string, readonly string[]>> = {
  EC: ["crv", "kty", "x", "y"],
  OKP: ["crv", "kty", "x"],
  RSA: ["e", "kty", "n"],
};

/** RFC 7638. A shared secret's would say something of the secret: it gets a random one. */
function kidOf(jwk: Jwk, algorithm: Algorithm): string {
  const members = thumbprinted[jwk.kty];
  if (members === undefined) return randomBytes(16).toString("base64url");
  const canonical = toPublicJwk(loadKey({ kid: "x", algorithm, jwk }).verification) ?? jwk;
  const text = JSON.stringify(Object.fromEntries(members.map((member) => [member, canonical[member]])));
  return createHash("sha256").update(text).digest("base64url");
}
