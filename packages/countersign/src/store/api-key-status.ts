import type { ApiKeyRecord, ApiKeyStatus } from "./api-key-contracts.ts";

/**
 * The one status of a key. What cannot be undone comes first: revoked, expired, disabled, active. A key is expired
 * from `expiresAt` on, and one that was replaced is revoked from `graceEndsAt` on.
 */
export function apiKeyStatus(
  key: Pick<ApiKeyRecord, "revokedAt" | "expiresAt" | "disabledAt" | "graceEndsAt">,
  now: Date,
): ApiKeyStatus {
  if (key.revokedAt !== undefined) return "revoked";
  if (key.graceEndsAt !== undefined && key.graceEndsAt.getTime() <= now.getTime()) return "revoked";
  if (key.expiresAt !== undefined && key.expiresAt.getTime() <= now.getTime()) return "expired";
  return key.disabledAt !== undefined ? "disabled" : "active";
}
