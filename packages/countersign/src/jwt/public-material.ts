import { Buffer } from "node:buffer";
import { createPrivateKey, createPublicKey, X509Certificate } from "node:crypto";

/**
 * Would these bytes, taken as an HMAC secret, be a key or certificate of another kind in some rendering? Whoever has
 * a server's public key could otherwise sign with it (CVE-2023-48223, CVE-2026-34950). Recognised: PEM with anything
 * around it, SSH, JWK and JWK Set, DER (SPKI, PKCS#1, PKCS#8, SEC 1, X.509), an uncompressed EC point, and each of
 * these in base64, base64url or hex.
 */
export function isKeyMaterial(secret: Uint8Array): boolean {
  const bytes = Buffer.from(secret);
  return isRendering(bytes) || decodings(bytes).some(isRendering);
}

/** The bytes with their text encoding taken off, for each encoding that they could be in. */
function decodings(bytes: Buffer): Buffer[] {
  const text = bytes.toString("latin1").replace(/\s+/g, "");
  const found: Buffer[] = [];
  if (/^[A-Za-z0-9+/_-]+={0,2}$/.test(text)) found.push(Buffer.from(text, "base64"));
  if (/^(?:0x)?(?:[0-9a-f]{2}[:-]?)+$/i.test(text)) {
    found.push(Buffer.from(text.replace(/^0x/i, "").replace(/[:-]/g, ""), "hex"));
  }
  return found;
}

function isRendering(bytes: Buffer): boolean {
  return isTextKey(bytes.toString("latin1")) || isDer(bytes) || isEcPoint(bytes);
}

function isTextKey(text: string): boolean {
  const plain = text.replace(/\0/g, "");
  if (/-{2,}\s*BEGIN\b|\bBEGIN [A-Z0-9 ]*(?:KEY|CERTIFICATE)/i.test(plain)) return true;
  if (/(?:^|\s)(?:ssh|ecdsa-sha2|sk-ssh|sk-ecdsa-sha2)-[a-z0-9@.-]+\s+AAAA/.test(plain)) return true;
  if (/^\0\0\0.(?:ssh-|ecdsa-)/s.test(text)) return true;
  return /^\s*[{[]/.test(plain) && /"(?:kty|keys|x5c)"\s*:/.test(plain);
}

function isDer(bytes: Buffer): boolean {
  if (bytes[0] !== 0x30) return false;
  const attempts = [
    () => createPublicKey({ key: bytes, format: "der", type: "spki" }),
    () => createPublicKey({ key: bytes, format: "der", type: "pkcs1" }),
    () => createPrivateKey({ key: bytes, format: "der", type: "pkcs8" }),
    () => createPrivateKey({ key: bytes, format: "der", type: "pkcs1" }),
    () => createPrivateKey({ key: bytes, format: "der", type: "sec1" }),
    () => new X509Certificate(bytes),
  ];
  return attempts.some(succeeds);
}

/** SEC 1 section 2.3.3: 0x04, x, y. A random secret is on none of the curves. */
function isEcPoint(bytes: Buffer): boolean {
  if (bytes[0] !== 0x04) return false;
  const crv = { 65: "P-256", 97: "P-384", 133: "P-521" }[bytes.length];
  if (crv === undefined) return false;
  const half = (bytes.length - 1) / 2;
  const x = bytes.toString("base64url", 1, 1 + half);
  const y = bytes.toString("base64url", 1 + half);
  return succeeds(() => createPublicKey({ key: { kty: "EC", crv, x, y }, format: "jwk" }));
}

function succeeds(attempt: () => unknown): boolean {
  try {
    attempt();
    return true;
  } catch {
    return false;
  }
}
