/** Subpath `countersign/signing-keys`: the keys that sign, kept in a store, rotated and published. */

export type { KeyImport } from "./signing/key-material.ts";
export { UnreadableSigningKey } from "./signing/sealed-key.ts";
export {
  createSigningKeys,
  type SigningKeyRotation,
  type SigningKeys,
  type SigningKeysOptions,
  type Succession,
} from "./signing/signing-keys.ts";
