/** Subpath `countersign/revocation`: tokens that are refused before they expire. */

export {
  type MemoryRevocationsOptions,
  memoryRevocations,
  type RevocableClaims,
  type SqlRevocationsOptions,
  sqlRevocations,
  type TokenRevocations,
} from "./store/token-revocations.ts";
