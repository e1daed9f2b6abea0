import type { Kysely } from "kysely";
import { StoreUnavailable } from "../contracts.ts";
import { type Migration, migrations } from "./migrations.ts";
import type { SqlBackend } from "./sql-backend.ts";
import type { SqlSchema } from "./sql-schema.ts";

export interface MigrateOptions {
  /** Names the database in errors. */
  readonly name: string;
  readonly now: () => number;
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
  if ((await readVersion(backend.reader)) === known) return;
  await backend.write(async (trx) => {
    const version = await readVersion(trx);
    if (version > known) throw newerSchema(options.name, version, known);
    if (version === 0) await createSchemaTable(trx);
    for (const step of steps.filter((one) => one.version > version)) {
      await step.apply(trx, backend.words);
      const { version, name } = step;
      await trx
        .insertInto("countersign_schema")
        .values({ version, name, applied_at: options.now() })
        .execute();
    }
  });
}

/** 0 for a database that has never been migrated. */
async function readVersion(db: Kysely<SqlSchema>): Promise<number> {
  const tables = await db.introspection.getTables({ withInternalKyselyTables: true });
  if (!tables.some(({ name }) => name === "countersign_schema")) return 0;
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

function newerSchema(name: string, found: number, known: number): StoreUnavailable {
  return new StoreUnavailable(
    `${name} has schema version ${found} and this program knows ${known}; run the newer program, or restore a backup`,
  );
}
