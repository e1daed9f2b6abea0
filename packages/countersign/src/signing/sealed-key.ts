import type { Algorithm } from "../jwt/algorithms.ts";
import type { Jwk } from "../jwt/jwk.ts";
import { toPublicJwk } from "../jwt/key.ts";
import type { Seal } from "../session/seal.ts";
import type { NewSigningKey, SigningKeyRecord } from "../store/session-contracts.ts";
import { type KeyMaterial, type LoadedPair, loadKey } from "./key-material.ts";

/** A stored key was not sealed under this master key, or was changed since. */
export class UnreadableSigningKey extends Error {
  override readonly name = "UnreadableSigningKey";
  readonly kid: string;

  constructor(kid: string) {
    super(`the signing key ${JSON.stringify(kid)} was sealed under another master key, or was changed since`);
    this.kid = kid;
  }
}

/** A key for the store. Its name and algorithm are bound to it: no row can stand in for another. */
export function sealKey(
  material: KeyMaterial,
  seal: Seal,
  { activeFrom, lifetimeSeconds }: Pick<NewSigningKey, "activeFrom" | "lifetimeSeconds">,
): NewSigningKey {
  const { kid, algorithm, jwk } = material;
  const published = toPublicJwk(loadKey(material).verification);
  return {
    kid,
    algorithm,
    publicJwk: published && JSON.stringify(published),
    sealedKey: seal.seal(Buffer.from(JSON.stringify(jwk)), signingKeyPurpose(material)),
    activeFrom,
    lifetimeSeconds,
  };
}

/**
 * Opens a key of the store. Throws `UnreadableSigningKey`. Of what stands beside the sealed part nothing is believed:
 * also the public half is that of what was sealed.
 */
export function openKey(record: SigningKeyRecord, seal: Seal): LoadedPair {
  const { kid, sealedKey } = record;
  const algorithm = record.algorithm as Algorithm;
  try {
    const text = Buffer.from(seal.open(sealedKey, signingKeyPurpose({ kid, algorithm }))).toString();
    return loadKey({ kid, algorithm, jwk: JSON.parse(text) as Jwk });
  } catch {
    // Without a cause: a parser's message may quote the key.
    throw new UnreadableSigningKey(kid);
  }
}

/** What the sealed part of a key is bound to. */
export function signingKeyPurpose({
  kid,
  algorithm,
}: {
  readonly kid: string;
  readonly algorithm: string;
}): string {
  return `signing-key:${algorithm}:${kid}`;
}
