import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openSqliteStore } from "./sqlite.ts";
import { describeStore } from "./store.suite.ts";

describeStore("SQLite file", async (now) => {
  const folder = mkdtempSync(join(tmpdir(), "countersign-"));
  const store = await openSqliteStore({ path: join(folder, "store.db"), now });
  const dispose = async () => {
    await store.close();
    rmSync(folder, { recursive: true });
  };
  return { store, dispose };
});

describeStore("SQLite in memory", async (now) => {
  const store = await openSqliteStore({ path: ":memory:", now });
  return { store, dispose: () => store.close() };
});
