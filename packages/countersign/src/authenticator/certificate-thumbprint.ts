import { hash } from "node:crypto";

/** A connection's certificate is the same array for all of its calls: each is hashed once. */
const thumbprints = new WeakMap<Uint8Array, string>();

/** `x5t#S256` of a certificate in DER (RFC 8705 section 3.1): its SHA-256 in base64url. */
export function certificateThumbprint(der: Uint8Array): string {
  const known = thumbprints.get(der);
  if (known !== undefined) return known;
  const thumbprint = hash("sha256", der, "base64url");
  thumbprints.set(der, thumbprint);
  return thumbprint;
}
