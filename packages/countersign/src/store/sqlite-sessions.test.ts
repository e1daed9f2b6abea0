import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { describe, it } from "node:test";
import type { Store } from "./contracts.ts";
import { openSqliteStore } from "./sqlite.ts";
import { TestChild } from "./suite/child-process.suite.ts";
import { auditOf, newSession, rotation, userWithSession } from "./suite/session-case.suite.ts";
import { eventsOf, TestClock } from "./suite/store-case.suite.ts";
import { temporaryFolder } from "./suite/temporary-folder.suite.ts";

/** Runs SQL beside the store. */
function beside(path: string, statement: string): void {
  const database = new DatabaseSync(path);
  try {
    database.exec(statement);
  } finally {
    database.close();
  }
}

async function changes(store: Store): Promise<readonly unknown[]> {
  return [await store.sessions.load("s1"), await eventsOf(store), await auditOf(store)];
}

describe("SQLite: sessions", { timeout: 60_000 }, () => {
  it("rotate, count and use up once over two processes", async (context) => {
    const path = temporaryFolder(context)("store.db");
    const store = await openSqliteStore({ path });
    const clock = new TestClock();
    clock.ms = Date.now();
    const { user } = await userWithSession(store, clock);
    await store.totp.enroll(user.id, new Uint8Array());
    await store.totp.confirm(user.id, { step: 100, sealedSecret: new Uint8Array() }, []);
    const children = [new TestChild("race", path), new TestChild("race", path)];
    for (const child of children) assert.equal(await child.line(), "ready");
    for (const child of children) child.goOn();
    const told = await Promise.all(children.map(async (child) => JSON.parse(String(await child.line()))));
    const rotations = told.flatMap(({ rotations }) => rotations as string[]);
    assert.equal(rotations.filter((kind) => kind === "rotated 2").length, 1);
    assert.equal(rotations.filter((kind) => kind === "replayed 2").length, 99);
    assert.equal(told[0].admitted + told[1].admitted, 2);
    assert.equal(told[0].stepsUsed + told[1].stepsUsed, 1);
    assert.equal((await store.sessions.load("s1"))?.generation, 2);
    assert.deepEqual(await eventsOf(store), []);
    await store.close();
  });

  it("remember what was used when the program starts again", async (context) => {
    const path = temporaryFolder(context)("store.db");
    const clock = new TestClock();
    const restart = async (store?: Store) => {
      await store?.close();
      return openSqliteStore({ path, now: clock.now });
    };
    let store = await restart();
    await userWithSession(store, clock);
    await store.sessions.rotate("s1", rotation(1, clock));
    for (let n = 0; n < 2; n += 1)
      await store.attempts.begin("ada", { limit: 10, windowSeconds: 900, now: clock.date });
    store = await restart(store);
    assert.equal((await store.sessions.rotate("s1", rotation(1, clock))).kind, "replayed");
    await store.sessions.rotate("s1", rotation(2, clock));
    const third = await store.attempts.begin("ada", { limit: 10, windowSeconds: 900, now: clock.date });
    assert.deepEqual(third, { ok: false, retryAfterSeconds: 1 });
    store = await restart(store);
    assert.equal((await store.sessions.rotate("s1", rotation(1, clock))).kind, "reused");
    store = await restart(store);
    for (const generation of [1, 2, 3])
      assert.deepEqual(await store.sessions.rotate("s1", rotation(generation, clock)), { kind: "over" });
    assert.equal((await eventsOf(store)).length, 1);
    assert.equal((await auditOf(store))[0]?.action, "session.reuse_detected");
    await store.close();
  });

  for (const table of ["audit_log", "revocation_log"]) {
    it(`end only together with their rows in the logs (${table} fails)`, async (context) => {
      const path = temporaryFolder(context)("store.db");
      const clock = new TestClock();
      const store = await openSqliteStore({ path, now: clock.now });
      const { user } = await userWithSession(store, clock);
      await store.sessions.rotate("s1", rotation(1, clock));
      clock.ms += 60_000;
      const before = await changes(store);
      const why = { reason: "", by: "system" };
      beside(
        path,
        `create trigger broken before insert on ${table} begin select raise(abort, 'broken'); end`,
      );
      await assert.rejects(store.sessions.rotate("s1", rotation(1, clock)), /broken/);
      await assert.rejects(store.sessions.revoke("s1", why), /broken/);
      await assert.rejects(store.sessions.revokeAll(user.id, why), /broken/);
      if (table === "revocation_log") await assert.rejects(store.users.delete(user.id), /broken/);
      assert.deepEqual(await changes(store), before);
      // No cut was left behind either.
      assert.deepEqual((await store.sessions.create(newSession("s2", user.id, clock))).createdAt, clock.date);
      beside(path, "drop trigger broken");
      assert.equal((await store.sessions.rotate("s1", rotation(1, clock))).kind, "reused");
      assert.deepEqual((await auditOf(store)).length, 1);
      await store.close();
    });
  }

  it("are loaded from a file at once", async (context) => {
    const store = await openSqliteStore({ path: temporaryFolder(context)("store.db") });
    await userWithSession(store, new TestClock());
    const session = store.sessions.load("s1");
    assert.ok(session !== undefined && !("then" in session));
    await store.close();
  });
});

