import type { RevocationEvent } from "../core/revocation.ts";
import type { AuditEntry, RevokeAll } from "./session-contracts.ts";
import { requireStorableText } from "./storable-text.ts";
import { requireDate } from "./stored-date.ts";

/** How long tokens may live that nobody has set an end for: ten years, in milliseconds. */
const longestToken = 10 * 365.25 * 86_400_000;

/** Throws for a reason that could not be stored, and for a date that is none. */
export function requireRevokeAll({ reason, by, tokensUntil }: RevokeAll): void {
  requireStorableText("reason", reason);
  requireStorableText("by", by);
  if (tokensUntil !== undefined) requireDate("tokensUntil", tokensUntil);
}

/**
 * The instant from which on tokens are good again, in milliseconds: the next full second. Tokens carry full seconds, so
 * that within the current one nobody can tell what was issued before `now` from what is issued after it.
 */
export function tokenCut(now: number): number {
  return (Math.floor(now / 1000) + 1) * 1000;
}

/** Where a session is kept, the others have events of their own, and the tokens of sessions are spared. */
export function issuedBefore(
  userId: string,
  now: number,
  { tokensUntil, kept }: { readonly tokensUntil?: Date | undefined; readonly kept: string | undefined },
): RevocationEvent {
  const until = tokensUntil?.getTime() ?? now + longestToken;
  return {
    kind: "issued-before",
    userId,
    before: tokenCut(now) / 1000,
    expiresAt: Math.ceil(until / 1000),
    ...(kept !== undefined && { sparesSessions: true }),
  };
}

export function revokeAllAudit(
  userId: string,
  why: RevokeAll,
  result: { readonly ended: number; readonly kept: string | undefined },
): AuditEntry {
  const kept = result.kept === undefined ? {} : { kept: result.kept };
  const details = { reason: why.reason, sessions: String(result.ended), ...kept };
  return { actor: why.by, action: "session.all_revoked", target: `user:${userId}`, details };
}
