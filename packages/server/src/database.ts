import { existsSync } from "node:fs";
import { join } from "node:path";
import { readPostgresUrl, type Store } from "countersign/store";
import type { Snapshot } from "countersign/store/backup";
import type { Restored, RestoreOptions, RestoreSource } from "countersign/store/sqlite";
import type { Config } from "./config/config.ts";
import { ConfigError } from "./config/config-error.ts";

/** Where the SQLite database of a configuration is. */
export function databasePath({ data }: Pick<Config, "data">): string {
  return join(data, "countersign.db");
}

/** Whether the database is there, as far as that can be seen without connecting to it. */
export function mayHaveStore(config: Config): boolean {
  return config.secrets.databaseUrl !== undefined || existsSync(databasePath(config));
}

/** The database of a configuration. A driver is loaded when it is needed. */
export async function openStore(config: Config, { create = true } = {}): Promise<Store> {
  const { databaseUrl } = config.secrets;
  if (databaseUrl === undefined) {
    const { openSqliteStore } = await import("countersign/store/sqlite");
    return openSqliteStore({ path: databasePath(config) });
  }
  const { openPostgresStore } = await import("countersign/store/postgres");
  return aboutUrl(() => openPostgresStore({ database: databaseUrl, create }));
}

/** All that the database of a configuration holds at this moment. */
export async function snapshotStore(config: Config): Promise<Snapshot> {
  const { databaseUrl } = config.secrets;
  if (databaseUrl === undefined) {
    const { snapshotSqlite } = await import("countersign/store/sqlite");
    return snapshotSqlite({ path: databasePath(config) });
  }
  const { snapshotPostgres } = await import("countersign/store/postgres");
  await aboutUrl(async () => readPostgresUrl(databaseUrl));
  return snapshotPostgres({ database: databaseUrl });
}

/** Puts a backup into the database of a configuration. A `ConfigError` if it holds something, and is not to be replaced. */
export async function restoreStore(
  config: Config,
  source: RestoreSource,
  options: RestoreOptions,
): Promise<Restored> {
  const { databaseUrl } = config.secrets;
  const { DatabaseInUse, restoreSqlite } = await import("countersign/store/sqlite");
  try {
    if (databaseUrl === undefined)
      return await restoreSqlite(source, { path: databasePath(config), ...options });
    const { restorePostgres } = await import("countersign/store/postgres");
    await aboutUrl(async () => readPostgresUrl(databaseUrl));
    return await restorePostgres(source, { database: databaseUrl, ...options });
  } catch (error) {
    if (error instanceof DatabaseInUse) throw new ConfigError(`${error.message}: --force replaces it`);
    throw error;
  }
}

async function aboutUrl<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof TypeError) throw new ConfigError(`database.url: ${error.message}`);
    throw error;
  }
}
