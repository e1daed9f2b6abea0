import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { startPostgres } from "../../../../tools/postgres-server.ts";
import { openPostgresStore, postgresSchemaVersion } from "./postgres.ts";
import { migrate } from "./sql/migrate.ts";
import { migrations } from "./sql/migrations.ts";
import { openPostgresBackend } from "./sql/postgres/postgres-backend.ts";
import { postgresTarget } from "./sql/postgres/postgres-options.ts";
import { TestChild } from "./suite/child-process.suite.ts";
import { newSession } from "./suite/session-case.suite.ts";
import { TestClock } from "./suite/store-case.suite.ts";

// Durable, because what is acknowledged here must survive.
const server = await startPostgres({ durable: true });
after(() => server.stop());

const newDatabase = async () => {
  const name = await server.createDatabase();
  return { name, database: server.local(name), url: server.url(name) };
};

/** Every column, index, constraint and trigger, as the catalogue tells them. */
async function schemaOf(name: string): Promise<readonly unknown[]> {
  return server.query(
    `select table_name as a, column_name as b, data_type || coalesce(collation_name, '') || is_nullable as c
       from information_schema.columns where table_schema = 'public'
     union all select tablename, indexname, indexdef from pg_indexes where schemaname = 'public'
     union all select conrelid::regclass::text, conname, pg_get_constraintdef(oid) from pg_constraint
       where connamespace = 'public'::regnamespace
     union all select tgrelid::regclass::text, tgname, pg_get_triggerdef(oid) from pg_trigger where not tgisinternal
     order by 1, 2, 3`,
    name,
  );
}

async function migrateTo(version: number, database: ReturnType<typeof server.local>): Promise<void> {
  const target = postgresTarget(database);
  const backend = openPostgresBackend({ target, readers: 1 });
  await migrate(backend, { name: target.name, now: Date.now, steps: migrations.slice(0, version) });
  await backend.close();
}

describe("PostgreSQL: several processes", { timeout: 240_000 }, () => {
  it("loses nothing acknowledged when a client is killed, nor when the server is", async () => {
    const { url, database } = await newDatabase();
    const acknowledged: string[] = [];
    for (const victim of ["client", "server", "client"]) {
      const child = new TestChild("write", url);
      assert.equal(await child.line(), "ready");
      child.goOn();
      for (let count = 0; count < 30; count += 1) acknowledged.push(String(await child.line()));
      if (victim === "server") await server.restart();
      child.kill();
      await child.exit;
      acknowledged.push(...(await child.rest()));
    }
    const store = await openPostgresStore({ database });
    for (const id of acknowledged)
      assert.equal((await store.users.load(id))?.attributes["changed"], "yes", id);
    const entries = (await store.revocations.since(0, 100_000)) ?? [];
    const all = await store.users.list({ limit: 100_000 });
    const changed = all.filter(({ attributes }) => attributes["changed"] === "yes").map(({ id }) => id);
    assert.deepEqual(
      entries.map(({ event }) => event.kind === "user" && event.userId),
      changed,
    );
    await store.close();
  });

  it("undoes the transaction of a client that is killed in the middle of it, and lets others go on", async () => {
    const { url, database } = await newDatabase();
    const store = await openPostgresStore({ database });
    await store.users.create({ username: "ada" });
    const child = new TestChild("standStill", url);
    assert.equal(await child.line(), "ready");
    child.goOn();
    assert.equal(await child.line(), "inside");
    assert.equal((await store.users.load("1"))?.username, "ada");
    const waiting = store.users.create({ username: "bob" });
    child.kill();
    assert.equal((await waiting).username, "bob");
    assert.equal((await store.users.load("1"))?.username, "ada");
    await store.close();
  });

  it("lets several processes create the schema at once, or upgrade it", async () => {
    for (const version of [0, 1]) {
      const { url, name, database } = await newDatabase();
      if (version > 0) await migrateTo(version, database);
      const children = Array.from({ length: 3 }, () => new TestChild("migrate", url));
      for (const child of children) assert.equal(await child.line(), "ready");
      for (const child of children) child.goOn();
      assert.deepEqual(await Promise.all(children.map(({ exit }) => exit)), [0, 0, 0]);
      const ids = (await Promise.all(children.map((child) => child.rest()))).flat();
      assert.deepEqual(ids.sort(), ["1", "2", "3"]);
      const versions = await server.query("select version from countersign_schema order by 1", name);
      assert.deepEqual(
        versions.map((row) => row["version"]),
        Array.from({ length: postgresSchemaVersion }, (_, index) => index + 1),
      );
    }
  });

  it("rotates a session, counts guesses and uses steps once, however many processes ask at once", async () => {
    const { url, database } = await newDatabase();
    const store = await openPostgresStore({ database });
    const clock = new TestClock();
    clock.ms = Date.now();
    const { id } = await store.users.create({ username: "ada" });
    await store.sessions.create(newSession("s1", id, clock));
    await store.totp.enroll(id, new Uint8Array(1));
    await store.totp.confirm(id, { step: 100, sealedSecret: new Uint8Array(1) }, []);
    const children = Array.from({ length: 3 }, () => new TestChild("race", url));
    for (const child of children) assert.equal(await child.line(), "ready");
    for (const child of children) child.goOn();
    const results = await Promise.all(
      children.map(async (child) => JSON.parse(String(await child.line())) as Race),
    );
    assert.deepEqual(await Promise.all(children.map(({ exit }) => exit)), [0, 0, 0]);
    const rotations = results.flatMap((result) => result.rotations).sort();
    assert.deepEqual(rotations, [...Array(149).fill("replayed 2"), "rotated 2"]);
    const sum = (of: (race: Race) => number) => results.reduce((total, race) => total + of(race), 0);
    assert.deepEqual([sum(({ admitted }) => admitted), sum(({ stepsUsed }) => stepsUsed)], [2, 1]);
    await store.close();
  });
});

