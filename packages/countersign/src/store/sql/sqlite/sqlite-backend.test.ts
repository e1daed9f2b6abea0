import assert from "node:assert/strict";
import { statSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { sql, type Transaction } from "kysely";
import { type Store, StoreUnavailable } from "../../contracts.ts";
import { openSqliteStore } from "../../sqlite.ts";
import { temporaryFolder } from "../../suite/temporary-folder.suite.ts";
import { migrate } from "../migrate.ts";
import { migrations } from "../migrations.ts";
import type { SqlBackend } from "../sql-backend.ts";
import type { SqlSchema } from "../sql-schema.ts";
import { createSqlStore } from "../sql-store.ts";
import { openSqliteBackend } from "./sqlite-backend.ts";

async function openBackend(path: string): Promise<{ backend: SqlBackend; store: Store }> {
  const backend = await openSqliteBackend({ path, busyTimeoutMs: 5000 });
  await migrate(backend, { name: path, now: Date.now });
  return { backend, store: createSqlStore(backend, Date.now) };
}

function unavailableBy(errcode: number, cause: RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof StoreUnavailable, String(error));
    assert.match(error.message, cause);
    assert.equal((error.cause as { errcode?: number }).errcode, errcode);
    return true;
  };
}

describe("SQLite: durability and isolation", () => {
  it("writes with a synchronised write-ahead log", async (context) => {
    const { backend } = await openBackend(temporaryFolder(context)("store.db"));
    const pragmas = { journal_mode: "wal", synchronous: 2, foreign_keys: 1, busy_timeout: 5000 };
    await backend.write(async (trx) => {
      for (const [name, value] of Object.entries(pragmas)) {
        const { rows } = await sql.raw<Record<string, unknown>>(`pragma ${name}`).execute(trx);
        assert.deepEqual(Object.values(rows[0] ?? {}), [value], name);
      }
    });
    await assert.rejects(backend.reader.deleteFrom("users").execute(), /cannot be written/);
    await backend.close();
  });

  it("waits for the disk but for what nobody was told of", async (context) => {
    const { backend } = await openBackend(temporaryFolder(context)("store.db"));
    const synchronous = async (trx: Transaction<SqlSchema>): Promise<unknown> =>
      (await sql.raw<{ synchronous: number }>("pragma synchronous").execute(trx)).rows[0]?.synchronous;
    const fail = () => Promise.reject(new Error("no"));
    const all = [
      ...[backend.write(synchronous), backend.writeLater(synchronous), backend.write(synchronous)],
      ...[backend.writeLater(fail).catch(() => backend.write(synchronous)), backend.write(synchronous)],
    ];
    assert.deepEqual(await Promise.all(all), [2, 1, 2, 2, 2]);
    await backend.close();
  });

  it("moves its log into the file in small portions, for which calls wait less", async (context) => {
    const path = temporaryFolder(context)("store.db");
    const { backend } = await openBackend(path);
    await backend.write((trx) => sql`create table filler (bytes blob)`.execute(trx));
    for (let at = 0; at < 60; at++)
      await backend.writeLater((trx) => sql`insert into filler values (zeroblob(40000))`.execute(trx));
    // 60 times ten pages were written; with SQLite's default, all of them would still wait.
    const { size } = statSync(`${path}-wal`);
    assert.ok(size < 1_500_000, `${size} bytes`);
    await backend.close();
  });

  for (const place of ["a file", "memory"]) {
    it(`shows nobody what is not committed (${place})`, async (context) => {
      const path = place === "memory" ? ":memory:" : temporaryFolder(context)("store.db");
      const { backend, store } = await openBackend(path);
      const { id } = await store.users.create({ username: "ada" });
      const seen: unknown[] = [];
      const look = async () => seen.push((await store.users.load(id))?.username);
      const looks: Promise<unknown>[] = [];
      const work = backend.write(async (trx) => {
        await trx.updateTable("users").set({ username: "eve" }).execute();
        looks.push(look());
        await sleep(20);
        throw new Error("rolled back");
      });
      await assert.rejects(work, /rolled back/);
      await Promise.all(looks);
      assert.deepEqual(seen, ["ada"]);
      assert.equal((await store.users.load(id))?.username, "ada");
      await store.close();
    });
  }

  it("shows at once what is committed", async (context) => {
    const { store } = await openBackend(temporaryFolder(context)("store.db"));
    const { id } = await store.users.create({ username: "ada" });
    for (let n = 0; n < 50; n += 1) {
      await store.users.update(id, { attributes: { n: String(n) } });
      const user = store.users.load(id);
      assert.ok(user !== undefined && !("then" in user), "a load from a file is synchronous");
      assert.equal(user.attributes["n"], String(n));
    }
    await store.close();
  });

  it("gives ids as they are, up to 64 bits", async (context) => {
    const { backend, store } = await openBackend(temporaryFolder(context)("store.db"));
    await backend.write(async (trx) => {
      await sql`insert into sqlite_sequence (name, seq) values ('users', 9223372036854775805)`.execute(trx);
    });
    const user = await store.users.create({ username: "ada" });
    assert.equal(user.id, "9223372036854775806");
    assert.deepEqual(await store.users.load(user.id), user);
    const digest = new Uint8Array();
    const key = { id: "k", name: "k", type: "cli", userId: user.id, digest, pepperId: "p" };
    assert.equal((await store.apiKeys.create(key)).userId, user.id);
    const [found] = await store.apiKeys.list({ limit: 1, userId: user.id, now: new Date() });
    assert.deepEqual(found, await store.apiKeys.load("k"));
    assert.equal(found?.userId, user.id);
    await store.close();
  });

  for (const place of ["a file", "memory"]) {
    it(`writes in the order of asking, also after one that fails (${place})`, async (context) => {
      const path = place === "memory" ? ":memory:" : temporaryFolder(context)("store.db");
      const { backend, store } = await openBackend(path);
      const order: number[] = [];
      let inside = 0;
      const writes = Array.from({ length: 30 }, (_, n) =>
        backend.write(async (trx) => {
          inside += 1;
          assert.equal(inside, 1);
          await trx.selectFrom("users").select("id").execute();
          order.push(n);
          inside -= 1;
          if (n % 3 === 0) throw new Error("rolled back");
        }),
      );
      const settled = await Promise.allSettled(writes);
      assert.equal(settled.filter(({ status }) => status === "rejected").length, 10);
      assert.deepEqual(
        order,
        order.map((_, index) => index),
      );
      assert.equal(order.length, 30);
      await store.close();
    });
  }

  it("waits for what is under way before it closes", async (context) => {
    const path = temporaryFolder(context)("store.db");
    const { store } = await openBackend(path);
    const writes = Array.from({ length: 50 }, (_, n) => store.users.create({ username: `user${n}` }));
    await store.close();
    assert.equal((await Promise.all(writes)).length, 50);
  });
});

