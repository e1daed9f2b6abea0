import type { Transaction } from "kysely";
import { knownForMs } from "../login-guard.ts";
import type { SqlBackend } from "./sql-backend.ts";
import type { SqlSchema } from "./sql-schema.ts";

/** Part of the transaction that makes a session. */
export async function rememberNetwork(
  trx: Transaction<SqlSchema>,
  { userId, network, now }: { userId: bigint; network: string; now: number },
): Promise<void> {
  const expires_at = now + knownForMs;
  await trx
    .insertInto("known_networks")
    .values({ user_id: userId, network, expires_at })
    .onConflict((conflict) => conflict.columns(["user_id", "network"]).doUpdateSet({ expires_at }))
    .execute();
}

export async function forgetNetworks(trx: Transaction<SqlSchema>, userId: bigint): Promise<void> {
  await trx.deleteFrom("known_networks").where("user_id", "=", userId).execute();
}

export async function knowsNetwork(
  { reader }: SqlBackend,
  { userId, network, now }: { userId: bigint; network: string; now: number },
): Promise<boolean> {
  const row = await reader
    .selectFrom("known_networks")
    .select("network")
    .where("user_id", "=", userId)
    .where("network", "=", network)
    .where("expires_at", ">", now)
    .executeTakeFirst();
  return row !== undefined;
}

/** A turn that finds nothing takes no lock. */
export async function pruneNetworks(backend: SqlBackend, now: number): Promise<void> {
  const spent = backend.reader.selectFrom("known_networks").select("network").where("expires_at", "<=", now);
  if ((await spent.limit(1).executeTakeFirst()) === undefined) return;
  await backend.write((trx) => trx.deleteFrom("known_networks").where("expires_at", "<=", now).execute());
}
