import { DatabaseSync } from "node:sqlite";
import type { PostgresServer } from "../tools/postgres-server.ts";

/** Fills the tables of a new store with so many keys, ten for each user, by statements of its own: as quickly as the database can. */
export function fillSqlite(path: string, keys: number): void {
  const database = new DatabaseSync(path);
  const series = (count: number) =>
    `with recursive series(n) as (select 1 union all select n + 1 from series where n < ${count})`;
  database.exec(`begin;
    ${series(Math.ceil(keys / 10))} insert into users (${userColumns}) select ${userValues} from series;
    ${series(keys)} insert into api_keys (${keyColumns})
      select lower(hex(randomblob(8))) || n, ${keyValues("randomblob(32)")} from series;
    commit; analyze`);
  database.close();
}

/** The same on PostgreSQL. */
export async function fillPostgres(server: PostgresServer, database: string, keys: number): Promise<void> {
  const series = (count: number) => `from generate_series(1, ${count}) as series(n)`;
  await server.query(
    `insert into users (${userColumns}) select ${userValues} ${series(Math.ceil(keys / 10))}`,
    database,
  );
  await server.query(
    `insert into api_keys (${keyColumns})
       select md5(n::text) || n, ${keyValues("sha256(n::text::bytea)")} ${series(keys)}`,
    database,
  );
  await server.query("analyze", database);
}

const at = "1750000000000";
const userColumns =
  "username, username_folded, is_active, is_staff, is_superuser, attributes, created_at, updated_at";
const userValues = `'user-' || n, 'user-' || n, 1, 0, 0, '{}', ${at}, ${at}`;
const keyColumns =
  "id, name, description, type, user_id, digest, pepper_id, scopes, roles, created_at, total_requests";
const keyValues = (digest: string): string =>
  `'key-' || n, '', 'service', 1 + (n - 1) / 10, ${digest}, 'p1', '[]', '[]', ${at} + n, 0`;
