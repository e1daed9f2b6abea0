import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Store } from "countersign/store";
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
  try {
    return await openPostgresStore({ database: databaseUrl, create });
  } catch (error) {
    if (error instanceof TypeError) throw new ConfigError(`database.url: ${error.message}`);
    throw error;
  }
}
