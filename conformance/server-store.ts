import { join } from "node:path";
import { auditOriginOfCall } from "countersign/service";
import type { Store } from "countersign/store";
import { openSqliteStore } from "countersign/store/sqlite";
import { developmentSecrets } from "./server-process.ts";

/** Opens the database that a program has open, too: with its key, without which nothing is changed that is audited. */
export function openServerStore(data: string): Promise<Store> {
  const audit = { origin: auditOriginOfCall, keys: [developmentSecrets(data).auditKey] };
  return openSqliteStore({ path: join(data, "countersign.db"), audit });
}
