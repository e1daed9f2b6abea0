import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { temporaryFolder } from "../../../../tools/at-exit.ts";
import { openSqliteStore } from "./sqlite.ts";
import { describeStore } from "./store.suite.ts";

// A copy takes a tenth of the time that making the schema anew would.
const first = join(temporaryFolder("store"), "first.db");
await (await openSqliteStore({ path: first })).close();

describeStore("SQLite file", async (now) => {
  const folder = mkdtempSync(join(tmpdir(), "countersign-"));
  const path = join(folder, "store.db");
  copyFileSync(first, path);
  const store = await openSqliteStore({ path, now });
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
