import type { Seal } from "../session/seal.ts";
import { signingKeyPurpose } from "../signing/sealed-key.ts";
import type { Resealed, SealedSecret, SecretStore } from "../store/secret-contracts.ts";
import { importPurpose } from "./import-secret.ts";
import { totpPurpose } from "./second-factor.ts";

export interface ResealOptions {
  readonly secrets: Pick<SecretStore, "sealed" | "reseal">;
  /** Under the current master key alone. */
  readonly current: Seal;
  /** Under it and all that came before. */
  readonly seal: Seal;
  /** Hears how many were looked at. */
  readonly onProgress?: ((count: number) => void) | undefined;
}

export interface ResealResult {
  readonly resealed: number;
  readonly alreadyCurrent: number;
  /** What none of the master keys opens. */
  readonly unreadable: readonly Pick<SealedSecret, "kind" | "id">[];
}

const limit = 200;

/**
 * Seals everything under the current master key that is sealed under another. In portions, beside whoever uses it: each secret is under the one or the
 * other, and nodes that know both read either. What was cut off is gone on with by calling it again.
 */
export async function resealSecrets({
  secrets,
  current,
  seal,
  onProgress,
}: ResealOptions): Promise<ResealResult> {
  let resealed = 0;
  let alreadyCurrent = 0;
  const unreadable: Pick<SealedSecret, "kind" | "id">[] = [];
  let after: Pick<SealedSecret, "kind" | "id"> | undefined;
  for (let looked = 0; ; ) {
    const page = await secrets.sealed({ limit, after });
    const changes: Resealed[] = [];
    for (const { kind, id, algorithm, sealed } of page) {
      const purpose = purposeOf({ kind, id, algorithm });
      if (opened(current, sealed, purpose) !== undefined) alreadyCurrent += 1;
      else {
        const plain = opened(seal, sealed, purpose);
        if (plain === undefined) unreadable.push({ kind, id });
        else changes.push({ kind, id, from: sealed, to: current.seal(plain, purpose) });
      }
    }
    if (changes.length > 0) resealed += await secrets.reseal(changes);
    looked += page.length;
    onProgress?.(looked);
    after = page.at(-1);
    if (page.length < limit) return { resealed, alreadyCurrent, unreadable };
  }
}

function purposeOf({ kind, id, algorithm }: Pick<SealedSecret, "kind" | "id" | "algorithm">): string {
  if (kind === "totp") return totpPurpose(id);
  return kind === "import" ? importPurpose : signingKeyPurpose({ kid: id, algorithm: algorithm ?? "" });
}

function opened(seal: Seal, sealed: Uint8Array, purpose: string): Uint8Array | undefined {
  try {
    return seal.open(sealed, purpose);
  } catch {
    return undefined;
  }
}
