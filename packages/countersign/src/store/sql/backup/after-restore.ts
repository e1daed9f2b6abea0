import { sql, type Transaction } from "kysely";
import { everyone } from "../../../core/cuts.ts";
import { issuedBefore } from "../../token-cut.ts";
import type { SqlWords } from "../sql-backend.ts";
import { appendRevocations } from "../sql-revocation-log.ts";
import type { SqlSchema } from "../sql-schema.ts";

/** What a database that is replaced knows, and a backup cannot. */
export interface Known {
  readonly head: number;
  readonly lastUser: bigint;
  readonly revokedKeys: readonly RevokedKey[];
  readonly disabledUsers: readonly { readonly id: string; readonly created_at: number }[];
}

interface RevokedKey {
  readonly id: string;
  readonly revoked_at: number | null;
  readonly revoked_reason: string | null;
  readonly revoked_by: string | null;
  readonly disabled_at: number | null;
  readonly rotated_at: number | null;
  readonly grace_ends_at: number | null;
  readonly replaced_by: string | null;
}

/** What was done besides putting back what was there. */
export interface Aftermath {
  /** Keys that were revoked or disabled since, and still are. */
  readonly keysStillRevoked: number;
  /** Users that were disabled since, and still are. */
  readonly usersStillDisabled: number;
  readonly sessionsEnded: number;
}

/** Further than a log can have grown since a backup: everybody who followed it finds that the numbers have moved on. */
const leap = 2 ** 32;
/** More users than can have been made since a backup, on a database that nothing is known of. */
const userLeap = 1_000_000n;

/** Read before a database is replaced. */
export async function whatIsKnown(trx: Transaction<SqlSchema>, words: SqlWords): Promise<Known> {
  const head = await trx.selectFrom("revocation_head").select("sequence").executeTakeFirst();
  return {
    head: Number(head?.sequence ?? 0),
    lastUser: (await words.lastRising(trx, "users")) ?? 0n,
    revokedKeys: await trx
      .selectFrom("api_keys")
      .select(["id", "revoked_at", "revoked_reason", "revoked_by", "disabled_at"])
      .select(["rotated_at", "grace_ends_at", "replaced_by"])
      .where((eb) =>
        eb.or([
          eb("revoked_at", "is not", null),
          eb("disabled_at", "is not", null),
          eb("grace_ends_at", "is not", null),
        ]),
      )
      .execute(),
    disabledUsers: await trx
      .selectFrom("users")
      .select(["created_at", sql<string>`cast(id as text)`.as("id")])
      .where("is_active", "=", 0)
      .execute(),
  };
}

export interface AfterRestore {
  /** Undefined for a database that was empty. */
  readonly before: Known | undefined;
  readonly nothingSince: boolean;
  readonly now: number;
}

/**
 * Sees to it that nothing comes back silently. Numbers of the revocation log leap, and all before counts as pruned: each follower starts over.
 * Unless nothing has happened since, sessions end, what was issued to anybody is refused, and no user gets a number that another one had.
 */
export async function afterRestore(
  trx: Transaction<SqlSchema>,
  words: SqlWords,
  { before, nothingSince, now }: AfterRestore,
): Promise<Aftermath> {
  const head = await trx.selectFrom("revocation_head").select("sequence").executeTakeFirstOrThrow();
  const sequence = Math.max(Number(head.sequence), before?.head ?? 0) + leap;
  await trx.updateTable("revocation_head").set({ sequence, pruned: sequence }).execute();
  const keysStillRevoked = await keepRevoked(trx, before?.revokedKeys ?? []);
  const usersStillDisabled = await keepDisabled(trx, before?.disabledUsers ?? [], now);
  await continueUsers(trx, words, { before, nothingSince });
  // A link gives out a key once, and may have done so since.
  if (!nothingSince) await trx.updateTable("api_key_links").set({ sealed: null }).execute();
  const sessionsEnded = nothingSince ? 0 : await endSessions(trx, now);
  return { keysStillRevoked, usersStillDisabled, sessionsEnded };
}

async function endSessions(trx: Transaction<SqlSchema>, now: number): Promise<number> {
  const { numUpdatedRows } = await trx
    .updateTable("sessions")
    .set({ revoked_at: now, revoked_reason: "restored" })
    .where("revoked_at", "is", null)
    .where("refresh_until", ">", now)
    .executeTakeFirst();
  await appendRevocations(trx, [issuedBefore(everyone, now, { kept: undefined })], now);
  return Number(numUpdatedRows);
}

async function continueUsers(
  trx: Transaction<SqlSchema>,
  words: SqlWords,
  { before, nothingSince }: Pick<AfterRestore, "before" | "nothingSince">,
): Promise<void> {
  const last = (await words.lastRising(trx, "users")) ?? 0n;
  if (before !== undefined && before.lastUser > 0n) {
    if (before.lastUser > last) await words.continueAfter(trx, "users", before.lastUser);
  } else if (!nothingSince) await words.continueAfter(trx, "users", last + userLeap);
}

/** Keys have random ids: one that is known under the same id is the same key. */
async function keepRevoked(trx: Transaction<SqlSchema>, keys: readonly RevokedKey[]): Promise<number> {
  let kept = 0;
  for (const { id, ...known } of keys) {
    const { revoked_at, revoked_reason, revoked_by, disabled_at, ...rotation } = known;
    const [revoked, rotated] = [revoked_at !== null, rotation.grace_ends_at !== null];
    const edit = {
      ...((revoked || rotated) && { revoked_at, revoked_reason, revoked_by }),
      // Also where the key in its place is not there any more: its end was announced.
      ...(rotated && rotation),
      ...(!revoked && { disabled_at }),
    };
    let update = trx.updateTable("api_keys").set(edit).where("id", "=", id).where("revoked_at", "is", null);
    if (!revoked)
      update = update.where((eb) =>
        eb.or([
          ...(rotated ? [eb("grace_ends_at", "is", null)] : []),
          ...(disabled_at === null ? [] : [eb("disabled_at", "is", null)]),
        ]),
      );
    const { numUpdatedRows } = await update.executeTakeFirst();
    kept += Number(numUpdatedRows);
  }
  return kept;
}

/** Users have numbers, which another installation gives out too: the same one was made at the same instant. */
async function keepDisabled(
  trx: Transaction<SqlSchema>,
  users: Known["disabledUsers"],
  now: number,
): Promise<number> {
  let kept = 0;
  for (const { id, created_at } of users) {
    const { numUpdatedRows } = await trx
      .updateTable("users")
      .set({ is_active: 0, updated_at: now })
      .where("id", "=", BigInt(id))
      .where("created_at", "=", created_at)
      .where("is_active", "=", 1)
      .executeTakeFirst();
    kept += Number(numUpdatedRows);
  }
  return kept;
}
