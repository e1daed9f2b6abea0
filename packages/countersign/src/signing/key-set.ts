import type { JwkSet } from "../jwt/jwk.ts";
import type { SigningKey } from "../jwt/key.ts";
import { createKeyRing, jwksOf, type KeyRing } from "../jwt/key-ring.ts";
import type { SigningKeyRecord } from "../store/session-contracts.ts";
import type { LoadedPair } from "./key-material.ts";

/** A key of the store, opened. */
export interface LoadedKey extends LoadedPair {
  readonly record: SigningKeyRecord;
}

/** Keys as they were read at one moment. Immutable. */
export class KeySet {
  readonly keys: readonly LoadedKey[];
  /** What verifies: every key that is not removed, also before it signs. Undefined if there is none. */
  readonly ring: KeyRing | undefined;
  readonly jwks: JwkSet;

  /**
   * `now` in milliseconds since the epoch. An issuer has shared secrets or asymmetric keys, never both: should there be
   * both, only those of the signer's kind count. A ring with the keys of the former one is the former one, so that
   * what was remembered of it still holds.
   */
  constructor(keys: readonly LoadedKey[], now: number, former?: KeySet) {
    this.keys = keys.filter(
      ({ record: { removedAt } }) => removedAt === undefined || removedAt.getTime() > now,
    );
    const kind = (this.#loadedAt(now) ?? this.keys.at(-1))?.verification.symmetric;
    const verifying = this.keys
      .map(({ verification }) => verification)
      .filter((key) => key.symmetric === kind);
    const before = former?.ring?.keys;
    const same =
      before?.length === verifying.length && verifying.every((key, index) => key === before[index]);
    this.ring = same ? former?.ring : verifying.length === 0 ? undefined : createKeyRing(verifying);
    this.jwks = same && former !== undefined ? former.jwks : this.ring ? jwksOf(this.ring) : { keys: [] };
  }

  /** Are there keys that do not count? */
  get mixed(): boolean {
    return (this.ring?.keys.length ?? 0) < this.keys.length;
  }

  /** The key that signs at an instant. */
  signerAt(at: number): SigningKey | undefined {
    return this.#loadedAt(at)?.signing;
  }

  /** The same, where it is kept for as long as what it signs. */
  signerFor(at: number, lifetimeSeconds: number): SigningKey | undefined {
    const loaded = this.#loadedAt(at);
    return loaded && loaded.record.lifetimeSeconds >= lifetimeSeconds ? loaded.signing : undefined;
  }

  #loadedAt(at: number): LoadedKey | undefined {
    const signer = signerAmong(
      this.keys.map(({ record }) => record),
      at,
    );
    return this.keys.find(({ record }) => record === signer);
  }
}

/** The key that signs at an instant: the last that has begun to, and is not retired. */
export function signerAmong(records: readonly SigningKeyRecord[], at: number): SigningKeyRecord | undefined {
  let found: SigningKeyRecord | undefined;
  for (const record of records) {
    const { activeFrom, retiredAt } = record;
    const signs = activeFrom.getTime() <= at && (retiredAt === undefined || retiredAt.getTime() > at);
    if (signs && (found === undefined || activeFrom >= found.activeFrom)) found = record;
  }
  return found;
}
