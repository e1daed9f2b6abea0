import { sql, type Transaction } from "kysely";
import type { AuditOptions } from "../../audit-contracts.ts";
import { BackupError, type BackupPart } from "../../backup/backup-part.ts";
import { bindAuditing } from "../auditing.ts";
import { applySteps, newerSchema, readVersion } from "../migrate.ts";
import { type Migration, migrations } from "../migrations.ts";
import { appendAudit } from "../sql-audit.ts";
import type { SqlBackend, SqlWords } from "../sql-backend.ts";
import type { SqlSchema } from "../sql-schema.ts";
import { type Aftermath, afterRestore, whatIsKnown } from "./after-restore.ts";
import { type BackupTable, backupTables } from "./tables.ts";

/** What is to be restored. */
export interface RestoreSource {
  readonly schemaVersion: number;
  readonly parts: AsyncIterable<BackupPart>;
  /** When it was backed up. */
  readonly createdAt: Date;
}

export interface RestoreOptions {
  /** Replace what the database holds. Default: a database that holds anything is refused. */
  readonly replace?: boolean | undefined;
  /**
   * Nothing has happened since the backup, because no server has run: sessions and tokens stay. Default: false, and all of them end.
   */
  readonly nothingSince?: boolean | undefined;
  /** Who restores it, and what the audit log is sealed with: a log that is sealed is only restored with a key. */
  readonly audit?: AuditOptions | undefined;
  /** Hears how many rows are there so far. */
  readonly onProgress?: ((rows: number) => void) | undefined;
}

export interface Restored extends Aftermath {
  readonly rows: number;
  /** By table. */
  readonly tables: Readonly<Record<string, number>>;
}

/** The database is in use, and was not to be replaced. */
export class DatabaseInUse extends Error {
  override readonly name = "DatabaseInUse";
}

interface Context extends RestoreOptions {
  /** Names the database in errors. */
  readonly name: string;
  readonly now: () => number;
  /** Default: those of this program. */
  readonly steps?: readonly Migration[] | undefined;
}

const auditLog: BackupTable = "audit_log";

/** How many values one INSERT carries: well below the parameters that a statement may have. */
const valuesPerInsert = 8000;

/**
 * Puts a backup in the place of what a database holds, in one transaction: a crash leaves the one or the other. The schema is made as
 * it was, filled, and then brought up to date. Throws `DatabaseInUse`, `BackupError` and `StoreUnavailable`.
 */
export async function restoreInto(
  backend: SqlBackend,
  source: RestoreSource,
  context: Context,
): Promise<Restored> {
  const { words } = backend;
  const { name, now, replace = false, nothingSince = false, steps = migrations } = context;
  const known = steps.at(-1)?.version ?? 0;
  if (source.schemaVersion > known) throw newerSchema("the backup", source.schemaVersion, known);
  return backend.upgrade(async (trx) => {
    const found = await readVersion(trx, words);
    if (found > known) throw newerSchema(name, found, known);
    if (!replace && (await isInUse(trx, words))) throw new DatabaseInUse(`${name} holds data already`);
    const before = found === 0 ? undefined : await whatIsKnown(trx, words);
    await dropAll(trx, words);
    const [old, due] = [true, false].map((wanted) =>
      steps.filter(({ version }) => version <= source.schemaVersion === wanted),
    );
    await applySteps(trx, words, { steps: old ?? [], now });
    const tables = await fill(trx, words, source.parts, context.onProgress);
    await applySteps(trx, words, { steps: due ?? [], now });
    const aftermath = await afterRestore(trx, words, { before, nothingSince, now: now() });
    const rows = Object.values(tables).reduce((sum, count) => sum + count, 0);
    bindAuditing(trx, context.audit ?? {});
    await appendAudit(trx, auditOf(source, rows, nothingSince), now());
    return { rows, tables, ...aftermath };
  });
}

