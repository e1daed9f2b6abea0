import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import type { UserSchema } from "../gen/auth/v1/users_pb.ts";
import type { UserRecord } from "../store/contracts.ts";

/** A user as the API shows it. */
export function userMessage(user: UserRecord): MessageInitShape<typeof UserSchema> {
  return {
    id: BigInt(user.id),
    username: user.username,
    email: user.email ?? "",
    isStaff: user.isStaff,
    isSuperuser: user.isSuperuser,
    isActive: user.isActive,
    createdAt: timestampFromDate(user.createdAt),
    updatedAt: timestampFromDate(user.updatedAt),
    ...(user.passwordLockedAt && { passwordLockedAt: timestampFromDate(user.passwordLockedAt) }),
    roles: [...user.roles],
    tenant: user.tenantId ?? "",
  };
}
