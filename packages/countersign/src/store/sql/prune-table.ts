import { type RawBuilder, sql } from "kysely";
import type { SqlBackend } from "./sql-backend.ts";

export interface Prune {
  readonly table: "sessions" | "login_attempts" | "call_limits";
  /** Its primary key. */
  readonly key: string;
  readonly isSpent: RawBuilder<boolean>;
}

/** How many rows one transaction removes. */
const pruneSize = 1000;

/** Removes rows in portions: other writers get their turn in between. A turn that finds nothing takes no lock. */
export async function pruneTable(backend: SqlBackend, { table, key, isSpent }: Prune): Promise<void> {
  const [name, column] = [sql.table(table), sql.ref(key)];
  const spent = sql`select ${column} from ${name} where ${isSpent} limit ${pruneSize}`;
  for (;;) {
    const { rows } = await spent.execute(backend.reader);
    if (rows.length === 0) return;
    await backend.write((trx) => sql`delete from ${name} where ${column} in (${spent})`.execute(trx));
    if (rows.length < pruneSize) return;
  }
}