function auditOf({ createdAt, schemaVersion }: RestoreSource, rows: number, nothingSince: boolean) {
  const details = {
    backed_up_at: createdAt.toISOString(),
    schema: String(schemaVersion),
    rows: String(rows),
  };
  return {
    action: "store.restored",
    target: "store",
    details: nothingSince ? details : { ...details, sessions: "ended" },
  };
}

/** A database that was only just made has roles and heads, and nothing else. */
async function isInUse(trx: Transaction<SqlSchema>, words: SqlWords): Promise<boolean> {
  const present = await presentTables(trx, words);
  for (const table of ["users", "api_keys", "audit_log", "revocation_log"] as const) {
    if (!present.includes(table)) continue;
    if (await hasRows(trx, table)) return true;
  }
  return false;
}

async function hasRows(trx: Transaction<SqlSchema>, table: string): Promise<boolean> {
  const { rows } = await sql`select 1 from ${sql.table(table)} limit 1`.execute(trx);
  return rows.length > 0;
}

async function presentTables(
  trx: Transaction<SqlSchema>,
  words: SqlWords,
): Promise<readonly (BackupTable | "countersign_schema")[]> {
  const { rows } = await sql.raw<{ name: string }>(words.tables).execute(trx);
  const names = new Set(rows.map(({ name }) => name));
  return ([...backupTables, "countersign_schema"] as const).filter((name) => names.has(name));
}

async function dropAll(trx: Transaction<SqlSchema>, words: SqlWords): Promise<void> {
  for (const table of (await presentTables(trx, words)).toReversed()) await words.dropTable(trx, table);
}

async function fill(
  trx: Transaction<SqlSchema>,
  words: SqlWords,
  parts: AsyncIterable<BackupPart>,
  onProgress: ((rows: number) => void) | undefined,
): Promise<Readonly<Record<string, number>>> {
  const present = new Set<string>(await presentTables(trx, words));
  const counts: Record<string, number> = {};
  let total = 0;
  let current: Extract<BackupPart, { kind: "table" }> | undefined;
  // Rows of the audit log come back as they are, damaged ones too: what is wrong with it is said by `verify()`.
  const guarded = present.has(auditLog);
  if (guarded) for (const statement of words.liftAppendOnly(auditLog)) await sql.raw(statement).execute(trx);
  for await (const part of parts) {
    if (part.kind === "table") {
      if (!present.has(part.name) || part.name in counts) throw foreign(part.name);
      current = part;
      counts[part.name] = 0;
      // What the steps of the schema have put there is in the backup as well.
      if (await hasRows(trx, part.name)) await sql`delete from ${sql.table(part.name)}`.execute(trx);
    } else if (part.kind === "rising") {
      if (part.table !== current?.name) throw foreign(part.table);
      await words.continueAfter(trx, part.table, part.last);
    } else if (current !== undefined) {
      await insert(trx, current, part.rows);
      counts[current.name] = (counts[current.name] ?? 0) + part.rows.length;
      total += part.rows.length;
      onProgress?.(total);
    }
  }
  if (guarded) for (const statement of words.appendOnly(auditLog)) await sql.raw(statement).execute(trx);
  return counts;
}

async function insert(
  trx: Transaction<SqlSchema>,
  { name, columns }: Extract<BackupPart, { kind: "table" }>,
  rows: Extract<BackupPart, { kind: "rows" }>["rows"],
): Promise<void> {
  const into = sql`insert into ${sql.table(name)} (${sql.join(columns.map((column) => sql.ref(column.name)))}) values `;
  const size = Math.max(1, Math.floor(valuesPerInsert / columns.length));
  for (let start = 0; start < rows.length; start += size) {
    const values = rows.slice(start, start + size).map((row) => sql`(${sql.join(row)})`);
    await sql`${into}${sql.join(values)}`.execute(trx);
  }
}

function foreign(table: string): BackupError {
  return new BackupError(`the backup has a table ${table} that its schema has not`);
}
