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

interface LinkedOnly {
  readonly users: UserSource;
  readonly identities: Pick<IdentityStore, "find">;
  /** An identity that is not linked is refused. */
  readonly provision?: undefined;
}

interface Provisioned {
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

export function createAccountFinder(accounts: LinkedAccounts): FindAccount {
  const { identities, users } = accounts;
  const provision =
    accounts.provision === undefined ? undefined : createProvisioner(accounts.identities, accounts.provision);
  return async (identity, claims, facts, roles) => {
    const link = await identities.find(identity.issuer, identity.subject);
    if (link !== undefined) return principalOfUser(await users.load(link.userId), facts, roles);
    if (provision === undefined) return notLinked;
    const userId = await provision(identity, claims);
    return userId === undefined ? former : principalOfUser(await users.load(userId), facts, roles);
  };
}

function nobody(cause: string): NobodyBehind {
  return Object.freeze({ ok: false, reason: "TOKEN_INVALID", cause });
}
