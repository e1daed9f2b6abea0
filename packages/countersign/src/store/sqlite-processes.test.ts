import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { describe, it } from "node:test";
import { migrations } from "./sql/migrations.ts";
import { openSqliteStore } from "./sqlite.ts";
import { TestChild } from "./suite/child-process.suite.ts";
import { temporaryFolder } from "./suite/temporary-folder.suite.ts";

describe("SQLite: several processes", { timeout: 60_000 }, () => {
  it("loses nothing acknowledged when it is killed", async (context) => {
    const path = temporaryFolder(context)("store.db");
    const acknowledged: string[] = [];
    // Three times on the same file, so that it is also reopened after a crash.
    for (const enough of [40, 15, 70]) {
      const child = new TestChild("write", path);
      assert.equal(await child.line(), "ready");
      child.goOn();
      for (let count = 0; count < enough; count += 1) acknowledged.push(String(await child.line()));
      child.kill();
      assert.equal(await child.exit, null);
      acknowledged.push(...(await child.rest()));
    }
    assert.ok(acknowledged.length >= 125);
    const store = await openSqliteStore({ path });
    for (const id of acknowledged)
      assert.equal((await store.users.load(id))?.attributes["changed"], "yes", id);
    // A change and its event came together, also the last one, which nobody acknowledged.
    const entries = (await store.revocations.since(0, 100_000)) ?? [];
    const all = await store.users.list({ limit: 100_000 });
    const changed = all.filter(({ attributes }) => attributes["changed"] === "yes").map(({ id }) => id);
    assert.deepEqual(
      entries.map(({ event }) => event.kind === "user" && event.userId),
      changed,
    );
    assert.ok(all.length - acknowledged.length <= 3);
    await store.close();
    assert.deepEqual(
      { ...new DatabaseSync(path).prepare("pragma integrity_check").get() },
      { integrity_check: "ok" },
    );
  });

  it("lets several processes create the schema at once", async (context) => {
    const file = temporaryFolder(context);
    for (const round of [1, 2, 3]) {
      const path = file(`${round}/store.db`);
      const children = Array.from({ length: 4 }, () => new TestChild("migrate", path));
      for (const child of children) assert.equal(await child.line(), "ready");
      for (const child of children) child.goOn();
      assert.deepEqual(await Promise.all(children.map(({ exit }) => exit)), [0, 0, 0, 0]);
      const ids = (await Promise.all(children.map((child) => child.rest()))).flat();
      assert.deepEqual(ids.sort(), ["1", "2", "3", "4"]);
      const database = new DatabaseSync(path);
      assert.deepEqual(
        database.prepare("select version from countersign_schema").all().length,
        migrations.length,
      );
      database.close();
    }
  });

  it("sees what another process does, and is seen", async (context) => {
    const path = temporaryFolder(context)("store.db");
    const store = await openSqliteStore({ path });
    await store.users.create({ username: "ada" });
    const child = new TestChild("beside", path);
    assert.equal(await child.line(), "ready");
    child.goOn();
    assert.equal(await child.line(), "ada");
    assert.deepEqual((await store.users.load("1"))?.attributes, { child: "was here" });
    assert.equal(await store.revocations.head(), 1);
    await store.users.update("1", { attributes: { parent: "too" } });
    child.goOn();
    assert.deepEqual(JSON.parse(String(await child.line())), { child: "was here", parent: "too" });
    assert.equal(await child.line(), "2");
    assert.equal(await child.exit, 0);
    await store.close();
  });

  it("lets two stores of one process write at once", async (context) => {
    const path = temporaryFolder(context)("store.db");
    const stores = [await openSqliteStore({ path }), await openSqliteStore({ path })];
    const names = Array.from({ length: 100 }, (_, index) => `user${index}`);
    const writes = stores.flatMap(({ users }, store) =>
      names.map((name) => users.create({ username: `${name} of ${store}` })),
    );
    assert.equal(new Set((await Promise.all(writes)).map(({ id }) => id)).size, 200);
    for (const { users, close } of stores) {
      assert.equal((await users.list({ limit: 500 })).length, 200);
      await close();
    }
  });
});
