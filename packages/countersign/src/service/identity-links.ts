import { CallError, type FieldViolation, invalidArgument } from "../core/call-error.ts";
import type { Principal } from "../core/principal.ts";
import type { LinkIdentityRequest, UnlinkIdentityRequest } from "../gen/auth/v1/users_pb.ts";
import { isIdentifier } from "../jwt/claim-schema.ts";
import { Conflict, type UserStore } from "../store/contracts.ts";
import type { IdentityStore, LinkedIdentity } from "../store/session-contracts.ts";
import { found } from "./page.ts";
import { type Roles, requireRank } from "./rank.ts";

export interface IdentityLinksOptions {
  readonly users: UserStore;
  readonly roles: Roles;
  readonly identities: Pick<IdentityStore, "find" | "list" | "link" | "unlink">;
  readonly caughtUp: () => Promise<void>;
}

/** Who users are at other issuers, for administrators: whoever links an identity lets it act as that user. */
export class IdentityLinks {
  readonly #options: IdentityLinksOptions;

  constructor(options: IdentityLinksOptions) {
    this.#options = options;
  }

  async list(userId: string) {
    const { users, identities } = this.#options;
    const { id } = found(await users.load(userId), "user");
    return { identities: (await identities.list(id)).map(identityMessage) };
  }

  async link({ userId, issuer, subject }: LinkIdentityRequest, caller: Principal) {
    check(issuer, subject);
    const { users, identities } = this.#options;
    const user = found(await users.load(String(userId)), "user");
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
    requireRank(caller, found(await users.load(link.userId), "user"), this.#options.roles);
    const unlinked = found(await identities.unlink(link, caller.userId), "identity");
    await caughtUp();
    return { identity: identityMessage(unlinked) };
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
