import { Buffer } from "node:buffer";

/** `\w` is the alphabet but for the hyphen. */
const foreign = /[^\w-]/;

/** The characters that may end a text, by its length modulo 4: those whose unused bits are zero. */
const endings: readonly (string | undefined)[] = [undefined, "", "AQgw", "AEIMQUYcgkosw048"];

/**
 * Decodes unpadded base64url (RFC 7515 section 2), in its one canonical spelling only: no `=`, no whitespace, no
 * character of another alphabet, and the unused bits of the last character zero. Undefined for anything else.
 */
export function decodeBase64url(text: string): Buffer | undefined {
  const ending = endings[text.length & 3];
  if (ending !== undefined && !ending.includes(text.charAt(text.length - 1))) return undefined;
  // Node would skip what it does not know, and read `+/` too.
  return foreign.test(text) ? undefined : Buffer.from(text, "base64url");
}
