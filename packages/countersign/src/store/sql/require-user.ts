import type { Transaction } from "kysely";
import { noSuchUser } from "../user-conflict.ts";
import type { SqlSchema } from "./sql-schema.ts";

/** Returns the tenant that the user belongs to. Throws `Conflict` on `userId` if there is no such user. */
export async function requireUser(trx: Transaction<SqlSchema>, userId: bigint): Promise<string | null> {
  const user = await trx.selectFrom("users").select("tenant").where("id", "=", userId).executeTakeFirst();
  if (user === undefined) throw noSuchUser();
  return user.tenant;
}
