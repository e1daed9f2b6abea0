import type { Kysely, Transaction } from "kysely";
import { noSuchTenant, type TenantRow } from "../tenant-row.ts";
import type { SqlSchema } from "./sql-schema.ts";

/** The tenant of that id; undefined if there is none, or none any more. */
export function tenantOf(db: Kysely<SqlSchema>, id: string): Promise<TenantRow | undefined> {
  return db
    .selectFrom("tenants")
    .selectAll()
    .where("id", "=", id)
    .where("deleted_at", "is", null)
    .executeTakeFirst();
}

/** Since when the tenant is disabled. Throws `Conflict` on `tenant` if there is none; null for what belongs to none. */
export async function requireTenant(trx: Transaction<SqlSchema>, id: string | null): Promise<number | null> {
  if (id === null) return null;
  const tenant = await tenantOf(trx, id);
  if (tenant === undefined) throw noSuchTenant();
  return tenant.disabled_at;
}
