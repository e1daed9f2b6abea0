import { CallError, type FieldViolation, invalidArgument } from "../core/call-error.ts";
import type { Principal } from "../core/principal.ts";
import { Refusal } from "../core/refusal.ts";
import type { LinkIdentityRequest, UnlinkIdentityRequest } from "../gen/auth/v1/users_pb.ts";
import { isIdentifier } from "../jwt/claim-schema.ts";
import { Conflict, type UserRecord, type UserStore } from "../store/contracts.ts";
import type { IdentityStore, LinkedIdentity } from "../store/session-contracts.ts";
import { found } from "./page.ts";
import { type Roles, requireRank } from "./rank.ts";
import { visibleTo } from "./tenancy.ts";

export interface IdentityLinksOptions {
  readonly users: UserStore;
  readonly roles: Roles;
  readonly identities: Pick<IdentityStore, "find" | "list" | "link" | "unlink">;
  readonly tenantOfIssuer?: (issuer: string) => string | undefined;
  readonly caughtUp: () => Promise<void>;
}

/** Who users are at other issuers, for administrators: whoever links an identity lets it act as that user. */
export class IdentityLinks {
  readonly #options: IdentityLinksOptions;

  constructor(options: IdentityLinksOptions) {
    this.#options = options;
  }

  async list(userId: string, caller: Principal) {
    const { users, identities } = this.#options;
    const { id } = found(visibleTo(caller, await users.load(userId)), "user");
    return { identities: (await identities.list(id)).map(identityMessage) };
  }

  async link({ userId, issuer, subject }: LinkIdentityRequest, caller: Principal) {
    check(issuer, subject);
    const { users, identities } = this.#options;
    const user = found(visibleTo(caller, await users.load(String(userId))), "user");
    this.#requireIssuer(issuer, user, caller);
    requireRank(caller, user, this.#options.roles);
    const identity = { issuer, subject, userId: user.id };
    try {
      await identities.link(identity, caller.userId);
    } catch (error) {
      if (!(error instanceof Conflict)) throw error;
      const violation = { field: error.field, description: error.message };
      throw new CallError(error.field === "subject" ? "ALREADY_EXISTS" : "NOT_FOUND", error.message, [
        violation,
      ]);
    }
    return { identity: identityMessage(identity) };
  }

  async unlink({ issuer, subject }: UnlinkIdentityRequest, caller: Principal) {
    check(issuer, subject);
    const { users, identities, caughtUp } = this.#options;
    const link = found(await identities.find(issuer, subject), "identity");
    const user = found(visibleTo(caller, await users.load(link.userId)), "identity");
    requireRank(caller, user, this.#options.roles);
    const unlinked = found(await identities.unlink(link, caller.userId), "identity");
    await caughtUp();
    return { identity: identityMessage(unlinked) };
  }

  /**
   * A tenant's issuer may sign any subject: it speaks for that tenant's users. And a tenant that linked identities of an issuer
   * that it shares with others would take them from whoever they are, or learn that they are linked.
   */
  #requireIssuer(issuer: string, user: UserRecord, caller: Principal): void {
    const tenant = this.#options.tenantOfIssuer?.(issuer);
    if (caller.tenantId !== undefined && tenant !== caller.tenantId)
      throw new Refusal("PERMISSION_DENIED", {
        message: "Identities of this issuer are linked by the installation",
      });
    if (tenant !== undefined && tenant !== user.tenantId)
      throw invalidArgument({
        field: "issuer",
        description: "is that of a tenant that the user does not belong to",
      });
  }
}

function identityMessage({ issuer, subject, userId }: LinkedIdentity) {
  return { issuer, subject, userId: BigInt(userId) };
}

/** As in tokens: what no token can have links nobody. */
function check(issuer: string, subject: string): void {
  const fields: readonly FieldViolation[] = [
    ...(isIdentifier(issuer) ? [] : [{ field: "issuer", description: "1 to 255 characters, as in tokens" }]),
    ...(isIdentifier(subject)
      ? []
      : [{ field: "subject", description: "1 to 255 characters, as in tokens" }]),
  ];
  const [first, ...rest] = fields;
  if (first !== undefined) throw invalidArgument(first, ...rest);
}
