import type { RevocationEvent } from "../core/revocation.ts";

/**
 * When an entry of the revocation log stops refusing anything, in milliseconds since the epoch. Undefined for what
 * was said of a user, a tenant, a key or roles: that stands in their own records too, so the entry is only news. Throws `TypeError` for an
 * instant that JSON cannot carry.
 */
export function revocationExpiry(event: RevocationEvent): number | undefined {
  const { kind } = event;
  if (kind === "key" || kind === "user" || kind === "tenant" || kind === "roles") return undefined;
  if (!Number.isFinite(event.expiresAt)) throw new TypeError("expiresAt must be a finite number of seconds");
  if (event.kind === "issued-before" && !Number.isFinite(event.before)) {
    throw new TypeError("before must be a finite number of seconds");
  }
  // Rounded up, so that a fraction never ends a revocation early.
  return Math.min(Math.ceil(event.expiresAt * 1000), Number.MAX_SAFE_INTEGER);
}
