import type { ApiKeyRecord, ApiKeyStatus } from "./contracts.ts";

/**
 * The one status of a key. What cannot be undone comes first: revoked, expired, disabled, active. A key is expired
 * from `expiresAt` on.
 */
export function apiKeyStatus(
  key: Pick<ApiKeyRecord, "revokedAt" | "expiresAt" | "disabledAt">,
  now: Date,
): ApiKeyStatus {
  if (key.revokedAt !== undefined) return "revoked";
  if (key.expiresAt !== undefined && key.expiresAt.getTime() <= now.getTime()) return "expired";
  return key.disabledAt !== undefined ? "disabled" : "active";
}
