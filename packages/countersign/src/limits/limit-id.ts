import { createHash } from "node:crypto";
import type { LimitTake } from "./limit-store.ts";

/** Under which a limit of a subject is counted where others can look: who called is nobody's business who reads it. */
export function limitId({ limit, subject }: LimitTake): Uint8Array {
  const text = JSON.stringify([limit.kind, limit.name, subject]);
  return new Uint8Array(createHash("sha256").update(text).digest());
}
