import { Buffer } from "node:buffer";
import { constants, createPrivateKey, createPublicKey, type KeyObject, sign, verify } from "node:crypto";
import type { AlgorithmSpec } from "./algorithms.ts";
import { decodeBase64url, decodeBase64urlInto } from "./base64url.ts";

/**
 * The key as `node:crypto` is called with it: a copy of our own that carries the padding of RFC 7518 section 3.5 or
 * the raw ECDSA form of section 3.4 as properties. Node reads them from any object, and Node 24.21 copies a key that
 * is wrapped in a plain one on every call, which costs 20 microseconds (RS256: 45 instead of 25).
 */
function withParameters(key: KeyObject, spec: AlgorithmSpec): KeyObject {
  const own =
    key.type === "private"
      ? createPrivateKey({ key: key.export({ type: "pkcs8", format: "der" }), type: "pkcs8", format: "der" })
      : createPublicKey({ key: key.export({ type: "spki", format: "der" }), type: "spki", format: "der" });
  if (spec.family === "ecdsa") return Object.assign(own, { dsaEncoding: "ieee-p1363" });
  if (spec.family !== "rsa-pss") return own;
  return Object.assign(own, { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: spec.hashBytes });
}

/** Longest input that is written where others were, in characters: a token twice the default size. */
const longestInput = 16_384;

/** What a check on the main thread reads. It is over before the next one writes here, and spares each two buffers. */
const inputSpace = Buffer.allocUnsafeSlow(longestInput + 4);
const signatureSpace = Buffer.allocUnsafeSlow(2048);

/** Checks of a signature under a public key. The pool pays where one check takes a tenth of a millisecond. */
export function asymmetricVerifier(key: KeyObject, spec: AlgorithmSpec) {
  const own = withParameters(key, spec);
  const { hash, signatureBytes } = spec;
  const pooled = spec.family === "ecdsa" || spec.family === "eddsa";

  const isWhole = (length: number) => signatureBytes === undefined || length === signatureBytes;

  function verifyNow(signed: string, signature: string): boolean {
    const length = decodeBase64urlInto(signatureSpace, signature);
    return length >= 0 && isWhole(length) && verify(hash, bytesOf(signed), own, view(signatureSpace, length));
  }

  function verifyPooled(signed: string, signature: string): Promise<boolean> {
    const bytes = decodeBase64url(signature);
    if (bytes === undefined || !isWhole(bytes.length)) return Promise.resolve(false);
    return new Promise((resolve, reject) => {
      verify(hash, Buffer.from(signed, "utf8"), own, bytes, (error, valid) => {
        if (error === null) resolve(valid);
        else reject(error);
      });
    });
  }

  return { verify: verifyNow, verifyPooled: pooled ? verifyPooled : undefined };
}

/** A text as UTF-8, good until the next one. */
function bytesOf(text: string): Uint8Array {
  const { length } = text;
  // Other than ASCII takes more bytes than characters, or runs into the four spare bytes: never the same count.
  const fits = length <= longestInput && inputSpace.write(text, "utf8") === length;
  return fits ? view(inputSpace, length) : Buffer.from(text, "utf8");
}

function view({ buffer, byteOffset }: Buffer, length: number): Uint8Array {
  return new Uint8Array(buffer, byteOffset, length);
}

/** Signatures under a private key, in base64url. */
export function asymmetricSigner(key: KeyObject, spec: AlgorithmSpec) {
  const own = withParameters(key, spec);

  function signNow(text: string): string {
    return sign(spec.hash, Buffer.from(text, "utf8"), own).toString("base64url");
  }

  function signPooled(text: string): Promise<string> {
    return new Promise((resolve, reject) => {
      sign(spec.hash, Buffer.from(text, "utf8"), own, (error, signature) => {
        if (error === null) resolve(signature.toString("base64url"));
        else reject(error);
      });
    });
  }

  return { sign: signNow, signPooled };
}
