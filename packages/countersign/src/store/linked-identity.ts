import type { RevocationEvent } from "../core/revocation.ts";
import { Conflict } from "./contracts.ts";
import type { AuditEntry, Identity, LinkedIdentity } from "./session-contracts.ts";
import { requireStorableText } from "./storable-text.ts";

/** Throws `Conflict` on text that cannot be stored. */
export function requireIdentity({ issuer, subject }: Identity, by: string): void {
  requireStorableText("issuer", issuer);
  requireStorableText("subject", subject);
  requireStorableText("by", by);
}

export function alreadyLinked(): Conflict {
  return new Conflict("subject", "this identity is linked to a user");
}

/** The audit row of what was done to a link. */
export function identityAudit(
  done: "linked" | "unlinked" | "provisioned",
  { issuer, subject, userId }: LinkedIdentity,
  by: string,
): AuditEntry {
  return { actor: by, action: `identity.${done}`, target: `user:${userId}`, details: { issuer, subject } };
}

/** Who is cached by this identity is looked up again. */
export function identityChanged({ userId }: LinkedIdentity): RevocationEvent {
  return { kind: "user", userId, state: "changed" };
}
