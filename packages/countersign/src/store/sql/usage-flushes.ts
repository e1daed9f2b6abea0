import { sql, type Transaction } from "kysely";
import type { UsageFlush } from "../api-key-contracts.ts";
import { keepFlushesMs } from "../usage-period.ts";
import type { SqlBackend } from "./sql-backend.ts";
import type { SqlSchema } from "./sql-schema.ts";

/** How far each of those who count calls has come. */
export async function createUsageFlushes(trx: Transaction<SqlSchema>): Promise<void> {
  await trx.schema
    .createTable("usage_flushes")
    .addColumn("writer", "text", (column) => column.primaryKey().notNull())
    .addColumn("number", "bigint", (column) => column.notNull())
    .addColumn("at", "bigint", (column) => column.notNull())
    .execute();
}

/** Notes a flush as a part of the transaction that adds it up. False if it was added before. */
export async function isNewFlush(
  trx: Transaction<SqlSchema>,
  { writer, number }: UsageFlush,
  now: number,
): Promise<boolean> {
  const noted = await trx
    .insertInto("usage_flushes")
    .values({ writer, number, at: now })
    .onConflict((conflict) =>
      conflict
        .column("writer")
        .doUpdateSet({ number, at: now })
        .where(sql.ref("usage_flushes.number"), "<", number),
    )
    .returning("number")
    .execute();
  return noted.length > 0;
}

export async function pruneFlushes(backend: SqlBackend, now: Date): Promise<void> {
  const before = now.getTime() - keepFlushesMs;
  const [old] = await backend.reader
    .selectFrom("usage_flushes")
    .select("writer")
    .where("at", "<", before)
    .limit(1)
    .execute();
  if (old === undefined) return;
  await backend.write((trx) => trx.deleteFrom("usage_flushes").where("at", "<", before).execute());
}
