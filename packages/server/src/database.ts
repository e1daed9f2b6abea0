import { existsSync } from "node:fs";
import { join } from "node:path";
import { auditOriginOfCall } from "countersign/service";
import { type AuditOptions, readPostgresUrl, type Store, type StoreObserver } from "countersign/store";
import type { Snapshot } from "countersign/store/backup";
import type { Restored, RestoreOptions, RestoreSource } from "countersign/store/sqlite";
import type { Config } from "./config/config.ts";
import { ConfigError } from "./config/config-error.ts";
import { deriveKeys } from "./master-key.ts";
import { peerAddress } from "./requests/peer-address.ts";

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
  const { create = true, origin = originIn(config), observe } = options;
  const audit = { origin, keys: auditKeysOf(config) };
  const { databaseUrl } = config.secrets;
  if (databaseUrl === undefined) {
    const { openSqliteStore } = await import("countersign/store/sqlite");
    return openSqliteStore({ path: databasePath(config), audit, observe });
  }
  const { openPostgresStore } = await import("countersign/store/postgres");
  return aboutUrl(() => openPostgresStore({ database: databaseUrl, create, audit, observe }));
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

export interface RestoreStoreOptions
  extends Omit<RestoreOptions, "audit">,
    Pick<OpenStoreOptions, "origin"> {}

/** Puts a backup into the database of a configuration. A `ConfigError` if it holds something, and is not to be replaced. */
export async function restoreStore(
  config: Config,
  source: RestoreSource,
  { origin, ...options }: RestoreStoreOptions,
): Promise<Restored> {
  const { databaseUrl } = config.secrets;
  const { DatabaseInUse, restoreSqlite } = await import("countersign/store/sqlite");
  try {
    const given = { ...options, audit: { origin, keys: auditKeysOf(config) } };
    if (databaseUrl === undefined)
      return await restoreSqlite(source, { path: databasePath(config), ...given });
    const { restorePostgres } = await import("countersign/store/postgres");
    await aboutUrl(async () => readPostgresUrl(databaseUrl));
    return await restorePostgres(source, { database: databaseUrl, ...given });
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

/** Whoever the current call is of, and from where, as far as proxies are believed. */
function originIn({ request_log: { trusted_proxies: proxies } }: Config): AuditOptions["origin"] {
  const peerOf = peerAddress(proxies);
  return () => auditOriginOfCall((call) => peerOf(call, call.peer.address));
}

/** None without a master key: most commands do without, and are refused by a log that is sealed. */
function auditKeysOf(config: Config): readonly Uint8Array[] {
  return config.secrets.masterKey === undefined ? [] : deriveKeys(config).audit;
}
