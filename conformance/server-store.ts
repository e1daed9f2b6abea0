import { join } from "node:path";
import type { Store } from "countersign/store";
import { developmentSecrets } from "./server-process.ts";

/** Opens the database that a program has open, too: with its key, without which nothing is changed that is audited. */
export async function openServerStore(data: string): Promise<Store> {
  // Only here: most tests do without, and it takes a while to load.
  const [{ auditOriginOfCall }, { openSqliteStore }] = await Promise.all([
    import("countersign/service"),
    import("countersign/store/sqlite"),
  ]);
  const audit = { origin: auditOriginOfCall, keys: [developmentSecrets(data).auditKey] };
  return openSqliteStore({ path: join(data, "countersign.db"), audit });
}
