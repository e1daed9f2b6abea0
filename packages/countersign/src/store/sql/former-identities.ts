import type { Transaction } from "kysely";
import type { SqlSchema } from "./sql-schema.ts";

/** Remembers, as a part of a transaction, that the identities of a user will be linked no more. */
export async function formerIdentitiesOf(
  trx: Transaction<SqlSchema>,
  userId: bigint,
  now: number,
): Promise<void> {
  const links = await trx
    .selectFrom("linked_identities")
    .select(["issuer", "subject"])
    .where("user_id", "=", userId)
    .execute();
  for (const link of links) await formerIdentity(trx, link, now);
}

/** The same of one identity. */
export async function formerIdentity(
  trx: Transaction<SqlSchema>,
  { issuer, subject }: { readonly issuer: string; readonly subject: string },
  now: number,
): Promise<void> {
  await trx
    .insertInto("former_identities")
    .values({ issuer, subject, unlinked_at: now })
    .onConflict((conflict) => conflict.columns(["issuer", "subject"]).doUpdateSet({ unlinked_at: now }))
    .execute();
}