interface Race {
  readonly rotations: readonly string[];
  readonly admitted: number;
  readonly stepsUsed: number;
}

describe("PostgreSQL: upgrading", { timeout: 240_000 }, () => {
  for (let version = 1; version < postgresSchemaVersion; version += 1) {
    it(`brings a database of version ${version} up to date, and keeps what is in it`, async () => {
      const [old, fresh] = [await newDatabase(), await newDatabase()];
      await migrateTo(version, old.database);
      await server.query(
        `insert into users values (7, 'Ada', 'ada', null, null, 1, 1, 1, '$argon2id$1', '{"team":"engines"}', 1700000000000, 1700000000001);
         insert into api_keys values ('k1', 'ci', '', 'service', 7, '\\x00ff', 'p1', '["a"]', 1700000000004, null, null, null, null, null, 1700000000009, 9007199254740991);
         insert into revocation_log values (1, '{"kind":"key","keyId":"gone","state":"revoked"}', null, 1700000000006);
         update revocation_head set sequence = 1`,
        old.name,
      );
      const store = await openPostgresStore({ database: old.database });
      assert.deepEqual((await store.users.load("7"))?.attributes, { team: "engines" });
      const key = await store.apiKeys.load("k1");
      assert.deepEqual(key?.digest, new Uint8Array([0, 255]));
      assert.equal(key?.totalRequests, Number.MAX_SAFE_INTEGER);
      assert.equal(await store.revocations.head(), 1);
      assert.equal(await store.users.delete("7").catch(({ name }) => name), "Conflict");
      await store.close();
      await (await openPostgresStore({ database: fresh.database })).close();
      assert.deepEqual(await schemaOf(old.name), await schemaOf(fresh.name));
    });
  }

  it("refuses a schema that is newer than the program, and leaves it alone", async () => {
    const { name, database } = await newDatabase();
    await (await openPostgresStore({ database })).close();
    await server.query("insert into countersign_schema values (99, 'from the future', 0)", name);
    const before = await schemaOf(name);
    await assert.rejects(openPostgresStore({ database }), {
      name: "StoreUnavailable",
      message: /has schema version 99 and this program knows \d+; run the newer program/,
    });
    assert.deepEqual(await schemaOf(name), before);
  });

  it("leaves another program's tables alone, and makes none where it was not asked to", async () => {
    const { name, database } = await newDatabase();
    await server.query("create table users (theirs text)", name);
    await assert.rejects(openPostgresStore({ database }), {
      name: "StoreUnavailable",
      message: /cannot be prepared .*name a database or a schema that is Countersign's own/,
    });
    await assert.rejects(openPostgresStore({ database, create: false }), {
      message: /has no tables of Countersign/,
    });
    assert.deepEqual(
      await server.query("select tablename from pg_tables where schemaname = 'public'", name),
      [{ tablename: "users" }],
    );
  });

  it("keeps to a schema of its own where one is named", async () => {
    const { name, url } = await newDatabase();
    await server.query("create table users (theirs text); create schema own", name);
    const store = await openPostgresStore({ database: `${url}?options=-c%20search_path%3Down` });
    assert.equal((await store.users.create({ username: "ada" })).id, "1");
    await store.close();
  });
});
