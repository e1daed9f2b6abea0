import assert from "node:assert/strict";
import { closeSync, openSync, rmSync } from "node:fs";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { inspect } from "node:util";
import { sql } from "kysely";
import { postgresPassword, startPostgres } from "../../../../tools/postgres-server.ts";
import { Conflict, type Store, StoreUnavailable } from "./contracts.ts";
import { inspectPostgres, openPostgresStore, postgresSchemaVersion } from "./postgres.ts";
import { migrate } from "./sql/migrate.ts";
import { openPostgresBackend } from "./sql/postgres/postgres-backend.ts";
import { postgresTarget } from "./sql/postgres/postgres-options.ts";
import type { SqlBackend } from "./sql/sql-backend.ts";
import { createSqlStore } from "./sql/sql-store.ts";
import { newKey } from "./suite/store-case.suite.ts";

const pem = (name: string) => fileURLToPath(new URL(`../../../server/test/tls/${name}.pem`, import.meta.url));
const server = await startPostgres({ tls: { certificate: pem("certificate"), key: pem("key") } });
/** Without TLS, and to be turned into a standby. */
const plain = await startPostgres();
after(() => Promise.all([server.stop(), plain.stop()]));

async function openBackend(name?: string): Promise<{ backend: SqlBackend; store: Store; name: string }> {
  const database = name ?? (await server.createDatabase());
  const target = postgresTarget(server.local(database));
  const backend = openPostgresBackend({ target, readers: 4 });
  await migrate(backend, { name: target.name, now: Date.now });
  return { backend, store: createSqlStore(backend, Date.now), name: database };
}

/** It must be refused in one line that matches, with nothing secret in the error or in what caused it. */
async function unavailable(url: string, line: RegExp): Promise<void> {
  await assert.rejects(openPostgresStore({ database: url }), (error) => {
    assert.ok(error instanceof StoreUnavailable, String(error));
    assert.match(error.message, line);
    assert.ok(!error.message.includes("\n"), error.message);
    const everything = inspect(error, { depth: 9, showHidden: true });
    for (const secret of [postgresPassword, encodeURIComponent(postgresPassword), "wrong-password"])
      assert.ok(!everything.includes(secret), everything);
    return true;
  });
}

