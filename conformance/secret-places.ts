import type { PostgresServer } from "../tools/postgres-server.ts";
import type { RedisServer } from "../tools/redis-server.ts";

type Places = Readonly<Record<string, Buffer>>;

/** Every row of every table of a database, by the name of the table. Bytes are in hex there. */
export async function tablesOf(server: PostgresServer, database: string): Promise<Places> {
  const tables = await server.query(
    "select quote_ident(schemaname) || '.' || quote_ident(tablename) as name from pg_tables where schemaname not in ('pg_catalog', 'information_schema')",
    database,
  );
  const places: Record<string, Buffer> = {};
  for (const { name } of tables) {
    const rows = await server.query(`select row_to_json(t)::text as row from ${String(name)} t`, database);
    places[`PostgreSQL ${String(name)}`] = Buffer.from(rows.map(({ row }) => String(row)).join("\n"));
  }
  return places;
}

/** How all of a value is read, by its type. */
const readers: Readonly<Record<string, (key: string) => readonly string[]>> = {
  string: (key) => ["GET", key],
  hash: (key) => ["HGETALL", key],
  list: (key) => ["LRANGE", key, "0", "-1"],
  set: (key) => ["SMEMBERS", key],
  zset: (key) => ["ZRANGE", key, "0", "-1", "WITHSCORES"],
};

/** Every key of a Redis with its value. */
export async function valuesOf(server: RedisServer): Promise<Places> {
  const keys = (await server.command("KEYS", "*")) as readonly string[];
  const places: Record<string, Buffer> = { "Redis, the keys": Buffer.from(keys.join("\n")) };
  for (const key of keys) {
    const type = String(await server.command("TYPE", key));
    const [name, ...args] = readers[type]?.(key) ?? [];
    if (name === undefined) throw new Error(`nobody has said how ${type} is read`);
    places[`Redis ${key}`] = Buffer.from(JSON.stringify(await server.command(name, ...args)));
  }
  return places;
}
