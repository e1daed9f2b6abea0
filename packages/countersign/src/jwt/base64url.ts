import { Buffer } from "node:buffer";

/**
 * Decodes unpadded base64url (RFC 7515 section 2), in its one canonical spelling only: no `=`, no whitespace, no
 * character of another alphabet, and the unused bits of the last character zero. Undefined for anything else.
 */
export function decodeBase64url(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, "base64url");
  // Node skips what it does not know and reads `+/` too; only the canonical spelling survives the way back.
  return bytes.toString("base64url") === text ? bytes : undefined;
}
