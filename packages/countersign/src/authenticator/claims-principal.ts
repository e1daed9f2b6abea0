import type { Principal } from "../core/principal.ts";
import type { RoleDirectory } from "../core/role-directory.ts";
import type { VerifiedToken } from "../jwt/verifier.ts";
import { type CredentialFacts, rightsOf } from "./account.ts";

const none: readonly string[] = Object.freeze([]);

/** The principal that a token describes, where there is no user source: what was signed counts. */
export function principalOfClaims(
  { claims, userId }: VerifiedToken,
  { authenticator, sessionId }: Pick<CredentialFacts, "authenticator" | "sessionId">,
  directory?: RoleDirectory | undefined,
): Principal {
  const { roles = none, permissions = none } = claims;
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
  });
}
