import assert from "node:assert/strict";
import { chmodSync, mkdirSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { describe, it } from "node:test";
import { StoreUnavailable } from "./contracts.ts";
import { openSqliteStore, sqliteSchemaVersion } from "./sqlite.ts";
import { temporaryFolder } from "./suite/temporary-folder.suite.ts";

/** It must be refused in one line that names the path and matches. */
async function unavailable(path: string, line: RegExp): Promise<void> {
  await assert.rejects(openSqliteStore({ path, busyTimeoutMs: 50 }), (error) => {
    assert.ok(error instanceof StoreUnavailable, String(error));
    assert.ok(error.message.includes(path), error.message);
    assert.ok(!error.message.includes("\n"), error.message);
    assert.match(error.message, line);
    return true;
  });
}

async function createStore(path: string): Promise<void> {
  const store = await openSqliteStore({ path });
  for (let n = 0; n < 50; n += 1) await store.users.create({ username: `user ${n}${"x".repeat(2000)}` });
  await store.close();
}

describe("SQLite: the file", () => {
  it("is created for its owner alone, in folders of the same kind", async (context) => {
    const file = temporaryFolder(context);
    const store = await openSqliteStore({ path: file("a/b/store.db") });
    const mode = (name: string) => (statSync(file(name)).mode & 0o777).toString(8);
    assert.deepEqual([mode("a"), mode("a/b"), mode("a/b/store.db")], ["700", "700", "600"]);
    assert.deepEqual([mode("a/b/store.db-wal"), mode("a/b/store.db-shm")], ["600", "600"]);
    await store.close();
  });

  it("keeps the mode that it has", async (context) => {
    const path = temporaryFolder(context)("store.db");
    await createStore(path);
    chmodSync(path, 0o640);
    await (await openSqliteStore({ path })).close();
    assert.equal(statSync(path).mode & 0o777, 0o640);
  });

  it("may be empty, relative, or look like a URI", async (context) => {
    const path = temporaryFolder(context)("file:x?mode=memory");
    writeFileSync(path, "");
    await createStore(path);
    assert.ok(statSync(path).size > 0);
    await assert.rejects(openSqliteStore({ path: "" }), TypeError);
  });

  it("keeps everything when it is opened again", async (context) => {
    const path = temporaryFolder(context)("store.db");
    await createStore(path);
    const store = await openSqliteStore({ path });
    assert.equal((await store.users.list({ limit: 99 })).length, 50);
    assert.equal((await store.users.create({ username: "next" })).id, "51");
    await store.close();
  });

  it("is refused and left alone if it is no database", async (context) => {
    const path = temporaryFolder(context)("store.db");
    for (const content of ["hello", "SQLite format 3\0", "x".repeat(10_000)]) {
      writeFileSync(path, content);
      await unavailable(path, /not a SQLite database; .*backup/);
      assert.equal(readFileSync(path, "latin1"), content);
    }
  });

  it("is refused and left alone if it is cut off", async (context) => {
    const path = temporaryFolder(context)("store.db");
    await createStore(path);
    truncateSync(path, 3 * 4096);
    const before = readFileSync(path);
    await unavailable(path, /damaged; .*backup/);
    assert.deepEqual(readFileSync(path), before);
  });

  it("makes a store unavailable that turns out to be damaged", async (context) => {
    const path = temporaryFolder(context)("store.db");
    await createStore(path);
    const whole = new DatabaseSync(path);
    const roots = whole.prepare("select max(rootpage) as last from sqlite_schema").get() as { last: number };
    whole.close();
    const bytes = readFileSync(path);
    // After the schema, and the first page of each table.
    writeFileSync(path, bytes.fill(0xff, roots.last * 4096));
    const store = await openSqliteStore({ path });
    await assert.rejects(store.users.list({ limit: 99 }), (error) => {
      assert.ok(error instanceof StoreUnavailable && error.message.includes("damaged"), String(error));
      assert.equal((error.cause as { errcode?: number }).errcode, 11);
      return true;
    });
    assert.throws(() => {
      for (let id = 1; id <= 50; id += 1) void store.users.load(String(id));
    }, StoreUnavailable);
    await store.close();
  });

  it("is refused and left alone if it is another program's", async (context) => {
    const path = temporaryFolder(context)("store.db");
    const other = new DatabaseSync(path);
    other.exec("create table users (id integer)");
    other.close();
    const before = readFileSync(path);
    await unavailable(path, /another program; name another file/);
    assert.deepEqual(readFileSync(path), before);
  });

  it("is refused if its schema is newer than this program", async (context) => {
    const path = temporaryFolder(context)("store.db");
    await createStore(path);
    const newer = new DatabaseSync(path);
    const next = sqliteSchemaVersion + 1;
    newer.exec(
      `insert into countersign_schema values (${next}, 'from the future', 0); pragma wal_checkpoint(truncate)`,
    );
    newer.close();
    const before = readFileSync(path);
    await unavailable(
      path,
      new RegExp(`version ${next} and this program knows ${sqliteSchemaVersion}; run the newer program`),
    );
    assert.deepEqual(readFileSync(path), before);
  });

  it("is refused if it is a folder or cannot be created", async (context) => {
    const file = temporaryFolder(context);
    mkdirSync(file("folder"));
    writeFileSync(file("plain"), "");
    await unavailable(file("folder"), /it is a folder; name a file/);
    await unavailable(file("plain/store.db"), /; name a file/);
    await unavailable(file("plain/deeper/store.db"), /; name a file/);
    await unavailable("/proc/countersign/store.db", /cannot be created \(.+\); name a file in a folder/);
    await unavailable("/dev/null", /it is not a file/);
  });
});