describe("SQLite: trouble while in use", () => {
  it("is unavailable on a full disk, and appends no event", async (context) => {
    const { backend, store } = await openBackend(temporaryFolder(context)("store.db"));
    const { id } = await store.users.create({ username: "ada" });
    const allow = (pages: number) =>
      backend.write(async (trx) => void (await sql.raw(`pragma max_page_count = ${pages}`).execute(trx)));
    await allow(1);
    const attributes = { big: "x".repeat(200_000) };
    await assert.rejects(
      store.users.update(id, { attributes }),
      unavailableBy(13, /disk is full; make space/),
    );
    assert.equal(await store.revocations.head(), 0);
    await allow(1_000_000);
    assert.ok(await store.users.update(id, { attributes }));
    assert.equal(await store.revocations.head(), 1);
    await store.close();
  });

  it("is unavailable while another process keeps the lock", async (context) => {
    const path = temporaryFolder(context)("store.db");
    const store = await openSqliteStore({ path, busyTimeoutMs: 100 });
    const { id } = await store.users.create({ username: "ada" });
    const other = new DatabaseSync(path);
    other.exec("begin immediate");
    await assert.rejects(store.users.update(id, { isStaff: true }), unavailableBy(5, /write lock/));
    assert.equal((await store.users.load(id))?.isStaff, false);
    assert.equal(await store.revocations.head(), 0);
    other.close();
    await store.close();
  });

  it("waits for another process's lock without stopping this one", async (context) => {
    const path = temporaryFolder(context)("store.db");
    const store = await openSqliteStore({ path, busyTimeoutMs: 10_000 });
    const { id } = await store.users.create({ username: "ada" });
    const other = new DatabaseSync(path);
    other.exec("begin immediate");
    let isOver = false;
    const update = store.users.update(id, { isStaff: true }).finally(() => (isOver = true));
    // Were it this thread that waits, the other would not be let go before the time is up, and the update would fail.
    await sleep(20);
    assert.equal(isOver, false);
    other.exec("commit");
    other.close();
    assert.equal((await update)?.isStaff, true);
    await store.close();
  });

  it("lets the event loop run while many wait to write", async (context) => {
    const { store } = await openBackend(temporaryFolder(context)("store.db"));
    let ticks = 0;
    let writing = true;
    const tick = (): void => {
      ticks += 1;
      if (writing) setImmediate(tick);
    };
    setImmediate(tick);
    const now = new Date();
    const began = performance.now();
    const begin = (_: unknown, n: number) =>
      store.attempts.begin(`guess ${n}`, { limit: 10, windowSeconds: 900, now });
    const writes = 400;
    await Promise.all(Array.from({ length: writes }, begin));
    const took = performance.now() - began;
    writing = false;
    // Where the disk is slow, a turn has one write, however long that takes.
    const enough = Math.min(took / 50, writes / 2);
    assert.ok(ticks > enough, `${ticks} turns of the event loop in ${took} ms`);
    await store.close();
  });

  it("leaves the old schema if a step of a migration fails", async (context) => {
    const { backend, store } = await openBackend(temporaryFolder(context)("store.db"));
    const broken = {
      version: (migrations.at(-1)?.version ?? 0) + 1,
      name: "broken",
      apply: async (trx: Parameters<(typeof migrations)[0]["apply"]>[0]) => {
        await trx.schema.createTable("half").addColumn("id", "integer").execute();
        throw new Error("no further");
      },
    };
    const options = { name: "x", now: Date.now, steps: [...migrations, broken] };
    await assert.rejects(migrate(backend, options), /no further/);
    const tables = await backend.reader.introspection.getTables();
    assert.ok(!tables.some(({ name }) => name === "half"));
    await migrate(backend, { name: "x", now: Date.now });
    assert.ok(await store.users.create({ username: "ada" }));
    await store.close();
  });
});
