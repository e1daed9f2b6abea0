import { noPermissions, type Principal } from "../core/principal.ts";
import type { VerifiedToken } from "../jwt/verifier.ts";
import { type CredentialFacts, permissionSet } from "./account.ts";

const noRoles: readonly string[] = Object.freeze([]);

/** The principal that a token describes, where there is no user source: what was signed counts. */
export function principalOfClaims(
  { claims, userId }: VerifiedToken,
  { authenticator, sessionId }: Pick<CredentialFacts, "authenticator" | "sessionId">,
): Principal {
  return Object.freeze({
    userId,
    username: claims.username,
    email: claims.email,
    isStaff: claims.is_staff ?? false,
    isSuperuser: claims.is_superuser ?? false,
    roles: claims.roles ?? noRoles,
    permissions: claims.permissions === undefined ? noPermissions : permissionSet(claims.permissions),
    authenticator,
    claims,
    apiKey: undefined,
    clientId: claims.client_id,
    sessionId,
  });
}
