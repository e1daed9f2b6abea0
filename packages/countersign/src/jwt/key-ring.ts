import type { Algorithm } from "./algorithms.ts";
import { isJwk, type JwkSet, jwkAlgorithm } from "./jwk.ts";
import { importJwk, isVerificationKey, toPublicJwk, type VerificationKey } from "./key.ts";

/** The keys of one issuer. Immutable: a rotation makes a new ring. */
export interface KeyRing {
  readonly keys: readonly VerificationKey[];
  /**
   * The key that a token's header asks for. With a `kid`: that key, if it is of this algorithm. Without one: the only
   * key of this algorithm that has no `kid` itself, or else the only key of this algorithm; undefined where that is
   * ambiguous.
   */
  find(kid: string | undefined, algorithm: Algorithm): VerificationKey | undefined;
}

const rings = new WeakSet<object>();

/** Was this made by `createKeyRing` or `keyRingFromJwks`? */
export function isKeyRing(value: unknown): value is KeyRing {
  return typeof value === "object" && value !== null && rings.has(value);
}

/**
 * Puts an issuer's keys together. A TypeError for no key at all, for shared secrets beside asymmetric keys (the door
 * to algorithm confusion), for a `kid` used twice, and for two keys of one algorithm without a `kid`.
 */
export function createKeyRing(keys: readonly VerificationKey[]): KeyRing {
  const list = Object.freeze([...keys]);
  if (list.length === 0) throw new TypeError("a key ring needs a key");
  if (!list.every(isVerificationKey))
    throw new TypeError("a key ring takes keys made by hmacKey, publicKey or importJwk");
  if (new Set(list.map((key) => key.symmetric)).size > 1) {
    throw new TypeError("an issuer has shared secrets or asymmetric keys, never both");
  }
  const byKid = new Map<string, VerificationKey>();
  const anonymous = new Map<Algorithm, VerificationKey>();
  for (const key of list) {
    if (key.kid !== undefined) addOnce(byKid, key.kid, key, "two keys have the same kid");
    else addOnce(anonymous, key.algorithm, key, `two keys for ${key.algorithm} have no kid`);
  }
  const withoutKid = new Map([...onlyOfAlgorithm(list), ...anonymous]);
  const ring: KeyRing = Object.freeze({
    keys: list,
    find(kid: string | undefined, algorithm: Algorithm) {
      const key = kid === undefined ? withoutKid.get(algorithm) : byKid.get(kid);
      return key?.algorithm === algorithm ? key : undefined;
    },
  });
  rings.add(ring);
  return ring;
}

/** What a ring's owner publishes: its public keys, and nothing of a shared secret. */
export function jwksOf(ring: KeyRing): JwkSet {
  const keys = ring.keys.map(toPublicJwk).filter((jwk) => jwk !== undefined);
  return Object.freeze({ keys: Object.freeze(keys) });
}

export interface JwksOptions {
  /**
   * The algorithms that this issuer may use; keys of another are ignored. A JWK without `alg` gets the first one here
   * that fits its type. Default: RS256, PS256, ES256, ES384, ES512, EdDSA, Ed25519, then the rest of RS and PS.
   */
  readonly algorithms?: readonly Algorithm[];
}

const asymmetric: readonly Algorithm[] = Object.freeze([
  "RS256",
  "PS256",
  "ES256",
  "ES384",
  "ES512",
  "EdDSA",
  "Ed25519",
  "RS384",
  "RS512",
  "PS384",
  "PS512",
]);

/**
 * Reads a published JWK Set (RFC 7517 section 5). What cannot be used is ignored: another type or use, a weak key, a
 * private or symmetric one (published, it is no secret), every key of a `kid` that is there twice, and keys without a
 * `kid` of which there are several. A TypeError if it is not a set, or if nothing remains.
 */
export function keyRingFromJwks(jwks: unknown, options: JwksOptions = {}): KeyRing {
  const accepted = options.algorithms ?? asymmetric;
  if (accepted.some((name) => !asymmetric.includes(name))) {
    throw new TypeError(`algorithms of a JWK Set are some of ${asymmetric.join(", ")}`);
  }
  const members: unknown =
    typeof jwks === "object" && jwks !== null ? (jwks as { keys?: unknown }).keys : undefined;
  if (!Array.isArray(members)) throw new TypeError("not a JWK Set");
  const usable = members.map((member) => usableKey(member, accepted)).filter((key) => key !== undefined);
  const counts = new Map<string, number>();
  for (const key of usable) counts.set(identity(key), (counts.get(identity(key)) ?? 0) + 1);
  const distinct = usable.filter((key) => counts.get(identity(key)) === 1);
  if (distinct.length === 0) throw new TypeError("no key of this JWK Set can be used");
  return createKeyRing(distinct);
}

function usableKey(member: unknown, accepted: readonly Algorithm[]): VerificationKey | undefined {
  if (!isJwk(member)) return undefined;
  const spec = jwkAlgorithm(member, accepted);
  if (spec === undefined) return undefined;
  try {
    return importJwk(member, { algorithm: spec.name });
  } catch {
    return undefined;
  }
}

function identity(key: VerificationKey): string {
  return key.kid === undefined ? `algorithm ${key.algorithm}` : `kid ${key.kid}`;
}

function addOnce<K>(map: Map<K, VerificationKey>, name: K, key: VerificationKey, complaint: string): void {
  if (map.has(name)) throw new TypeError(complaint);
  map.set(name, key);
}

function onlyOfAlgorithm(keys: readonly VerificationKey[]): [Algorithm, VerificationKey][] {
  const alone = keys.filter((key) =>
    keys.every((other) => other === key || other.algorithm !== key.algorithm),
  );
  return alone.map((key) => [key.algorithm, key]);
}
