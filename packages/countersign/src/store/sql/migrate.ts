import { type Kysely, sql, type Transaction } from "kysely";
import { StoreUnavailable } from "../contracts.ts";
import { type Migration, migrations } from "./migrations.ts";
import type { SqlBackend, SqlWords } from "./sql-backend.ts";
import type { SqlSchema } from "./sql-schema.ts";

export interface MigrateOptions {
  /** Names the database in errors. */
  readonly name: string;
  readonly now: () => number;
  /** Whether to make a schema where there is none. Default: true. */
  readonly create?: boolean | undefined;
  /** Default: those of this program. */
  readonly steps?: readonly Migration[] | undefined;
}

/**
 * Brings the schema up to this program's version. Throws `StoreUnavailable` for a newer one, and changes nothing then.
 *
 * Kysely's own Migrator cannot be used: for SQLite it takes no lock and opens no transaction (its adapter says
 * `supportsTransactionalDdl: false`), and it creates its tables before either. Here, reading the version, applying the
 * steps and recording them are one write transaction, so that two processes may start at once and a crash leaves
 * either the old schema or the new one.
 */
export async function migrate(backend: SqlBackend, options: MigrateOptions): Promise<void> {
  const { steps = migrations } = options;
  const known = steps.at(-1)?.version ?? 0;
  // The ordinary start finds the schema as it should be, and takes no lock.
  if ((await readVersion(backend.reader, backend.words)) === known) return;
  await backend.upgrade(async (trx) => {
    const version = await readVersion(trx, backend.words);
    if (version > known) throw newerSchema(options.name, version, known);
    if (version === 0) {
      if (options.create === false) throw noSchema(options.name);
    }
    const due = steps.filter((one) => one.version > version);
    await applySteps(trx, backend.words, { steps: due, now: options.now });
  });
}

export interface ApplySteps {
  readonly steps: readonly Migration[];
  readonly now: () => number;
}

/** Applies steps of the schema, and records them. */
export async function applySteps(
  trx: Transaction<SqlSchema>,
  words: SqlWords,
  { steps, now }: ApplySteps,
): Promise<void> {
  await createSchemaTable(trx);
  for (const step of steps) {
    await step.apply(trx, words);
    const { version, name } = step;
    await trx.insertInto("countersign_schema").values({ version, name, applied_at: now() }).execute();
  }
}

/** 0 for a database that has never been migrated. */
export async function readVersion(db: Kysely<SqlSchema>, words: SqlWords): Promise<number> {
  const { rows } = await sql.raw<{ name: string }>(words.tables).execute(db);
  if (!rows.some(({ name }) => name === "countersign_schema")) return 0;
  const row = await db
    .selectFrom("countersign_schema")
    .select(({ fn }) => fn.max("version").as("version"))
    .executeTakeFirst();
  return Number(row?.version ?? 0);
}

async function createSchemaTable(db: Kysely<SqlSchema>): Promise<void> {
  await db.schema
    .createTable("countersign_schema")
    .ifNotExists()
    .addColumn("version", "integer", (column) => column.primaryKey())
    .addColumn("name", "text", (column) => column.notNull())
    .addColumn("applied_at", "bigint", (column) => column.notNull())
    .execute();
}

function noSchema(name: string): StoreUnavailable {
  return new StoreUnavailable(`${name} has no tables of Countersign's; start the server on it first`);
}

/** Of a database, or of a backup, that a later version of this program has written. */
export function newerSchema(name: string, found: number, known: number): StoreUnavailable {
  return new StoreUnavailable(
    `${name} has schema version ${found} and this program knows ${known}; run the newer program, or restore a backup`,
  );
}
