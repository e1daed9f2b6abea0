import { existsSync } from "node:fs";
import { join } from "node:path";
import { auditOriginOfCall } from "countersign/service";
import type { AuditOptions, Store, StoreObserver } from "countersign/store";
import type { Config } from "./config/config.ts";
import { ConfigError } from "./config/config-error.ts";
import { deriveKeys } from "./master-key.ts";

/** Where the SQLite database of a configuration is. */
export function databasePath({ data }: Pick<Config, "data">): string {
  return join(data, "countersign.db");
}

/** Whether the database is there, as far as that can be seen without connecting to it. */
export function mayHaveStore(config: Config): boolean {
  return config.secrets.databaseUrl !== undefined || existsSync(databasePath(config));
}

export interface OpenStoreOptions {
  /** Make the schema of PostgreSQL where there is none. Default: true. */
  readonly create?: boolean | undefined;
  /** Who changes what. Default: whoever the current call is of. */
  readonly origin?: AuditOptions["origin"];
  /** Hears of what is read and written. Default: nobody. */
  readonly observe?: StoreObserver | undefined;
}

/** The database of a configuration. A driver is loaded when it is needed. */
export async function openStore(config: Config, options: OpenStoreOptions = {}): Promise<Store> {
  const { create = true, origin = auditOriginOfCall, observe } = options;
  const audit = { origin, keys: auditKeysOf(config) };
  const { databaseUrl } = config.secrets;
  if (databaseUrl === undefined) {
    const { openSqliteStore } = await import("countersign/store/sqlite");
    return openSqliteStore({ path: databasePath(config), audit, observe });
  }
  const { openPostgresStore } = await import("countersign/store/postgres");
  try {
    return await openPostgresStore({ database: databaseUrl, create, audit, observe });
  } catch (error) {
    if (error instanceof TypeError) throw new ConfigError(`database.url: ${error.message}`);
    throw error;
  }
}

/** None without a master key: most commands do without, and are refused by a log that is sealed. */
function auditKeysOf(config: Config): readonly Uint8Array[] {
  return config.secrets.masterKey === undefined ? [] : [deriveKeys(config).audit];
}
