/** The signature algorithms of RFC 7518, RFC 8037 and RFC 9864 that can be configured. `none` is not one of them. */
export type Algorithm =
  | "HS256"
  | "HS384"
  | "HS512"
  | "RS256"
  | "RS384"
  | "RS512"
  | "PS256"
  | "PS384"
  | "PS512"
  | "ES256"
  | "ES384"
  | "ES512"
  | "EdDSA"
  | "Ed25519";

/** Names of hash functions as `node:crypto` spells them. */
export type HashName = "sha256" | "sha384" | "sha512";

/** What `node:crypto` has to be told about an algorithm. */
export interface AlgorithmSpec {
  readonly name: Algorithm;
  readonly family: "hmac" | "rsa" | "rsa-pss" | "ecdsa" | "eddsa";
  /** The JWK key type (RFC 7518 section 6.1). */
  readonly kty: "oct" | "RSA" | "EC" | "OKP";
  /** Undefined for EdDSA, which hashes by itself. */
  readonly hash: HashName | undefined;
  /** Length of the hash, in bytes: the least length of an HMAC key (RFC 7518 section 3.2) and the salt of PS*. */
  readonly hashBytes: number;
  /** The curve in a JWK (`crv`). */
  readonly curve: string | undefined;
  /** The same curve as OpenSSL names it. */
  readonly namedCurve: string | undefined;
  /** Length of every signature, in bytes; undefined for RSA, where the key tells. */
  readonly signatureBytes: number | undefined;
}

function hmac(name: Algorithm, hash: HashName, hashBytes: number): AlgorithmSpec {
  return spec({ name, family: "hmac", kty: "oct", hash, hashBytes, signatureBytes: hashBytes });
}

function rsa(name: Algorithm, family: "rsa" | "rsa-pss", hash: HashName, hashBytes: number): AlgorithmSpec {
  return spec({ name, family, kty: "RSA", hash, hashBytes });
}

function ecdsa(
  name: Algorithm,
  hash: HashName,
  hashBytes: number,
  curve: string,
  namedCurve: string,
  signatureBytes: number,
): AlgorithmSpec {
  return spec({ name, family: "ecdsa", kty: "EC", hash, hashBytes, curve, namedCurve, signatureBytes });
}

function eddsa(name: Algorithm): AlgorithmSpec {
  return spec({ name, family: "eddsa", kty: "OKP", curve: "Ed25519", signatureBytes: 64 });
}

function spec(
  members: Pick<AlgorithmSpec, "name" | "family" | "kty"> & Partial<AlgorithmSpec>,
): AlgorithmSpec {
  const none = {
    hash: undefined,
    hashBytes: 0,
    curve: undefined,
    namedCurve: undefined,
    signatureBytes: undefined,
  };
  return Object.freeze({ ...none, ...members });
}

const specs: readonly AlgorithmSpec[] = [
  hmac("HS256", "sha256", 32),
  hmac("HS384", "sha384", 48),
  hmac("HS512", "sha512", 64),
  rsa("RS256", "rsa", "sha256", 32),
  rsa("RS384", "rsa", "sha384", 48),
  rsa("RS512", "rsa", "sha512", 64),
  rsa("PS256", "rsa-pss", "sha256", 32),
  rsa("PS384", "rsa-pss", "sha384", 48),
  rsa("PS512", "rsa-pss", "sha512", 64),
  ecdsa("ES256", "sha256", 32, "P-256", "prime256v1", 64),
  ecdsa("ES384", "sha384", 48, "P-384", "secp384r1", 96),
  ecdsa("ES512", "sha512", 64, "P-521", "secp521r1", 132),
  eddsa("EdDSA"),
  eddsa("Ed25519"),
];

/** Every algorithm by its exact, case-sensitive name. Without a prototype: `constructor` is not an algorithm. */
export const algorithms: Readonly<Record<Algorithm, AlgorithmSpec>> = Object.freeze(
  Object.assign(Object.create(null), Object.fromEntries(specs.map((entry) => [entry.name, entry]))),
);

/** Is this the exact name of an algorithm that we know? */
export function isAlgorithm(name: unknown): name is Algorithm {
  return typeof name === "string" && name in algorithms;
}

/** The algorithm of that name; a TypeError for any other value. */
export function algorithmSpec(name: unknown): AlgorithmSpec {
  if (!isAlgorithm(name))
    throw new TypeError(`algorithm must be one of ${Object.keys(algorithms).join(", ")}`);
  return algorithms[name];
}
