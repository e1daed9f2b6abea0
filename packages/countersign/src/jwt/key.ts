import { Buffer } from "node:buffer";
import { createPrivateKey, createPublicKey, KeyObject } from "node:crypto";
import { type Algorithm, type AlgorithmSpec, algorithmSpec } from "./algorithms.ts";
import { asymmetricSigner, asymmetricVerifier } from "./asymmetric.ts";
import { createMac, equalInConstantTime } from "./hmac.ts";
import { checkJwk, isJwk, type Jwk, privateJwk, publicJwk, symmetricJwk } from "./jwk.ts";
import { isKeyMaterial } from "./public-material.ts";
import { rsaWeakness } from "./rsa-weakness.ts";

/** A key that checks the signatures of one algorithm. Made by the functions of this file only; opaque and immutable. */
export interface VerificationKey {
  readonly algorithm: Algorithm;
  /** The name by which tokens ask for it: the header `kid`. */
  readonly kid: string | undefined;
  readonly symmetric: boolean;
  /** Is this the signature, in canonical base64url, of the signing input? Never throws. */
  verify(input: string, signature: string): boolean;
  /** The same on the thread pool; undefined where the main thread is as fast (HMAC, RSA). */
  readonly verifyPooled: ((input: string, signature: string) => Promise<boolean>) | undefined;
}

/** A key that signs with one algorithm. */
export interface SigningKey {
  readonly algorithm: Algorithm;
  readonly kid: string | undefined;
  /** The signature of the input, in base64url. Blocks for about a millisecond with RSA. */
  sign(input: string): string;
  /** The same, off the main thread if that is where it belongs. */
  signPooled(input: string): Promise<string>;
}

/** A shared secret: signs and verifies. */
export interface HmacKey extends VerificationKey, SigningKey {}

/** A private key, with its public half for whoever verifies what it signs. */
export interface PrivateKey extends SigningKey {
  readonly publicKey: VerificationKey;
}

export interface HmacKeyOptions {
  /** At least as long as the hash: 32, 48 or 64 bytes. A string counts as its UTF-8 bytes. */
  readonly secret: Uint8Array | string;
  readonly algorithm: Algorithm;
  readonly kid?: string | undefined;
}

export interface AsymmetricKeyOptions {
  /** PEM text, a JWK, or a KeyObject. */
  readonly key: string | Jwk | KeyObject;
  readonly algorithm: Algorithm;
  /** Default: the JWK's own `kid`, else none. */
  readonly kid?: string | undefined;
}

const verificationKeys = new WeakSet<object>();
const publicHalves = new WeakMap<object, KeyObject>();
const signingKeys = new WeakSet<object>();

/** Was this made by `hmacKey`, `publicKey`, `privateKey` or `importJwk`? */
export function isVerificationKey(value: unknown): value is VerificationKey {
  return typeof value === "object" && value !== null && verificationKeys.has(value);
}

/** Can this sign, and was it made by `hmacKey` or `privateKey`? */
export function isSigningKey(value: unknown): value is SigningKey {
  return typeof value === "object" && value !== null && signingKeys.has(value);
}

/** Loads a shared secret. A TypeError for one that is short, or some rendering of an asymmetric key. */
export function hmacKey(options: HmacKeyOptions): HmacKey {
  const spec = algorithmSpec(options.algorithm);
  if (spec.hash === undefined || spec.family !== "hmac")
    throw new TypeError(`${spec.name} takes no shared secret`);
  const secret = secretBytes(options.secret);
  if (secret.length < spec.hashBytes)
    throw new TypeError(`a secret for ${spec.name} needs ${spec.hashBytes} bytes`);
  if (isKeyMaterial(secret)) throw new TypeError("the secret is another kind of key, or a certificate");
  const mac = createMac(spec.hash, secret);
  const key: HmacKey = Object.freeze({
    algorithm: spec.name,
    kid: checkedKid(options.kid),
    symmetric: true,
    verify: (input: string, signature: string) => equalInConstantTime(mac(input), signature),
    verifyPooled: undefined,
    sign: mac,
    signPooled: (input: string) => Promise.resolve(mac(input)),
  });
  verificationKeys.add(key);
  signingKeys.add(key);
  return key;
}

/**
 * Loads a public key. A TypeError for a private one, also where its public half could be derived: what only verifies
 * has no business with it (use `privateKey(...).publicKey` where both are at hand).
 */
export function publicKey(options: AsymmetricKeyOptions): VerificationKey {
  const spec = asymmetricSpec(options.algorithm);
  const { key, jwk } = load(options.key, "public", spec);
  return verificationKey(key, spec, options.kid ?? jwk?.kid);
}

/** Loads a private key for signing. Its `publicKey` verifies, under the same `kid`. */
export function privateKey(options: AsymmetricKeyOptions): PrivateKey {
  const spec = asymmetricSpec(options.algorithm);
  const { key, jwk } = load(options.key, "private", spec);
  const kid = checkedKid(options.kid ?? jwk?.kid);
  const signing: PrivateKey = Object.freeze({
    algorithm: spec.name,
    kid,
    ...asymmetricSigner(key, spec),
    publicKey: verificationKey(createPublicKey(key), spec, kid),
  });
  signingKeys.add(signing);
  return signing;
}

/**
 * Loads a JWK for verification: a public key, or a shared secret (`kty` `oct`). The algorithm is the JWK's `alg`
 * unless given; if both are there, they must be the same.
 */
