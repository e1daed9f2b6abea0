import { join } from "node:path";
import type { Store } from "countersign/store";
import { openSqliteStore } from "countersign/store/sqlite";
import type { Config } from "./config/config.ts";

/** Where the database of a configuration is. */
export function databasePath({ data }: Pick<Config, "data">): string {
  return join(data, "countersign.db");
}

/** The database of a configuration. */
export function openStore(config: Config): Promise<Store> {
  return openSqliteStore({ path: databasePath(config) });
}
