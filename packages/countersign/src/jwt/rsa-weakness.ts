import { Buffer } from "node:buffer";
import type { KeyObject } from "node:crypto";

/** Primes whose powers of 65537 give away a ROCA modulus (CVE-2017-15361; Nemec et al., CCS 2017). */
const rocaPrimes = [
  3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107,
  109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
];

/** Longer moduli make each verification a burden (an 8,192-bit one takes 16 times as long as a 2,048-bit one). */
const maxModulusBits = 8192;

/** Why this RSA key is too weak to trust, or undefined. RFC 7518 section 3.3 asks for 2,048 bits. */
export function rsaWeakness(key: KeyObject): string | undefined {
  const { modulusLength = 0, publicExponent = 0n } = key.asymmetricKeyDetails ?? {};
  if (modulusLength < 2048) return "an RSA key needs at least 2048 bits";
  if (modulusLength > maxModulusBits) return `an RSA key has at most ${maxModulusBits} bits`;
  if (publicExponent < 65537n || publicExponent % 2n === 0n)
    return "an RSA exponent must be odd and at least 65537";
  if (isRoca(modulus(key))) return "this RSA key was made by a generator whose keys can be factored (ROCA)";
  return undefined;
}

function modulus(key: KeyObject): bigint {
  // RSA-PSS keys have no JWK form in node:crypto; such keys do not come from the chips that ROCA is about.
  if (key.asymmetricKeyType !== "rsa") return 0n;
  const { n = "" } = key.export({ format: "jwk" });
  return BigInt(`0x${Buffer.from(n, "base64url").toString("hex")}`);
}

/** One modulus in about 2^27 looks like this by chance. */
function isRoca(n: bigint): boolean {
  return n !== 0n && rocaPrimes.every((prime) => isPowerOf65537(Number(n % BigInt(prime)), prime));
}

function isPowerOf65537(residue: number, prime: number): boolean {
  let power = 1;
  do {
    if (power === residue) return true;
    power = (power * 65537) % prime;
  } while (power !== 1);
  return false;
}