describe("PostgreSQL: what it gives back", () => {
  it("gives ids as they are, up to 64 bits", async () => {
    const { store, name } = await openBackend();
    await server.query("select setval('users_id_seq', 9223372036854775805)", name);
    const user = await store.users.create({ username: "ada" });
    assert.equal(user.id, "9223372036854775806");
    assert.deepEqual(await store.users.load(user.id), user);
    assert.equal((await store.apiKeys.create(newKey("k", user.id))).userId, user.id);
    const [found] = await store.apiKeys.list({ limit: 1, userId: user.id, now: new Date() });
    assert.deepEqual(found, await store.apiKeys.load("k"));
    await store.close();
  });

  it("puts texts in the order of their bytes, whatever the database's own order is", async () => {
    await server.query(
      "create database words template template0 locale_provider icu icu_locale 'en-US' locale 'C.UTF-8'",
    );
    const { store, name } = await openBackend("words");
    const [{ first } = {}] = await server.query("select least('B', 'a') as first", name);
    assert.equal(first, "a", "this database has an order of its own");
    await store.users.create({ username: "ada" });
    const ids = ["a", "B", "b", "Z", "\u00e9", "_", "a-b", "ab"];
    const target = createSqlStore((await openBackend(name)).backend, () => 1_800_000_000_000);
    for (const id of ids) await target.apiKeys.create(newKey(id, "1"));
    const listed: string[] = [];
    for (;;) {
      const id = listed.at(-1);
      const after = id === undefined ? undefined : { createdAt: new Date(1_800_000_000_000), id };
      const [next] = await target.apiKeys.list({ limit: 1, after, now: new Date() });
      if (next === undefined) break;
      listed.push(next.id);
    }
    assert.deepEqual(
      listed,
      ids.toSorted((a, b) => Buffer.compare(Buffer.from(b), Buffer.from(a))),
    );
    await Promise.all([store.close(), target.close()]);
  });

  it("shows nobody what is not committed, and at once what is", async () => {
    const { backend, store } = await openBackend();
    const { id } = await store.users.create({ username: "ada" });
    const work = backend.write(async (trx) => {
      await trx.updateTable("users").set({ username: "eve" }).execute();
      assert.equal((await store.users.load(id))?.username, "ada");
      throw new Error("rolled back");
    });
    await assert.rejects(work, /rolled back/);
    for (let n = 0; n < 20; n += 1) {
      await store.users.update(id, { attributes: { n: String(n) } });
      assert.equal((await store.users.load(id))?.attributes["n"], String(n));
    }
    await store.close();
  });

  it("waits for what is under way before it closes", async () => {
    const { store } = await openBackend();
    const writes = Array.from({ length: 50 }, (_, n) => store.users.create({ username: `user${n}` }));
    await store.close();
    assert.equal((await Promise.all(writes)).length, 50);
  });

  it("lets only what appends touch the audit log", async () => {
    const { store, name } = await openBackend();
    for (let n = 0; n < 2; n += 1)
      await store.audit.append({ actor: "1", action: "a", target: "t", details: {} });
    for (const statement of [
      "update audit_log set actor = 'nobody'",
      "delete from audit_log",
      "truncate audit_log",
      "insert into audit_log (sequence, at, actor, action, target, details) values (1, 0, '', '', '', '{}') on conflict (sequence) do update set actor = ''",
      "insert into audit_log (sequence, at, actor, action, target, details) values (0, 0, '', '', '', '{}')",
      "insert into audit_log (sequence, at, actor, action, target, details) values (4, 0, '', '', '', '{}')",
    ])
      await assert.rejects(server.query(statement, name), /audit_log is append-only/, statement);
    assert.equal((await store.audit.list({ limit: 9 })).length, 2);
    await store.close();
  });

  it("tells of what was appended, when it is committed and not before", async () => {
    const { backend, store } = await openBackend();
    let hints = 0;
    const heard = async (more: number) => {
      const end = performance.now() + 5000;
      while (hints < more) {
        assert.ok(performance.now() < end, `${hints} of ${more} hints`);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    };
    const stop = store.revocations.onAppend?.(() => (hints += 1));
    // The connection itself is a hint.
    await heard(1);
    await store.users.create({ username: "ada" });
    await backend.write(async (trx) => {
      await sql`update revocation_head set sequence = sequence + 0`.execute(trx);
      await new Promise((resolve) => setTimeout(resolve, 50));
      assert.equal(hints, 1);
    });
    await heard(2);
    // A listener that is cut off comes back, and takes that for a hint.
    await server.query("select pg_terminate_backend(pid) from pg_stat_activity where query like 'listen%'");
    await heard(3);
    await store.revocations.append([{ kind: "session", sessionId: "s", expiresAt: 9e9 }]);
    await heard(4);
    stop?.();
    await store.close();
  });
});

describe("PostgreSQL: what it refuses", () => {
  it("tells what is wrong with the way to it, and no secret", async () => {
    const url = server.url(await server.createDatabase());
    await unavailable(url.replace(/:[^:]*@/, ":wrong-password@"), /127\.0\.0\.1.* does not admit this user/);
    await unavailable(url.replace(/test\w+$/, "nowhere"), /there is no such database/);
    await unavailable(url.replace(String(server.port), "1"), /127\.0\.0\.1:1\/test.* cannot be reached/);
    await unavailable(url.replace("127.0.0.1", "nowhere.invalid"), /host name is not known|name service/);
  });

  it("tells no values of rows, also where a row is refused", async () => {
    const { backend, store } = await openBackend();
    await store.users.create({ username: "ada", passwordHash: "$argon2id$secret" });
    const faults = [
      sql`insert into users select 99, null, 'x', email, email_folded, 1, 1, 1, password_hash, '{}', 0, 0 from users`,
      sql`select cast(password_hash as bigint) from users`,
      sql`select * from nowhere`,
    ];
    for (const fault of faults) {
      const error = await backend.write((trx) => fault.execute(trx)).catch((thrown: unknown) => thrown);
      assert.match(String(error), /^PostgresFault: SQLSTATE \w{5}/);
      assert.ok(!inspect(error, { depth: 9, showHidden: true }).includes("secret"), inspect(error));
    }
    // Also where the check of the transaction was not what found the duplicate.
    const duplicate = backend.write((trx) =>
      sql`insert into users (username, username_folded, is_active, is_staff, is_superuser, attributes, created_at, updated_at)
        values ('Ada', 'ada', 1, 0, 0, '{}', 0, 0)`.execute(trx),
    );
    await assert.rejects(duplicate, (error) => error instanceof Conflict && error.field === "username");
    const long = Array.from({ length: 4000 }, (_, n) => String.fromCodePoint(0x4e00 + ((n * 7919) % 20_000)));
    await assert.rejects(
      store.users.create({ username: long.join("") }),
      (error) => error instanceof Conflict && /too long/.test(error.message),
    );
    assert.ok(await store.users.create({ username: "bob" }), "the connection is as good as before");
    await store.close();
  });

  it("tries again what collided with what somebody does by hand", async () => {
    const { backend, store } = await openBackend();
    let attempts = 0;
    await backend.write(async (trx) => {
      attempts += 1;
      if (attempts < 3) await sql`do $$ begin raise sqlstate '40001'; end $$`.execute(trx);
      await trx.selectFrom("users").select("username").execute();
    });
    assert.equal(attempts, 3);
    await store.close();
  });

  it("ends a statement that takes too long, and is not taken to be away for that", async () => {
    const { backend, store } = await openBackend();
    const { id } = await store.users.create({ username: "ada" });
    for (let turn = 0; turn < 2; turn += 1) {
      const slow = sql`select pg_sleep(10)`.execute(backend.reader);
      await assert.rejects(slow, { name: "StoreUnavailable", message: /needed too long/ });
    }
    assert.equal((await store.users.load(id))?.username, "ada");
    await store.close();
  });

  it("does not work with a standby, and finds the primary when there is one again", async () => {
    const database = plain.local(await plain.createDatabase());
    const store = await openPostgresStore({ database });
    const { id } = await store.users.create({ username: "ada" });
    const signal = join(database.host, "data", "standby.signal");
    await plain.kill();
    closeSync(openSync(signal, "w"));
    await plain.start();
    await assert.rejects(async () => store.users.load(id), StoreUnavailable);
    await assert.rejects(openPostgresStore({ database }), {
      name: "StoreUnavailable",
      message: /it is a standby, .*name another server/,
    });
    await plain.kill();
    rmSync(signal);
    await plain.start();
    const end = performance.now() + 5000;
    for (;;) {
      const user = await Promise.resolve(store.users.load(id)).catch(() => undefined);
      if (user !== undefined) break;
      assert.ok(performance.now() < end, "it does not come back");
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    await store.close();
  });
});

describe("PostgreSQL: TLS", () => {
  const isEncrypted = async (database: string): Promise<unknown> => {
    const backend = openPostgresBackend({ target: postgresTarget(database), readers: 1 });
    const asked = sql<{ ssl: boolean }>`select ssl from pg_stat_ssl where pid = pg_backend_pid()`;
    const { rows } = await asked.execute(backend.reader);
    await backend.close();
    return rows[0]?.ssl;
  };

  it("is used as the URL says, and the certificate is verified", async () => {
    const url = server.url(await server.createDatabase());
    const root = `sslrootcert=${encodeURIComponent(pem("certificate"))}`;
    for (const mode of ["require", "verify-ca", "verify-full"]) {
      await unavailable(`${url}?sslmode=${mode}`, /connection failed \(.*self.signed/);
      assert.equal(await isEncrypted(`${url}?sslmode=${mode}&${root}`), true);
    }
    assert.equal(await isEncrypted(`${url}?sslmode=no-verify`), true);
    assert.equal(await isEncrypted(`${url}?sslmode=disable`), false);
    const other = `${url.replace("127.0.0.1", "127.0.0.2")}?sslmode=verify-full&${root}`;
    await unavailable(other, /cannot be reached|does not match/);
  });

  it("never falls back to plain text", async () => {
    const url = plain.url(await plain.createDatabase());
    for (const mode of ["require", "verify-full", "no-verify"])
      await unavailable(`${url}?sslmode=${mode}`, /does not support SSL/);
    await (await openPostgresStore({ database: url })).close();
  });
});

describe("PostgreSQL: looking at it", () => {
  it("tells version, schema, latency, clock and durability, and changes nothing", async () => {
    const name = await server.createDatabase();
    const empty = await inspectPostgres(server.url(name));
    assert.deepEqual([empty.schemaVersion, empty.superuser], [0, undefined]);
    assert.deepEqual(await server.query("select 1 from pg_tables where schemaname = 'public'", name), []);
    const store = await openPostgresStore({ database: server.local(name) });
    await store.users.create({ username: "root", isSuperuser: true });
    await store.close();
    const found = await inspectPostgres(server.local(name));
    assert.deepEqual([found.schemaVersion, found.superuser], [postgresSchemaVersion, "root"]);
    assert.match(found.serverVersion, /^1[3-9]\./);
    assert.equal(found.durable, false, "this one runs with fsync off");
    assert.ok(found.latencyMs > 0 && Math.abs(found.clockAheadMs) <= found.latencyMs + 5);
  });
});
