import type { MessageInitShape } from "@bufbuild/protobuf";
import type { UserAccount } from "../core/user.ts";
import type { Account, AccountSchema } from "../gen/auth/v1/revocations_pb.ts";

/** What authentication needs of an account, as it is sent: no more of a row than that. */
export function accountMessage(account: UserAccount): MessageInitShape<typeof AccountSchema> {
  const { id, username, email, isActive, isStaff, isSuperuser, roles, permissions, tenantId } = account;
  return {
    ...(tenantId !== undefined && { tenant: tenantId }),
    ...{ id, isActive, isStaff, isSuperuser },
    roles: [...roles],
    permissions: [...permissions],
    ...(username !== undefined && { username }),
    ...(email !== undefined && { email }),
  };
}

/** An account as it was received. */
export function accountOf(account: Account): UserAccount {
  const { id, username, email, isActive, isStaff, isSuperuser, roles, permissions } = account;
  return {
    id,
    username,
    email,
    isActive,
    isStaff,
    isSuperuser,
    roles,
    permissions,
    tenantId: account.tenant,
  };
}
