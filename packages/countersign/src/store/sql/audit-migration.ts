import { sql, type Transaction } from "kysely";
import { auditHash, noHash } from "../audit-chain.ts";
import type { SqlWords } from "./sql-backend.ts";
import type { SqlSchema } from "./sql-schema.ts";

const pageSize = 1000;

/** Columns that rows of before do not have. */
const optional = [
  ...["related", "old_values", "new_values", "api_key", "authenticator", "address", "request_id", "seal"],
];

/** Makes a chain of the audit log: what is in it already gets its hashes, in order. */
export async function chainAuditLog(trx: Transaction<SqlSchema>, words: SqlWords): Promise<void> {
  for (const column of optional) await trx.schema.alterTable("audit_log").addColumn(column, "text").execute();
  await trx.schema
    .alterTable("audit_log")
    .addColumn("hash", "text", (column) => column.notNull().defaultTo(""))
    .execute();
  await trx.schema
    .alterTable("audit_head")
    .addColumn("hash", "text", (column) => column.notNull().defaultTo(noHash))
    .execute();
  await trx.schema
    .alterTable("audit_head")
    .addColumn("sealed", "integer", (column) => column.notNull().defaultTo(0))
    .execute();
  for (const statement of words.liftAppendOnly("audit_log")) await sql.raw(statement).execute(trx);
  await trx
    .updateTable("audit_head")
    .set({ hash: await chainRows(trx) })
    .execute();
  for (const statement of words.appendOnly("audit_log")) await sql.raw(statement).execute(trx);
  for (const column of ["actor", "related", "api_key", "at"])
    await trx.schema
      .createIndex(`audit_log_by_${column}`)
      .on("audit_log")
      .columns([column, "sequence"])
      .execute();
}

/** Returns the hash of the last row. */
async function chainRows(trx: Transaction<SqlSchema>): Promise<string> {
  let last = { sequence: 0, hash: noHash };
  for (;;) {
    const rows = await trx
      .selectFrom("audit_log")
      .selectAll()
      .where("sequence", ">", last.sequence)
      .orderBy("sequence")
      .limit(pageSize)
      .execute();
    for (const row of rows) {
      last = { sequence: Number(row.sequence), hash: auditHash(row, last.hash) };
      await trx
        .updateTable("audit_log")
        .set({ hash: last.hash })
        .where("sequence", "=", last.sequence)
        .execute();
    }
    if (rows.length < pageSize) return last.hash;
  }
}
