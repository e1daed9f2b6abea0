import type { Principal } from "../core/principal.ts";
import type { RoleDirectory } from "../core/role-directory.ts";
import type { UserSource } from "../core/user.ts";
import type { TokenClaims } from "../jwt/claim-schema.ts";
import type { Identity, IdentityStore } from "../store/session-contracts.ts";
import type { CredentialFacts } from "./account.ts";
import { type NobodyBehind, principalOfUser } from "./jwt.ts";
import { createProvisioner, type ProvisioningStore, type ProvisionOptions } from "./provisioner.ts";

/** Local accounts, and who at other issuers they belong to. */
export type LinkedAccounts = LinkedOnly | Provisioned;

interface OfTenant {
  /**
   * The tenant whose issuer it is: it may sign any subject, so its tokens stand for that tenant's users alone, and a user that
   * is made for one belongs to it. Default: it is the installation's, and speaks for all who are linked.
   */
  readonly tenantId?: string | undefined;
}

interface LinkedOnly extends OfTenant {
  readonly users: UserSource;
  readonly identities: Pick<IdentityStore, "find">;
  /** An identity that is not linked is refused. */
  readonly provision?: undefined;
}

interface Provisioned extends OfTenant {
  readonly users: UserSource;
  readonly identities: ProvisioningStore;
  /** A plain user is made for an identity that was never linked: anybody's at that issuer whose tokens are good. */
  readonly provision: ProvisionOptions;
}

/** Finds whom a token of another issuer stands for: by issuer and subject, and by nothing else. */
export type FindAccount = (
  identity: Identity,
  claims: TokenClaims,
  facts: CredentialFacts,
  roles: RoleDirectory | undefined,
) => Promise<Principal | NobodyBehind>;

const notLinked: NobodyBehind = nobody("this identity is linked to no user");
const former: NobodyBehind = nobody("this identity is linked no more");
const foreign: NobodyBehind = nobody("this issuer is that of a tenant that the user does not belong to");

export function createAccountFinder(accounts: LinkedAccounts): FindAccount {
  const { identities, users, tenantId } = accounts;
  const provision =
    accounts.provision === undefined
      ? undefined
      : createProvisioner(accounts.identities, { ...accounts.provision, tenantId });
  return async (identity, claims, facts, roles) => {
    const link = await identities.find(identity.issuer, identity.subject);
    if (link === undefined && provision === undefined) return notLinked;
    const userId = link?.userId ?? (await provision?.(identity, claims));
    if (userId === undefined) return former;
    const account = await users.load(userId);
    if (tenantId !== undefined && account !== undefined && account.tenantId !== tenantId) return foreign;
    return principalOfUser(account, facts, roles);
  };
}

function nobody(cause: string): NobodyBehind {
  return Object.freeze({ ok: false, reason: "TOKEN_INVALID", cause });
}
