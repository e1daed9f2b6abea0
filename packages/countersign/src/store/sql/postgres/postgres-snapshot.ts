import pg from "pg";
import type { BackupColumn, BackupPart, BackupRow, BackupValue, Snapshot } from "../../backup/backup-part.ts";
import { StoreUnavailable } from "../../contracts.ts";
import { backupTables } from "../backup/tables.ts";
import { postgresError } from "./postgres-error.ts";
import type { PostgresTarget } from "./postgres-options.ts";

const batchSize = 1000;
const connectMs = 5000;

/**
 * Reads a database in one transaction (REPEATABLE READ, read only): what others commit meanwhile is not in it, and nobody waits
 * for it. Throws `StoreUnavailable`.
 */
export async function readPostgresTarget({ name, config }: PostgresTarget): Promise<Snapshot> {
  const client = new pg.Client({ ...config, connectionTimeoutMillis: connectMs });
  // One that is lost is told by the query that was under way.
  client.on("error", () => {});
  const ask = async (text: string, values: unknown[] = []) => {
    try {
      return (await client.query({ text, values, types: asText })).rows as Readonly<
        Record<string, string | null>
      >[];
    } catch (error) {
      throw postgresError(name, error);
    }
  };
  try {
    await client.connect().catch((error: unknown) => {
      throw postgresError(name, error);
    });
    await ask("begin isolation level repeatable read read only");
    const rows = await ask(
      "select tablename as name from pg_catalog.pg_tables where schemaname = any (current_schemas(false))",
    );
    const tables = new Set(rows.map((row) => row["name"]));
    if (!tables.has("countersign_schema"))
      throw new StoreUnavailable(`${name} has no tables of Countersign's; start the server on it first`);
    const [row] = await ask("select max(version) as version from countersign_schema");
    return {
      schemaVersion: Number(row?.["version"] ?? 0),
      parts: partsOf(ask, tables),
      close: () => client.end(),
    };
  } catch (error) {
    await client.end().catch(() => {});
    throw error;
  }
}

type Ask = (text: string, values?: unknown[]) => Promise<Readonly<Record<string, string | null>>[]>;

/** Every value as the server writes it. */
const asText = { getTypeParser: () => (value: string) => value };

async function* partsOf(
  ask: Ask,
  present: ReadonlySet<string | null | undefined>,
): AsyncGenerator<BackupPart> {
  for (const table of backupTables.filter((name) => present.has(name))) {
    const { columns, key, rising } = await describe(ask, table);
    yield { kind: "table", name: table, columns };
    const names = columns.map(({ name }) => `"${name}"`).join(", ");
    await ask(`declare backup no scroll cursor for select ${names} from "${table}" order by ${key}`);
    for (let more = true; more; ) {
      const rows = await ask(`fetch ${batchSize} from backup`);
      if (rows.length > 0) yield { kind: "rows", rows: rows.map((row) => toRow(row, columns)) };
      more = rows.length === batchSize;
    }
    await ask("close backup");
    if (rising !== undefined) yield { kind: "rising", table, last: await lastOf(ask, table, rising) };
  }
}

async function describe(ask: Ask, table: string) {
  const rows = await ask(
    `select attname as name, format_type(atttypid, null) as type, attidentity as identity,
       coalesce((select array_position(indkey::int2[], attnum) from pg_index where indrelid = attrelid and indisprimary), -1) as key
     from pg_attribute where attrelid = $1::regclass and attnum > 0 and not attisdropped order by attnum`,
    [table],
  );
  const columns = rows.map(
    ({ name, type }): BackupColumn => ({ name: name ?? "", kind: kindOf(table, type ?? "") }),
  );
  const key = rows
    .filter((row) => Number(row["key"]) >= 0)
    .sort((a, b) => Number(a["key"]) - Number(b["key"]))
    .map(({ name }) => `"${name}"`)
    .join(", ");
  const rising = rows.find(({ identity }) => identity !== "")?.["name"] ?? undefined;
  return { columns, key, rising };
}

function kindOf(table: string, type: string): BackupColumn["kind"] {
  switch (type) {
    case "integer":
    case "bigint":
      return "integer";
    case "text":
      return "text";
    case "bytea":
      return "bytes";
    default:
      throw new TypeError(`${table} has a column of the type ${type}`);
  }
}

function toRow(row: Readonly<Record<string, string | null>>, columns: readonly BackupColumn[]): BackupRow {
  return columns.map(({ name, kind }): BackupValue => {
    const value = row[name] ?? null;
    if (value === null || kind === "text") return value;
    if (kind === "bytes") return new Uint8Array(Buffer.from(value.slice("\\x".length), "hex"));
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : BigInt(value);
  });
}

/** The sequence itself: rows at its end may be gone. */
async function lastOf(ask: Ask, table: string, column: string): Promise<bigint> {
  const [found] = await ask("select pg_get_serial_sequence($1, $2) as name", [table, column]);
  const [row] = await ask(
    `select case when is_called then last_value else last_value - 1 end as last from ${found?.["name"]}`,
  );
  return BigInt(row?.["last"] ?? 0);
}
