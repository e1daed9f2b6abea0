import type { Kysely } from "kysely";
import { alreadyLinked, identityLinked, requireIdentity } from "../linked-identity.ts";
import type { IdentityStore, LinkedIdentity } from "../session-contracts.ts";
import { isStorableText } from "../storable-text.ts";
import { noSuchUser } from "../user-conflict.ts";
import { parseUserId } from "../user-id.ts";
import { requireUser } from "./require-user.ts";
import { appendAudit } from "./sql-audit.ts";
import type { SqlBackend } from "./sql-backend.ts";
import type { SqlSchema } from "./sql-schema.ts";

export class SqlIdentities implements IdentityStore {
  readonly #backend: SqlBackend;
  readonly #now: () => number;

  constructor(backend: SqlBackend, now: () => number) {
    this.#backend = backend;
    this.#now = now;
  }

  async find(issuer: string, subject: string): Promise<LinkedIdentity | undefined> {
    if (!isStorableText(issuer) || !isStorableText(subject)) return undefined;
    const row = await bySubject(this.#backend.reader, issuer, subject).executeTakeFirst();
    return row && Object.freeze({ issuer, subject, userId: row.userId });
  }

  async link({ issuer, subject, userId }: LinkedIdentity, by: string): Promise<void> {
    const identity = { issuer, subject, userId };
    requireIdentity(identity, by);
    const key = parseUserId(userId);
    if (key === undefined) throw noSuchUser();
    await this.#backend.write(async (trx) => {
      await requireUser(trx, key);
      if ((await bySubject(trx, issuer, subject).executeTakeFirst()) !== undefined) throw alreadyLinked();
      const now = this.#now();
      await trx
        .insertInto("linked_identities")
        .values({ issuer, subject, user_id: key, linked_at: now })
        .execute();
      await appendAudit(trx, identityLinked(identity, by), now);
    });
  }
}

function bySubject(db: Kysely<SqlSchema>, issuer: string, subject: string) {
  return db
    .selectFrom("linked_identities")
    .select((eb) => eb.cast<string>("user_id", "text").as("userId"))
    .where("issuer", "=", issuer)
    .where("subject", "=", subject);
}
