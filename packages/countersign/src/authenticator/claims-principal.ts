import type { Principal } from "../core/principal.ts";
import type { RoleDirectory } from "../core/role-directory.ts";
import { isIdentifier } from "../jwt/claim-schema.ts";
import type { VerifiedToken } from "../jwt/verifier.ts";
import { type CredentialFacts, rightsOf } from "./account.ts";

const none: readonly string[] = Object.freeze([]);

/** Whether the claim `tenant` can be understood: one that cannot must not be taken for none. */
export function isTenantClear({ claims: { tenant } }: VerifiedToken): boolean {
  return tenant === undefined || isIdentifier(tenant);
}

/** The principal that a token describes, where there is no user source: what was signed counts. */
export function principalOfClaims(
  { claims, userId }: VerifiedToken,
  { authenticator, sessionId }: Pick<CredentialFacts, "authenticator" | "sessionId">,
  directory?: RoleDirectory | undefined,
): Principal {
  const { roles = none, permissions = none, tenant } = claims;
  return Object.freeze({
    userId,
    username: claims.username,
    email: claims.email,
    isStaff: claims.is_staff ?? false,
    isSuperuser: claims.is_superuser ?? false,
    roles,
    permissions: rightsOf(directory, roles, permissions),
    authenticator,
    claims,
    apiKey: undefined,
    clientId: claims.client_id,
    sessionId,
    tenantId: isIdentifier(tenant) ? tenant : undefined,
  });
}
