import type { Kysely, Transaction } from "kysely";
import { alreadyLinked, identityAudit, identityChanged, requireIdentity } from "../linked-identity.ts";
import type {
  Identity,
  IdentityStore,
  LinkedIdentity,
  PlainUser,
  Provisioning,
} from "../session-contracts.ts";
import { isStorableText } from "../storable-text.ts";
import { noSuchUser } from "../user-conflict.ts";
import { parseUserId } from "../user-id.ts";
import { newUserRow } from "../user-row.ts";
import { formerIdentity } from "./former-identities.ts";
import { requireTenant } from "./require-tenant.ts";
import { requireUser } from "./require-user.ts";
import { appendAudit } from "./sql-audit.ts";
import type { SqlBackend } from "./sql-backend.ts";
import { appendRevocations } from "./sql-revocation-log.ts";
import type { SqlSchema } from "./sql-schema.ts";
import { insertUser } from "./sql-users.ts";

export class SqlIdentities implements IdentityStore {
  readonly #backend: SqlBackend;
  readonly #now: () => number;

  constructor(backend: SqlBackend, now: () => number) {
    this.#backend = backend;
    this.#now = now;
  }

  async find(issuer: string, subject: string): Promise<LinkedIdentity | undefined> {
    if (!isStorableText(issuer) || !isStorableText(subject)) return undefined;
    return linkOf(this.#backend.reader, { issuer, subject });
  }

  async list(userId: string): Promise<readonly LinkedIdentity[]> {
    const key = parseUserId(userId);
    if (key === undefined) return [];
    const rows = await this.#backend.reader
      .selectFrom("linked_identities")
      .select(["issuer", "subject"])
      .where("user_id", "=", key)
      .orderBy("issuer")
      .orderBy("subject")
      .execute();
    return rows.map(({ issuer, subject }) => Object.freeze({ issuer, subject, userId }));
  }

  async link(identity: LinkedIdentity, by: string): Promise<void> {
    requireIdentity(identity, by);
    const key = parseUserId(identity.userId);
    if (key === undefined) throw noSuchUser();
    await this.#backend.write(async (trx) => {
      await requireUser(trx, key);
      if ((await linkOf(trx, identity)) !== undefined) throw alreadyLinked();
      const now = this.#now();
      await insertLink(trx, identity, key, now);
      await appendAudit(trx, identityAudit("linked", identity, by), now);
    });
  }

  async unlink(identity: Identity, by: string): Promise<LinkedIdentity | undefined> {
    requireIdentity(identity, by);
    return this.#backend.write(async (trx) => {
      const link = await linkOf(trx, identity);
      if (link === undefined) return undefined;
      const now = this.#now();
      await trx
        .deleteFrom("linked_identities")
        .where("issuer", "=", link.issuer)
        .where("subject", "=", link.subject)
        .execute();
      await formerIdentity(trx, link, now);
      await appendAudit(trx, identityAudit("unlinked", link, by), now);
      await appendRevocations(trx, [identityChanged(link)], now);
      return link;
    });
  }

  async isFormer(issuer: string, subject: string): Promise<boolean> {
    return (
      isStorableText(issuer) && isStorableText(subject) && isFormer(this.#backend.reader, { issuer, subject })
    );
  }

  async provision(
    identity: Identity,
    { username, email, tenantId }: PlainUser,
    by: string,
  ): Promise<Provisioning> {
    requireIdentity(identity, by);
    const row = newUserRow({ username, email, tenantId }, this.#now());
    return this.#backend.write(async (trx) => {
      const known = await linkOf(trx, identity);
      if (known !== undefined) return { kind: "linked", userId: known.userId };
      if (await isFormer(trx, identity)) return { kind: "former" };
      await requireTenant(trx, row.tenant);
      const userId = await insertUser(trx, row);
      const now = this.#now();
      await insertLink(trx, identity, BigInt(userId), now);
      await appendAudit(trx, identityAudit("provisioned", { ...identity, userId }, by), now);
      return { kind: "provisioned", userId };
    });
  }
}

async function linkOf(
  db: Kysely<SqlSchema>,
  { issuer, subject }: Identity,
): Promise<LinkedIdentity | undefined> {
  const row = await db
    .selectFrom("linked_identities")
    .select((eb) => eb.cast<string>("user_id", "text").as("userId"))
    .where("issuer", "=", issuer)
    .where("subject", "=", subject)
    .executeTakeFirst();
  return row && Object.freeze({ issuer, subject, userId: row.userId });
}

async function isFormer(db: Kysely<SqlSchema>, { issuer, subject }: Identity): Promise<boolean> {
  const row = await db
    .selectFrom("former_identities")
    .select("unlinked_at")
    .where("issuer", "=", issuer)
    .where("subject", "=", subject)
    .executeTakeFirst();
  return row !== undefined;
}

/** Whoever links an identity means it: that it was unlinked once is forgotten. */
async function insertLink(
  trx: Transaction<SqlSchema>,
  { issuer, subject }: Identity,
  userId: bigint,
  now: number,
): Promise<void> {
  await trx
    .deleteFrom("former_identities")
    .where("issuer", "=", issuer)
    .where("subject", "=", subject)
    .execute();
  await trx
    .insertInto("linked_identities")
    .values({ issuer, subject, user_id: userId, linked_at: now })
    .execute();
}
