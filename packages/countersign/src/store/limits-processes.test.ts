import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { startPostgres } from "../../../../tools/postgres-server.ts";
import { startRedis } from "../../../../tools/redis-server.ts";
import { openPostgresStore } from "./postgres.ts";
import { openSqliteStore } from "./sqlite.ts";
import { TestChild } from "./suite/child-process.suite.ts";
import { temporaryFolder } from "./suite/temporary-folder.suite.ts";

describe("two processes that count for one limit admit exactly as many together", { timeout: 60_000 }, () => {
  it("on SQLite", async (context) => {
    const path = temporaryFolder(context)("store.db");
    await (await openSqliteStore({ path })).close();
    assert.equal(await countBoth(path), 120);
  });

  it("on PostgreSQL", async () => {
    const server = await startPostgres();
    after(() => server.stop());
    const url = server.url(await server.createDatabase());
    await (await openPostgresStore({ database: url })).close();
    assert.equal(await countBoth(url), 120);
  });

  it("on Redis", async () => {
    const server = await startRedis();
    after(() => server.stop());
    assert.equal(await countBoth(server.url), 120);
  });
});

async function countBoth(place: string): Promise<number> {
  const children = [new TestChild("count", place), new TestChild("count", place)];
  for (const child of children) assert.equal(await child.line(), "ready");
  for (const child of children) child.goOn();
  const counts = await Promise.all(children.map(async (child) => Number(await child.line())));
  assert.deepEqual(await Promise.all(children.map(({ exit }) => exit)), [0, 0]);
  return counts.reduce((sum, count) => sum + count, 0);
}
