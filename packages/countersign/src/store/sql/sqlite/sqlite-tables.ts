import { sql } from "kysely";
import type { SqlWords } from "../sql-backend.ts";

/** See `SqlWords`. Triggers and indexes go with their table. */
export const sqliteTables: Pick<SqlWords, "dropTable" | "lastRising" | "continueAfter"> = {
  async dropTable(trx, table) {
    await sql`drop table ${sql.table(table)}`.execute(trx);
  },
  async lastRising(trx, table) {
    const { rows } = await sql<{
      last: string;
    }>`select cast(seq as text) as last from sqlite_sequence where name = ${table}`.execute(trx);
    const [row] = rows;
    return row === undefined ? undefined : BigInt(row.last);
  },
  async continueAfter(trx, table, last) {
    await sql`delete from sqlite_sequence where name = ${table}`.execute(trx);
    await sql`insert into sqlite_sequence (name, seq) values (${table}, ${last})`.execute(trx);
  },
};
