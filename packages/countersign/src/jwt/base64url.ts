import { Buffer } from "node:buffer";

/** The characters that may end a text, by its length modulo 4: those whose unused bits are zero. */
const endings: readonly (string | undefined)[] = [undefined, "", "AQgw", "AEIMQUYcgkosw048"];

/**
 * Decodes unpadded base64url (RFC 7515 section 2), in its one canonical spelling only: no `=`, no whitespace, no
 * character of another alphabet, and the unused bits of the last character zero. Undefined for anything else.
 */
export function decodeBase64url(text: string): Buffer | undefined {
  if (!mayBeCanonical(text)) return undefined;
  const bytes = Buffer.from(text, "base64url");
  return bytes.length === decodedLength(text) ? bytes : undefined;
}

/**
 * The same into bytes that are there already, from their start. Answers with how many it wrote, or -1 where the text is
 * not canonical or does not fit.
 */
export function decodeBase64urlInto(target: Buffer, text: string): number {
  const length = decodedLength(text);
  if (length > target.length || !mayBeCanonical(text)) return -1;
  return target.write(text, 0, "base64url") === length ? length : -1;
}

/**
 * Is this canonical if Node decodes it to its full length? Node skips a character that it does not know, which makes the
 * bytes fewer, but reads `+/` too, and takes a character beyond Latin-1 for its low byte. (A regular expression over all
 * of it takes three times as long.)
 */
function mayBeCanonical(text: string): boolean {
  const ending = endings[text.length & 3];
  if (ending !== undefined && !ending.includes(text.charAt(text.length - 1))) return false;
  return !text.includes("+") && !text.includes("/") && Buffer.byteLength(text) === text.length;
}

function decodedLength(text: string): number {
  return (text.length * 3) >> 2;
}
