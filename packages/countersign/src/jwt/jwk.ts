import type { JsonWebKey } from "node:crypto";
import { type AlgorithmSpec, algorithmSpec, isAlgorithm } from "./algorithms.ts";
import { decodeBase64url } from "./base64url.ts";

/** A JSON Web Key (RFC 7517): members that we read, and any others. */
export interface Jwk {
  readonly kty: string;
  readonly kid?: string;
  readonly alg?: string;
  readonly use?: string;
  readonly key_ops?: readonly string[];
  readonly [member: string]: unknown;
}

/** A JWK Set (RFC 7517 section 5) of public keys. */
export interface JwkSet {
  readonly keys: readonly Jwk[];
}

/** Members that are key material, as RFC 7518 section 6 and RFC 8037 section 2 encode them. */
const publicMembers: Readonly<Record<string, readonly string[]>> = {
  RSA: ["n", "e"],
  EC: ["x", "y"],
  OKP: ["x"],
};
const privateMembers = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/**
 * Refuses a JWK that is not meant for `operation` under this algorithm: another `kty`, `crv`, `alg` or `use`, or
 * `key_ops` without it (RFC 7517 section 4). Throws a TypeError that holds no part of the key.
 */
export function checkJwk(jwk: Jwk, spec: AlgorithmSpec, operation: "sign" | "verify"): void {
  if (jwk.kty !== spec.kty) throw new TypeError(`a key for ${spec.name} has kty ${spec.kty}`);
  if (spec.curve !== undefined && jwk["crv"] !== spec.curve) {
    throw new TypeError(`a key for ${spec.name} has crv ${spec.curve}`);
  }
  if (jwk.alg !== undefined && jwk.alg !== spec.name)
    throw new TypeError("the key's alg is another algorithm");
  if (jwk.use !== undefined && jwk.use !== "sig") throw new TypeError("the key's use is not sig");
  const operations = jwk.key_ops;
  if (operations !== undefined && !(Array.isArray(operations) && operations.includes(operation))) {
    throw new TypeError(`the key's key_ops do not include ${operation}`);
  }
}

/** The public half of an asymmetric JWK for `node:crypto`; a TypeError if it carries any private member. */
export function publicJwk(jwk: Jwk): JsonWebKey {
  if (privateMembers.some((member) => member in jwk))
    throw new TypeError("a public key has no private members");
  return { ...keyMaterial(jwk), kty: jwk.kty };
}

/** A private JWK for `node:crypto`. */
export function privateJwk(jwk: Jwk): JsonWebKey {
  const secret = privateMembers.filter((member) => member !== "oth" && member !== "k" && member in jwk);
  if (!secret.includes("d")) throw new TypeError("a private key has the member d");
  const halves = secret.map((member) => [member, base64urlMember(jwk, member)]);
  return { ...keyMaterial(jwk), ...Object.fromEntries(halves), kty: jwk.kty };
}

/** The bytes of a symmetric JWK. */
export function symmetricJwk(jwk: Jwk): Uint8Array {
  const bytes = decodeBase64url(base64urlMember(jwk, "k"));
  return bytes as Uint8Array;
}

/** Is this a JWK at all, as far as its own kind of value goes? */
export function isJwk(value: unknown): value is Jwk {
  return typeof value === "object" && value !== null && typeof (value as { kty?: unknown }).kty === "string";
}

/** The algorithm that a JWK names, or else the first of `preferred` that fits its type and curve. */
export function jwkAlgorithm(jwk: Jwk, preferred: readonly string[]): AlgorithmSpec | undefined {
  if (jwk.alg !== undefined)
    return preferred.includes(jwk.alg) && isAlgorithm(jwk.alg) ? algorithmSpec(jwk.alg) : undefined;
  return preferred
    .map(algorithmSpec)
    .find((spec) => spec.kty === jwk.kty && (spec.curve === undefined || spec.curve === jwk["crv"]));
}

function keyMaterial(jwk: Jwk): JsonWebKey {
  const members = (publicMembers[jwk.kty] ?? []).map((member) => [member, base64urlMember(jwk, member)]);
  const curve = typeof jwk["crv"] === "string" ? { crv: jwk["crv"] } : {};
  return { ...curve, ...Object.fromEntries(members) };
}

function base64urlMember(jwk: Jwk, member: string): string {
  const value = jwk[member];
  if (typeof value !== "string" || decodeBase64url(value) === undefined) {
    throw new TypeError(`the key's ${member} is not base64url`);
  }
  return value;
}
