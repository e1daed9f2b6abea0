import type { Transaction } from "kysely";
import { noSuchUser } from "../user-conflict.ts";
import type { SqlSchema } from "./sql-schema.ts";

/** Throws `Conflict` on `userId` if there is no such user. */
export async function requireUser(trx: Transaction<SqlSchema>, userId: bigint): Promise<void> {
  const user = await trx.selectFrom("users").select("username").where("id", "=", userId).executeTakeFirst();
  if (user === undefined) throw noSuchUser();
}
