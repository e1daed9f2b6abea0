import type { Transaction } from "kysely";
import { keyRevealed } from "../api-key-audit.ts";
import { isRevoked } from "../api-key-change.ts";
import type { NewKeyLink, Reveal } from "../api-key-contracts.ts";
import { toDate } from "../stored-date.ts";
import { keepLinksMs } from "../usage-period.ts";
import { appendAudit } from "./sql-audit.ts";
import type { SqlBackend } from "./sql-backend.ts";
import { keyById } from "./sql-key-rows.ts";
import type { SqlSchema } from "./sql-schema.ts";

/** As a part of a key's making. */
export async function keepLink(
  trx: Transaction<SqlSchema>,
  keyId: string,
  link: NewKeyLink | undefined,
): Promise<void> {
  if (link === undefined) return;
  const { digest, sealed, expiresAt } = link;
  const row = { digest: Uint8Array.from(digest), key_id: keyId, sealed: Uint8Array.from(sealed) };
  await trx
    .insertInto("api_key_links")
    .values({ ...row, expires_at: expiresAt.getTime(), revealed_at: null })
    .execute();
}

export async function revealLink(
  trx: Transaction<SqlSchema>,
  {
    digest,
    address,
    now,
  }: { readonly digest: Uint8Array; readonly address: string | undefined; readonly now: number },
): Promise<Reveal> {
  const link = await trx
    .selectFrom("api_key_links")
    .selectAll()
    .where("digest", "=", digest)
    .executeTakeFirst();
  const row = link && (await keyById(trx, link.key_id).executeTakeFirst());
  if (link === undefined || row === undefined) return { kind: "unknown" };
  const { sealed, key_id: apiKeyId } = link;
  if (sealed === null || Number(link.expires_at) <= now || isRevoked(row, now))
    return { kind: "gone", revealedAt: toDate(link.revealed_at) };
  await trx
    .updateTable("api_key_links")
    .set({ sealed: null, revealed_at: now })
    .where("digest", "=", digest)
    .execute();
  await appendAudit(trx, keyRevealed(row, address), now);
  return { kind: "revealed", apiKeyId, sealed: Uint8Array.from(sealed) };
}

export async function pruneLinks(backend: SqlBackend, now: Date): Promise<void> {
  const before = now.getTime() - keepLinksMs;
  const [old] = await backend.reader
    .selectFrom("api_key_links")
    .select("key_id")
    .where("expires_at", "<", before)
    .limit(1)
    .execute();
  if (old === undefined) return;
  await backend.write((trx) => trx.deleteFrom("api_key_links").where("expires_at", "<", before).execute());
}
