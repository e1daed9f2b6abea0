import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { describe, it } from "node:test";
import { migrate } from "./sql/migrate.ts";
import { migrations } from "./sql/migrations.ts";
import { openSqliteBackend } from "./sql/sqlite/sqlite-backend.ts";
import { openSqliteStore } from "./sqlite.ts";
import { TestChild } from "./suite/child-process.suite.ts";
import { firstContent, firstSchema } from "./suite/first-schema.suite.ts";
import { newSession, rotation } from "./suite/session-case.suite.ts";
import { eventsOf, TestClock } from "./suite/store-case.suite.ts";
import { temporaryFolder } from "./suite/temporary-folder.suite.ts";

function createFirstVersion(path: string): void {
  const database = new DatabaseSync(path);
  database.exec("pragma journal_mode = wal");
  for (const statement of [...firstSchema, ...firstContent]) database.exec(statement);
  database.close();
}

function schemaOf(path: string): string[] {
  const database = new DatabaseSync(path);
  const rows = database
    .prepare("select sql from sqlite_schema where sql is not null and name not like 'sqlite_%'")
    .all();
  database.close();
  return rows.map(({ sql }) => String(sql)).sort();
}

describe("SQLite: upgrading", { timeout: 60_000 }, () => {
  it("has a first step that is as it was released", async (context) => {
    const path = temporaryFolder(context)("store.db");
    const backend = await openSqliteBackend({ path, busyTimeoutMs: 5000 });
    await migrate(backend, { name: path, now: Date.now, steps: migrations.slice(0, 1) });
    await backend.close();
    assert.deepEqual(schemaOf(path), firstSchema.toSorted());
  });

  it("brings a database of the first version up to date, and keeps what is in it", async (context) => {
    const file = temporaryFolder(context);
    const path = file("store.db");
    createFirstVersion(path);
    const clock = new TestClock();
    const store = await openSqliteStore({ path, now: clock.now });
    const ada = await store.users.load("1");
    assert.deepEqual([ada?.username, ada?.attributes, ada?.isSuperuser], ["Ada", { team: "engines" }, true]);
    assert.equal(await store.users.passwordHash("1"), "$argon2id$1");
    assert.deepEqual((await store.apiKeys.load("k1"))?.digest, new Uint8Array([0, 255]));
    assert.equal((await store.apiKeys.load("k3"))?.revokedReason, "lost");
    assert.deepEqual(await eventsOf(store), [{ kind: "key", keyId: "k3", state: "revoked" }]);
    assert.deepEqual([ada?.roles, (await store.apiKeys.load("k1"))?.roles], [[], []]);
    assert.deepEqual(
      (await store.roles.load()).map(({ name }) => name),
      ["admin", "key-manager", "viewer"],
    );
    assert.equal((await store.users.create({ username: "new" })).id, "5");
    await store.sessions.create(newSession("s1", "3", clock));
    assert.equal((await store.sessions.rotate("s1", rotation(1, clock))).kind, "rotated");
    await store.totp.enroll("3", new Uint8Array());
    assert.equal(await store.users.delete("3"), true);
    assert.equal(await store.totp.load("3"), undefined);
    assert.equal(await store.revocations.head(), 3);
    await store.close();
    await (await openSqliteStore({ path: file("fresh.db") })).close();
    assert.deepEqual(schemaOf(path), schemaOf(file("fresh.db")));
  });

  it("lets several processes upgrade at once", async (context) => {
    const path = temporaryFolder(context)("store.db");
    createFirstVersion(path);
    const children = Array.from({ length: 4 }, () => new TestChild("migrate", path));
    for (const child of children) assert.equal(await child.line(), "ready");
    for (const child of children) child.goOn();
    assert.deepEqual(await Promise.all(children.map(({ exit }) => exit)), [0, 0, 0, 0]);
    const database = new DatabaseSync(path);
    const versions = database.prepare("select version from countersign_schema order by version").all();
    assert.deepEqual(
      versions.map(({ version }) => version),
      migrations.map(({ version }) => version),
    );
    database.close();
  });
});
