import { sql } from "kysely";
import type { SqlWords } from "../sql-backend.ts";

/** See `SqlWords`. Functions of triggers do not go with their table. */
export const postgresTables: Pick<SqlWords, "dropTable" | "lastRising" | "continueAfter"> = {
  async dropTable(trx, table) {
    const { rows } = await sql<{
      name: string;
    }>`select distinct tgfoid::regprocedure::text as name from pg_trigger
      where tgrelid = ${table}::regclass and not tgisinternal`.execute(trx);
    await sql`drop table ${sql.table(table)}`.execute(trx);
    for (const { name } of rows) await sql.raw(`drop function ${name}`).execute(trx);
  },
  async lastRising(trx, table) {
    const { rows } = await sql<{ last: string | null }>`select pg_sequence_last_value(
      pg_get_serial_sequence(${table}, 'id')::regclass)::text as last`.execute(trx);
    const last = rows[0]?.last;
    return last === null || last === undefined ? undefined : BigInt(last);
  },
  async continueAfter(trx, table, last) {
    await sql`select setval(pg_get_serial_sequence(${table}, 'id'), ${last}::bigint, true)::text`.execute(
      trx,
    );
  },
};
