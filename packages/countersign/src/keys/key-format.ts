import { randomBytes } from "node:crypto";
import { crc32 } from "node:zlib";

/*
 * cs_<env>_<keyId>_<secret><checksum>
 *
 * The id is public: it is what logs, lists and look-ups use. The checksum lets a typing error be refused without a
 * look-up, and lets a scanner tell a leaked key from random text.
 */

/** An API key, taken apart. */
export interface ParsedApiKey {
  readonly environment: string;
  /** The public part. */
  readonly id: string;
  /** Everything that the digest is made of: the whole key but its checksum. */
  readonly body: string;
}

export interface ApiKeyFormat {
  /** What every key begins with, before the first underscore: 2 to 16 lower-case letters or digits. Default: `cs`. */
  readonly prefix?: string;
}

const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const idBytes = 12;
const idLength = 17;
const secretBytes = 32;
const secretLength = 43;
const checksumLength = 6;
const namePart = /^[a-z0-9]{2,16}$/;
const base62 = /^[0-9A-Za-z]+$/;

/** A new key for an environment such as `dev` or `live`. Its id and its 256-bit secret are random. */
export function generateApiKey(
  environment: string,
  format: ApiKeyFormat = {},
): ParsedApiKey & { readonly key: string } {
  const prefix = apiKeyPrefix(format);
  if (!namePart.test(environment)) {
    throw new TypeError("an API key's environment is 2 to 16 lower-case letters or digits");
  }
  const id = toBase62(randomBytes(idBytes), idLength);
  const body = `${prefix}${environment}_${id}_${toBase62(randomBytes(secretBytes), secretLength)}`;
  return { environment, id, body, key: body + checksumOf(body) };
}

/** Takes a key apart. Undefined if it is not of this form or its checksum is wrong. */
export function parseApiKey(key: string, format: ApiKeyFormat = {}): ParsedApiKey | undefined {
  const prefix = apiKeyPrefix(format);
  if (!key.startsWith(prefix) || key.length > 128) return undefined;
  const [environment, id, tail, ...rest] = key.slice(prefix.length).split("_");
  if (environment === undefined || id === undefined || tail === undefined || rest.length > 0)
    return undefined;
  if (!namePart.test(environment) || id.length !== idLength || !base62.test(id)) return undefined;
  if (tail.length !== secretLength + checksumLength || !base62.test(tail)) return undefined;
  const body = key.slice(0, -checksumLength);
  return checksumOf(body) === key.slice(-checksumLength) ? { environment, id, body } : undefined;
}

/** What every key of a format begins with, underscore included. */
export function apiKeyPrefix({ prefix = "cs" }: ApiKeyFormat): string {
  if (!namePart.test(prefix))
    throw new TypeError("an API key's prefix is 2 to 16 lower-case letters or digits");
  return `${prefix}_`;
}

function checksumOf(body: string): string {
  return numberToBase62(BigInt(crc32(body)), checksumLength);
}

function toBase62(bytes: Uint8Array, length: number): string {
  return numberToBase62(BigInt(`0x${Buffer.from(bytes).toString("hex")}`), length);
}

function numberToBase62(number: bigint, length: number): string {
  let text = "";
  for (let rest = number; rest > 0n; rest /= 62n) text = alphabet.charAt(Number(rest % 62n)) + text;
  return text.padStart(length, "0");
}
