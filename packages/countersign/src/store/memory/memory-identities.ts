import type { RevocationEvent } from "../../core/revocation.ts";
import type { NewUser, UserRecord } from "../contracts.ts";
import { alreadyLinked, identityAudit, identityChanged, requireIdentity } from "../linked-identity.ts";
import type {
  AuditEntry,
  Identity,
  IdentityStore,
  LinkedIdentity,
  PlainUser,
  Provisioning,
} from "../session-contracts.ts";
import { noSuchUser } from "../user-conflict.ts";
import type { OwnedByUsers } from "./memory-users.ts";

export interface MemoryIdentitiesOptions {
  readonly audit: { appendNow(entry: AuditEntry): unknown };
  readonly revocations: { appendNow(events: readonly RevocationEvent[]): unknown };
  readonly users: { has(id: string): boolean; createNow(user: NewUser): UserRecord };
}

export class MemoryIdentities implements IdentityStore, OwnedByUsers {
  readonly #options: MemoryIdentitiesOptions;
  readonly #links = new Map<string, LinkedIdentity>();
  readonly #former = new Set<string>();

  constructor(options: MemoryIdentitiesOptions) {
    this.#options = options;
  }

  async find(issuer: string, subject: string): Promise<LinkedIdentity | undefined> {
    return this.#links.get(keyOf({ issuer, subject }));
  }

  async list(userId: string): Promise<readonly LinkedIdentity[]> {
    const links = [...this.#links.values()].filter((link) => link.userId === userId);
    return links.sort((a, b) => compare(a.issuer, b.issuer) || compare(a.subject, b.subject));
  }

  async link(identity: LinkedIdentity, by: string): Promise<void> {
    requireIdentity(identity, by);
    if (!this.#options.users.has(identity.userId)) throw noSuchUser();
    if (this.#links.has(keyOf(identity))) throw alreadyLinked();
    this.#put(identity);
    this.#options.audit.appendNow(identityAudit("linked", identity, by));
  }

  async unlink(identity: Identity, by: string): Promise<LinkedIdentity | undefined> {
    requireIdentity(identity, by);
    const key = keyOf(identity);
    const link = this.#links.get(key);
    if (link === undefined) return undefined;
    this.#links.delete(key);
    this.#former.add(key);
    this.#options.audit.appendNow(identityAudit("unlinked", link, by));
    this.#options.revocations.appendNow([identityChanged(link)]);
    return link;
  }

  async isFormer(issuer: string, subject: string): Promise<boolean> {
    return this.#former.has(keyOf({ issuer, subject }));
  }

  async provision(identity: Identity, user: PlainUser, by: string): Promise<Provisioning> {
    requireIdentity(identity, by);
    const known = this.#links.get(keyOf(identity));
    if (known !== undefined) return { kind: "linked", userId: known.userId };
    if (this.#former.has(keyOf(identity))) return { kind: "former" };
    const { username, email, tenantId } = user;
    const { id: userId } = this.#options.users.createNow({ username, email, tenantId });
    this.#put({ ...identity, userId });
    this.#options.audit.appendNow(identityAudit("provisioned", { ...identity, userId }, by));
    return { kind: "provisioned", userId };
  }

  userDeleted(userId: string): readonly RevocationEvent[] {
    for (const [key, link] of this.#links) {
      if (link.userId !== userId) continue;
      this.#links.delete(key);
      this.#former.add(key);
    }
    return [];
  }

  #put({ issuer, subject, userId }: LinkedIdentity): void {
    const key = keyOf({ issuer, subject });
    this.#former.delete(key);
    this.#links.set(key, Object.freeze({ issuer, subject, userId }));
  }
}

function keyOf({ issuer, subject }: Identity): string {
  return JSON.stringify([issuer, subject]);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
