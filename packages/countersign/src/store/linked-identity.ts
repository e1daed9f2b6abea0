import { Conflict } from "./contracts.ts";
import type { AuditEntry, LinkedIdentity } from "./session-contracts.ts";
import { requireStorableText } from "./storable-text.ts";

/** Throws `Conflict` on text that cannot be stored. */
export function requireIdentity({ issuer, subject }: LinkedIdentity, by: string): void {
  requireStorableText("issuer", issuer);
  requireStorableText("subject", subject);
  requireStorableText("by", by);
}

export function alreadyLinked(): Conflict {
  return new Conflict("subject", "this identity is linked to a user");
}

export function identityLinked({ issuer, subject, userId }: LinkedIdentity, by: string): AuditEntry {
  return { actor: by, action: "identity.linked", target: `user:${userId}`, details: { issuer, subject } };
}
