import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createMemoryRequestLog } from "./memory.ts";
import { describeRequestLog } from "./request-log.suite.ts";
import { openSqliteRequestLog } from "./sqlite.ts";

describeRequestLog("memory", async ({ now }) => {
  const log = createMemoryRequestLog({ now });
  return { log, dispose: () => log.close() };
});

describeRequestLog("SQLite", async ({ buffer }) => {
  const folder = mkdtempSync(join(tmpdir(), "countersign-"));
  const log = await openSqliteRequestLog({ path: join(folder, "requests.db"), now: buffer });
  const dispose = async () => {
    await log.close();
    rmSync(folder, { recursive: true });
  };
  return { log, dispose };
});