describe("SQLite: what is kept", () => {
  it("has no identity, code or name in clear that was guessed at", async (context) => {
    const path = temporaryFolder(context)("store.db");
    const store = await openSqliteStore({ path });
    const password = "my password in the wrong field";
    await store.attempts.begin(password, { limit: 10, windowSeconds: 900, now: new Date() });
    await store.close();
    assert.ok(!readFileSync(path).includes(password));
    const database = new DatabaseSync(path);
    const [row] = database.prepare("select length(identity) as size from login_attempts").all();
    assert.deepEqual({ ...row }, { size: 32 });
    database.close();
  });

  it("has an audit log that only grows", async (context) => {
    const path = temporaryFolder(context)("store.db");
    const store = await openSqliteStore({ path });
    const entry = { actor: "7", action: "a", target: "t", details: {} };
    for (let n = 0; n < 3; n += 1) await store.audit.append(entry);
    const rows = await store.audit.list({ limit: 9 });
    for (const statement of [
      "update audit_log set actor = '8'",
      "update audit_log set sequence = 9 where sequence = 3",
      "delete from audit_log",
      "delete from audit_log where sequence = 1",
      "insert or replace into audit_log (sequence, at, actor, action, target, details) values (1, 0, 'x', 'x', 'x', '{}')",
      "insert into audit_log (sequence, at, actor, action, target, details) values (0, 0, 'x', 'x', 'x', '{}')",
      "insert into audit_log (sequence, at, actor, action, target, details) values (5, 0, 'x', 'x', 'x', '{}')",
      "insert into audit_log (sequence, at, actor, action, target, details) values (3, 0, 'x', 'x', 'x', '{}') on conflict do update set actor = 'x'",
    ]) {
      assert.throws(() => beside(path, statement), /audit_log is append-only/, statement);
    }
    assert.deepEqual(await store.audit.list({ limit: 9 }), rows);
    assert.equal((await store.audit.append(entry)).sequence, 4);
    await store.close();
  });

  it("keeps no secret of a deleted user", async (context) => {
    const path = temporaryFolder(context)("store.db");
    const store = await openSqliteStore({ path });
    const clock = new TestClock();
    const { user } = await userWithSession(store, clock);
    await store.totp.enroll(user.id, new Uint8Array([1]));
    await store.totp.confirm(user.id, { step: 1, sealedSecret: new Uint8Array([1]) }, [new Uint8Array([2])]);
    await store.identities.link({ issuer: "i", subject: "s", userId: user.id }, "system");
    await store.sessions.revokeAll(user.id, { reason: "", by: "system" });
    await store.users.delete(user.id);
    await store.close();
    const database = new DatabaseSync(path);
    for (const table of ["totp", "recovery_codes", "linked_identities", "token_cuts"])
      assert.deepEqual(database.prepare(`select * from ${table}`).all(), [], table);
    assert.equal(database.prepare("select * from sessions").all().length, 1);
    assert.deepEqual(database.prepare("pragma foreign_key_check").all(), []);
    database.close();
  });
});
