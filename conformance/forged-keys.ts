import { randomBytes } from "node:crypto";
import { crc32 } from "node:zlib";

const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/** The key with one character of its secret changed, and a checksum that fits. */
export function withWrongSecret(key: string): string {
  const body = key.slice(0, -6);
  return checked(body.slice(0, -1) + other(body.at(-1)));
}

/** A key of the right form that nobody has made. */
export function unknownKey(key: string): string {
  const [prefix, environment] = key.split("_");
  return checked(`${prefix}_${environment}_${letters(17)}_${letters(43)}`);
}

/** The key with a typing error, which the checksum tells. */
export function mistyped(key: string): string {
  return `${key.slice(0, -10)}${other(key.at(-10))}${key.slice(-9)}`;
}

function other(letter: string | undefined): string {
  return letter === "a" ? "b" : "a";
}

function letters(count: number): string {
  return [...randomBytes(count)].map((byte) => alphabet.charAt(byte % 62)).join("");
}

function checked(body: string): string {
  let text = "";
  for (let rest = crc32(body); rest > 0; rest = Math.floor(rest / 62))
    text = alphabet.charAt(rest % 62) + text;
  return body + text.padStart(6, "0");
}
