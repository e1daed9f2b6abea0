import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { type Principal, permissionsOf } from "../core/principal.ts";
import type { WhoAmIResponseSchema } from "../gen/auth/v1/auth_pb.ts";
import type { TokenClaims } from "../jwt/claim-schema.ts";
import type { UserRecord } from "../store/contracts.ts";
import { userMessage } from "./user-message.ts";

/** A caller as it is shown to itself. */
export function identityMessage(
  principal: Principal,
  account: UserRecord | undefined,
): MessageInitShape<typeof WhoAmIResponseSchema> {
  const { userId, authenticator, roles, sessionId = "" } = principal;
  const claims: TokenClaims = principal.claims;
  const { sub, iat, exp } = claims;
  const token = {
    userId: sub ?? userId,
    email: claims.email ?? "",
    roles: [...(claims.roles ?? [])],
    ...(iat !== undefined && { issuedAt: timestampFromMs(iat * 1000) }),
    ...(exp !== undefined && { expiresAt: timestampFromMs(exp * 1000) }),
  };
  return {
    userId,
    authenticator,
    roles: [...roles],
    permissions: [...permissionsOf(principal)],
    sessionId,
    ...(account !== undefined && { user: userMessage(account) }),
    ...(exp !== undefined && { claims: token }),
  };
}
