import type { MaybePromise } from "./decision.ts";

/** What authentication needs to know of a user. An application's own row fits, with more fields if it likes. */
export interface UserAccount {
  readonly id: string;
  readonly username: string | undefined;
  readonly email: string | undefined;
  readonly isActive: boolean;
  readonly isStaff: boolean;
  readonly isSuperuser: boolean;
  readonly roles: readonly string[];
  readonly permissions: readonly string[];
  /** Absent or undefined: the account is the installation's own. */
  readonly tenantId?: string | undefined;
}

/** Where users live. `load` answers undefined for a user that does not exist, and throws when it cannot tell. */
export interface UserSource<U extends UserAccount = UserAccount> {
  load(userId: string): MaybePromise<U | undefined>;
}
