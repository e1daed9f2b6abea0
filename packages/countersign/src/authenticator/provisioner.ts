import { hash } from "node:crypto";
import type { TokenClaims } from "../jwt/claim-schema.ts";
import { verifiedEmail } from "../oidc/verified-email.ts";
import { Conflict } from "../store/contracts.ts";
import type { Identity, IdentityStore, PlainUser, Provisioning } from "../store/session-contracts.ts";

export interface ProvisionOptions {
  /** The claim that a new user is named after. Default: `preferred_username`. */
  readonly usernameClaim?: string | undefined;
}

export type ProvisioningStore = Pick<IdentityStore, "find" | "isFormer" | "provision">;

/** Makes a plain user for an identity that was never linked. Undefined if it was, and is linked no more. */
export type Provision = (identity: Identity, claims: TokenClaims) => Promise<string | undefined>;

/** Of any number of first calls of one identity, one makes the user and the others wait for it. */
export function createProvisioner(
  identities: ProvisioningStore,
  options: ProvisionOptions & Pick<PlainUser, "tenantId">,
): Provision {
  const { usernameClaim = "preferred_username", tenantId } = options;
  const underWay = new Map<string, Promise<string | undefined>>();

  async function make(identity: Identity, claims: TokenClaims): Promise<string | undefined> {
    // A reading first: an identity that was unlinked must not take the store's write lock with each of its calls.
    if (await identities.isFormer(identity.issuer, identity.subject)) return undefined;
    let email = usableEmail(claims);
    for (const username of usernames(identity, claims[usernameClaim])) {
      let outcome = await attempt(identities, identity, { username, email, tenantId });
      if (outcome === "email") {
        // Somebody else has it. Accounts are never joined by an address.
        email = undefined;
        outcome = await attempt(identities, identity, { username, tenantId });
      }
      if (typeof outcome !== "string") return outcome.kind === "former" ? undefined : outcome.userId;
    }
    throw new Error("every username for a new user is in use");
  }

  return (identity, claims) => {
    const key = JSON.stringify([identity.issuer, identity.subject]);
    const known = underWay.get(key);
    if (known !== undefined) return known;
    const making = make(identity, claims).finally(() => underWay.delete(key));
    underWay.set(key, making);
    return making;
  };
}

/** The outcome, or which member of the user somebody else has already. */
async function attempt(
  identities: ProvisioningStore,
  identity: Identity,
  user: PlainUser,
): Promise<Provisioning | "username" | "email"> {
  try {
    return await identities.provision(identity, user, "system");
  } catch (error) {
    if (error instanceof Conflict && (error.field === "username" || error.field === "email"))
      return error.field;
    throw error;
  }
}

/** What the claim says, then the same with a part that only this identity has. */
function usernames({ issuer, subject }: Identity, wanted: unknown): readonly string[] {
  const own = hash("sha256", JSON.stringify([issuer, subject]));
  const name = typeof wanted === "string" ? cleaned(wanted) : "";
  if (name === "") return [`user-${own.slice(0, 12)}`, `user-${own.slice(0, 32)}`];
  return [name, `${name}-${own.slice(0, 6)}`, `${name}-${own.slice(0, 32)}`];
}

/**
 * Letters, digits, and `_` `.` `-`. No `@`: a username that is another user's address would stand in for it where
 * people log in. Digits alone would look like an id.
 */
function cleaned(text: string): string {
  const name = [...text.replace(/[^\p{L}\p{N}_.-]+/gu, "-")]
    .slice(0, 100)
    .join("")
    .replace(/^-+|-+$/g, "");
  return /^\d+$/.test(name) ? `user-${name}` : name;
}

function usableEmail(claims: TokenClaims): string | undefined {
  const email = verifiedEmail(claims);
  return email !== undefined && email.length <= 254 && /^[^\s@]+@[^\s@]+$/.test(email) ? email : undefined;
}
