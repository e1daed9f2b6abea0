import { createHmac, hash } from "node:crypto";

/** Hashes that others keep of their keys, and that we take over until a key's first use. */
export const foreignAlgorithms = ["sha256", "sha512", "hmac-sha256", "bcrypt", "argon2"] as const;
export type ForeignAlgorithm = (typeof foreignAlgorithms)[number];

/** A hash that was read. Quick ones are looked up by; slow ones need a prefix of the key to be found by. */
export type ForeignHash =
  | {
      readonly kind: "quick";
      readonly algorithm: "sha256" | "sha512" | "hmac-sha256";
      readonly digest: Uint8Array;
    }
  | { readonly kind: "slow"; readonly algorithm: "bcrypt" | "argon2"; readonly text: string };

const lengthOf = { sha256: 32, "hmac-sha256": 32, sha512: 64 } as const;
const bcryptForm = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/;
const argon2Form =
  /^\$argon2(?:id|i|d)\$v=(?:16|19)\$m=(\d{1,7}),t=(\d{1,3}),p=(\d{1,2})\$[A-Za-z0-9+/]{11,86}\$[A-Za-z0-9+/]{16,86}$/;

/** What a check of a slow hash may cost at most: more would let an imported row stop the server. */
const worst = { bcryptCost: 14, argon2KiB: 1_048_576, argon2Passes: 16, argon2Lanes: 16 } as const;

/** A key as it may arrive in a header, whoever made it: visible ASCII without a comma. */
export function isForeignKey(text: string): boolean {
  return /^[\x21-\x2b\x2d-\x7e]{8,512}$/.test(text);
}

/** Reads a hash: hex or base64 (also base64url) of the quick ones, the usual text of the slow ones. Undefined if it is none. */
export function readForeignHash(algorithm: string, text: string): ForeignHash | undefined {
  const known = algorithm === "" ? guess(text) : foreignAlgorithms.find((name) => name === algorithm);
  if (known === undefined) return undefined;
  if (known === "bcrypt" || known === "argon2")
    return isAffordable(known, text) ? { kind: "slow", algorithm: known, text } : undefined;
  const digest = readDigest(text, lengthOf[known]);
  return digest && { kind: "quick", algorithm: known, digest };
}

/** What a hash of each algorithm is, for whoever wrote one that is none. */
const forms: Readonly<Record<ForeignAlgorithm, string>> = {
  sha256: "32 bytes in hex or base64",
  sha512: "64 bytes in hex or base64",
  "hmac-sha256": "32 bytes in hex or base64",
  bcrypt: `bcrypt of cost 4 to ${worst.bcryptCost}`,
  argon2: `Argon2 of at most ${(worst.argon2KiB / 1024).toLocaleString("en")} MiB, ${worst.argon2Passes} passes and ${worst.argon2Lanes} lanes`,
};

/** What is wrong with a hash that `readForeignHash()` does not take, and which ones there are. */
export function foreignHashProblem(
  algorithm: string,
  text: string,
): { readonly field: "algorithm" | "hash"; readonly description: string } {
  const named = algorithm === "" ? guess(text) : foreignAlgorithms.find((name) => name === algorithm);
  if (named !== undefined) return { field: "hash", description: forms[named] };
  if (algorithm !== "") return { field: "algorithm", description: `one of ${foreignAlgorithms.join(", ")}` };
  const kinds = `SHA-256 or SHA-512 in hex or base64, ${forms.bcrypt}, or ${forms.argon2}`;
  return {
    field: "hash",
    description: `none of a kind that is taken: ${kinds}; an HMAC-SHA-256 has to be named as hmac-sha256`,
  };
}

/** The digest of a key as others make it. */
export function foreignDigest(algorithm: "sha256" | "sha512", key: string): Uint8Array {
  return hash(algorithm, key, "buffer");
}

/** HMAC-SHA-256 under a secret that came with the import. */
export function foreignHmac(secret: Uint8Array, key: string): Uint8Array {
  return createHmac("sha256", secret).update(key).digest();
}

function guess(text: string): ForeignAlgorithm | undefined {
  if (text.startsWith("$2")) return "bcrypt";
  if (text.startsWith("$argon2")) return "argon2";
  // An HMAC looks like SHA-256: it has to be said.
  return (["sha256", "sha512"] as const).find((name) => readDigest(text, lengthOf[name]) !== undefined);
}

function isAffordable(algorithm: "bcrypt" | "argon2", text: string): boolean {
  if (algorithm === "bcrypt") {
    const cost = Number(bcryptForm.exec(text)?.[1] ?? Number.NaN);
    return cost >= 4 && cost <= worst.bcryptCost;
  }
  const [, memory, passes, lanes] = argon2Form.exec(text) ?? [];
  if (memory === undefined) return false;
  return (
    Number(memory) <= worst.argon2KiB &&
    Number(passes) >= 1 &&
    Number(passes) <= worst.argon2Passes &&
    Number(lanes) >= 1 &&
    Number(lanes) <= worst.argon2Lanes
  );
}

function readDigest(text: string, length: number): Uint8Array | undefined {
  if (/^[0-9a-fA-F]+$/.test(text) && text.length === length * 2)
    return Uint8Array.from(Buffer.from(text, "hex"));
  if (!/^[A-Za-z0-9+/_-]+={0,2}$/.test(text)) return undefined;
  const bytes = Buffer.from(text, "base64");
  return bytes.length === length ? Uint8Array.from(bytes) : undefined;
}

/** How many characters of a key with a slow hash stand beside it, for finding it. */
export const shortestPrefix = 4;
export const longestPrefix = 32;
