import type { RevocationEvent } from "../../core/revocation.ts";
import { alreadyLinked, identityLinked, requireIdentity } from "../linked-identity.ts";
import type { AuditEntry, IdentityStore, LinkedIdentity } from "../session-contracts.ts";
import { noSuchUser } from "../user-conflict.ts";
import type { OwnedByUsers } from "./memory-users.ts";

export interface MemoryIdentitiesOptions {
  readonly audit: { appendNow(entry: AuditEntry): unknown };
  readonly users: { has(id: string): boolean };
}

export class MemoryIdentities implements IdentityStore, OwnedByUsers {
  readonly #options: MemoryIdentitiesOptions;
  readonly #links = new Map<string, LinkedIdentity>();

  constructor(options: MemoryIdentitiesOptions) {
    this.#options = options;
  }

  async find(issuer: string, subject: string): Promise<LinkedIdentity | undefined> {
    return this.#links.get(keyOf(issuer, subject));
  }

  async link({ issuer, subject, userId }: LinkedIdentity, by: string): Promise<void> {
    const identity = Object.freeze({ issuer, subject, userId });
    requireIdentity(identity, by);
    if (!this.#options.users.has(userId)) throw noSuchUser();
    const key = keyOf(issuer, subject);
    if (this.#links.has(key)) throw alreadyLinked();
    this.#links.set(key, identity);
    this.#options.audit.appendNow(identityLinked(identity, by));
  }

  userDeleted(userId: string): readonly RevocationEvent[] {
    for (const [key, link] of this.#links) if (link.userId === userId) this.#links.delete(key);
    return [];
  }
}

function keyOf(issuer: string, subject: string): string {
  return JSON.stringify([issuer, subject]);
}