export function importJwk(jwk: Jwk, options: { algorithm?: Algorithm; kid?: string } = {}): VerificationKey {
  if (!isJwk(jwk)) throw new TypeError("not a JWK");
  const spec = algorithmSpec(options.algorithm ?? jwk.alg);
  const kid = options.kid ?? jwk.kid;
  if (spec.family !== "hmac") return publicKey({ key: jwk, algorithm: spec.name, kid });
  checkJwk(jwk, spec, "verify");
  return hmacKey({ secret: symmetricJwk(jwk), algorithm: spec.name, kid });
}

function verificationKey(key: KeyObject, spec: AlgorithmSpec, kid: string | undefined): VerificationKey {
  const loaded: VerificationKey = Object.freeze({
    algorithm: spec.name,
    kid: checkedKid(kid),
    symmetric: false,
    ...asymmetricVerifier(key, spec),
  });
  verificationKeys.add(loaded);
  publicHalves.set(loaded, key);
  return loaded;
}

/**
 * The JWK of a public key as it is published (RFC 7517 section 4), with its `kid` and `alg`. Made of the public half
 * alone, so that no private member can be in it. Undefined for a shared secret, which is never published, and for a
 * key that has no such form (one of type RSASSA-PSS).
 */
export function toPublicJwk(key: VerificationKey): Jwk | undefined {
  const half = publicHalves.get(key);
  if (half === undefined || half.asymmetricKeyType === "rsa-pss") return undefined;
  const { kty = "", ...members } = half.export({ format: "jwk" });
  return Object.freeze({
    kty,
    use: "sig",
    alg: key.algorithm,
    ...(key.kid !== undefined && { kid: key.kid }),
    ...members,
  });
}

function asymmetricSpec(algorithm: Algorithm): AlgorithmSpec {
  const spec = algorithmSpec(algorithm);
  if (spec.family === "hmac") throw new TypeError(`${spec.name} takes a shared secret: use hmacKey`);
  return spec;
}

function load(source: string | Jwk | KeyObject, type: "public" | "private", spec: AlgorithmSpec) {
  const jwk = isJwk(source) && !(source instanceof KeyObject) ? source : undefined;
  if (jwk !== undefined) checkJwk(jwk, spec, type === "public" ? "verify" : "sign");
  const key = keyObject(source, jwk, type);
  if (key.type !== type) throw new TypeError(`this is a ${key.type} key, not a ${type} one`);
  checkKeyType(key, spec);
  return { key, jwk };
}

function keyObject(
  source: string | Jwk | KeyObject,
  jwk: Jwk | undefined,
  type: "public" | "private",
): KeyObject {
  if (source instanceof KeyObject) return source;
  // createPublicKey would derive the public half of a private PEM without a word.
  if (typeof source === "string" && type === "public" && /PRIVATE/.test(source)) {
    throw new TypeError("this is a private key, not a public one");
  }
  const material = jwk === undefined ? undefined : type === "public" ? publicJwk(jwk) : privateJwk(jwk);
  if (material === undefined && typeof source !== "string")
    throw new TypeError("a key is PEM text, a JWK or a KeyObject");
  try {
    if (material !== undefined)
      return (type === "public" ? createPublicKey : createPrivateKey)({ key: material, format: "jwk" });
    return (type === "public" ? createPublicKey : createPrivateKey)(source as string);
  } catch {
    // Without a cause: a message of node:crypto may quote what it was given.
    throw new TypeError(`the ${type} key cannot be read`);
  }
}

function checkKeyType(key: KeyObject, spec: AlgorithmSpec): void {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details = {} } = key;
  const fits =
    spec.family === "rsa"
      ? type === "rsa"
      : spec.family === "rsa-pss"
        ? type === "rsa" || (type === "rsa-pss" && pssParametersFit(key, spec))
        : spec.family === "ecdsa"
          ? type === "ec" && details.namedCurve === spec.namedCurve
          : type === "ed25519";
  if (!fits) throw new TypeError(`the key does not fit ${spec.name}`);
  const weakness =
    spec.kty === "RSA" ? rsaWeakness(key.type === "private" ? createPublicKey(key) : key) : undefined;
  if (weakness !== undefined) throw new TypeError(weakness);
}

/** An RSA-PSS key may name its hash and least salt (RFC 4055 section 3.1); they bind it to one algorithm. */
function pssParametersFit(key: KeyObject, spec: AlgorithmSpec): boolean {
  const { hashAlgorithm, mgf1HashAlgorithm, saltLength } = key.asymmetricKeyDetails ?? {};
  return (
    (hashAlgorithm === undefined || hashAlgorithm === spec.hash) &&
    (mgf1HashAlgorithm === undefined || mgf1HashAlgorithm === spec.hash) &&
    (saltLength === undefined || saltLength <= spec.hashBytes)
  );
}

function secretBytes(secret: unknown): Uint8Array {
  if (typeof secret === "string") return Buffer.from(secret, "utf8");
  if (secret instanceof Uint8Array) return Uint8Array.from(secret);
  throw new TypeError("a secret is a Uint8Array or a string");
}

/** Control characters have no place in a header that is compared, logged and looked up. */
function checkedKid(kid: unknown): string | undefined {
  if (kid === undefined) return undefined;
  if (typeof kid !== "string" || kid.length === 0 || kid.length > 128 || /\p{Cc}/u.test(kid)) {
    throw new TypeError("a kid is a string of 1 to 128 characters");
  }
  return kid;
}
