import type { BackupColumn, BackupPart, BackupRow, BackupValue, Snapshot } from "../../backup/backup-part.ts";
import { StoreUnavailable } from "../../contracts.ts";
import { backupTables } from "../backup/tables.ts";
import { type DatabaseSync, openSqlite } from "./node-sqlite.ts";
import { sqliteError } from "./sqlite-error.ts";

const batchSize = 500;

/**
 * Reads a database in one read transaction: what others commit meanwhile is not in it, and in WAL mode nobody waits for it. The
 * file must be there. Throws `StoreUnavailable`.
 */
export function readSqliteSnapshot(path: string): Snapshot {
  let database: DatabaseSync | undefined;
  try {
    const opened = openSqlite(path, { readOnly: true, busyTimeoutMs: 5000 });
    database = opened;
    opened.exec("begin");
    const tables = new Set(
      opened
        .prepare("select name from sqlite_schema where type = 'table'")
        .all()
        .map(({ name }) => String(name)),
    );
    if (!tables.has("countersign_schema"))
      throw new StoreUnavailable(`database ${path} has no tables of Countersign's`);
    const row = opened.prepare("select max(version) as version from countersign_schema").get();
    return {
      schemaVersion: Number(row?.["version"] ?? 0),
      parts: partsOf(path, opened, tables),
      close: async () => opened.close(),
    };
  } catch (error) {
    database?.close();
    throw sqliteError(path, error);
  }
}

async function* partsOf(
  path: string,
  database: DatabaseSync,
  present: ReadonlySet<string>,
): AsyncGenerator<BackupPart> {
  try {
    for (const table of backupTables.filter((name) => present.has(name))) {
      const { columns, key } = describe(database, table);
      yield { kind: "table", name: table, columns };
      const names = columns.map(({ name }) => `"${name}"`).join(", ");
      const select = database.prepare(`select ${names} from "${table}" order by ${key.join(", ")}`);
      select.setReadBigInts(true);
      for (const rows of batches(select.iterate())) yield { kind: "rows", rows };
      const last = present.has("sqlite_sequence") ? risingOf(database, table) : undefined;
      if (last !== undefined) yield { kind: "rising", table, last };
    }
  } catch (error) {
    throw sqliteError(path, error);
  }
}

function describe(database: DatabaseSync, table: string) {
  const rows = database.prepare(`pragma table_info("${table}")`).all();
  const columns = rows.map(
    ({ name, type }): BackupColumn => ({ name: String(name), kind: kindOf(table, String(type)) }),
  );
  const key = rows
    .filter(({ pk }) => Number(pk) > 0)
    .sort((a, b) => Number(a["pk"]) - Number(b["pk"]))
    .map(({ name }) => `"${String(name)}"`);
  return { columns, key };
}

function kindOf(table: string, type: string): BackupColumn["kind"] {
  switch (type.toLowerCase()) {
    case "integer":
    case "bigint":
      return "integer";
    case "text":
      return "text";
    case "blob":
      return "bytes";
    default:
      throw new TypeError(`${table} has a column of the type ${type}`);
  }
}

function* batches(rows: Iterable<Record<string, unknown>>): Generator<readonly BackupRow[]> {
  let batch: BackupRow[] = [];
  for (const row of rows) {
    batch.push(Object.values(row).map(toValue));
    if (batch.length < batchSize) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

function toValue(value: unknown): BackupValue {
  if (typeof value !== "bigint") return value as BackupValue;
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

function risingOf(database: DatabaseSync, table: string): bigint | undefined {
  const select = database.prepare("select seq from sqlite_sequence where name = ?");
  select.setReadBigInts(true);
  const seq = select.get(table)?.["seq"];
  return typeof seq === "bigint" ? seq : undefined;
}
