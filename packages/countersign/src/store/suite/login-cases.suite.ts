import assert from "node:assert/strict";
import type { Store, UserRecord } from "../contracts.ts";
import { auditOf, inDays, newSession } from "./session-case.suite.ts";
import { type Cases, conflictOn, newKey } from "./store-case.suite.ts";

const rule = { limit: 10, windowSeconds: 900 };

export const loginCases: Cases = {
  "makes no session for a password that was changed meanwhile": async (store, clock) => {
    const user = await withPassword(store, "old");
    await store.users.update(user.id, { passwordHash: "new" });
    const session = newSession("s1", user.id, clock, { password: "old", network: "192.0.2.1" });
    await conflictOn(store, "password", () => store.sessions.create(session));
    assert.equal(await store.sessions.load("s1"), undefined);
    assert.equal(await store.attempts.knows(user.id, "192.0.2.1", clock.date), false);
    assert.ok(await store.sessions.create({ ...session, password: "new" }));
    const none = await store.users.create({ username: "bob" });
    await conflictOn(store, "password", () =>
      store.sessions.create(newSession("s2", none.id, clock, { password: "" })),
    );
  },

  "makes no session for a user who was disabled meanwhile": async (store, clock) => {
    const user = await withPassword(store, "old");
    await store.users.update(user.id, { isActive: false });
    await conflictOn(store, "userId", () =>
      store.sessions.create(newSession("s1", user.id, clock, { password: "old" })),
    );
  },

  "changes a user only while the password is the one that was meant": async (store) => {
    const user = await withPassword(store, "old");
    const change = (to: string) => store.users.update(user.id, { passwordHash: to }, { passwordHash: "old" });
    const changes = await Promise.all(["a", "b", "c", "d"].map(change));
    assert.equal(changes.filter((changed) => changed !== undefined).length, 1);
    const kept = await store.users.passwordHash(user.id);
    assert.equal(await change("e"), undefined);
    assert.equal(await store.users.passwordHash(user.id), kept);
    assert.equal(await store.users.update("99", {}, { passwordHash: "old" }), undefined);
  },

  "locks an account after so many passwords in a row, and says so once": async (store, clock) => {
    const { id } = await withPassword(store, "old");
    const login = async (identity: string, limit: number) => {
      clock.ms += 90_000;
      const streak = { userId: id, limit, lockAt: 4 };
      return store.attempts.begin(identity, { ...rule, now: clock.date, streak });
    };
    for (let n = 1; n <= 4; n += 1) {
      assert.equal((await store.users.load(id))?.passwordLockedAt, undefined);
      assert.deepEqual(await login("strangers", 4), { ok: true, locked: false });
    }
    const lockedAt = clock.date;
    for (let n = 0; n < 3; n += 1) assert.deepEqual(await login("strangers", 4), { ok: true, locked: true });
    // Another limit, such as that of those who are known: it is the same count.
    assert.deepEqual(await login("own", 6), { ok: true, locked: false });
    assert.deepEqual(await login("own", 6), { ok: true, locked: false });
    assert.deepEqual(await login("own", 6), { ok: true, locked: true });
    assert.deepEqual((await store.users.load(id))?.passwordLockedAt, lockedAt);
    assert.deepEqual((await store.users.list({ limit: 1 }))[0]?.passwordLockedAt, lockedAt);
    const details = { logins: "4" };
    const audit = { actor: "system", action: "password.locked", target: `user:${id}`, details };
    assert.deepEqual(await auditOf(store), [audit]);
  },

  "counts no streak for a guess that is refused, nor for nobody": async (store, clock) => {
    const { id } = await withPassword(store, "old");
    const streak = { userId: id, limit: 3, lockAt: 3 };
    const begin = (userId: string, now: Date) =>
      store.attempts.begin("ada", { ...rule, now, streak: { ...streak, userId } });
    const verdicts = await Promise.all(Array.from({ length: 50 }, () => begin(id, clock.date)));
    assert.equal(verdicts.filter(({ ok }) => ok).length, 2);
    for (const userId of ["99", "0", "x", ""]) {
      clock.ms += 1_000_000;
      assert.deepEqual(await begin(userId, clock.date), { ok: true, locked: false });
    }
    clock.ms += 1_000_000;
    assert.deepEqual(await begin(id, clock.date), { ok: true, locked: false });
    clock.ms += 1_000_000;
    assert.deepEqual(await begin(id, clock.date), { ok: true, locked: true });
    for (const wrong of [{ limit: 0 }, { lockAt: Number.NaN }, { limit: 1.5 }]) {
      const odd = { ...rule, now: clock.date, streak: { ...streak, ...wrong } };
      await assert.rejects(() => store.attempts.begin("ada", odd), RangeError);
    }
  },

  "unlocks with a right login, a new password, or by an administrator": async (store, clock) => {
    const ways: Readonly<Record<string, (user: UserRecord) => Promise<unknown>>> = {
      login: ({ id }) => store.sessions.create(newSession(`of ${id}`, id, clock, { password: "old" })),
      password: ({ id }) => store.users.update(id, { passwordHash: "new" }),
      administrator: ({ id }) => store.users.unlockPassword(id, "7"),
    };
    for (const [way, unlock] of Object.entries(ways)) {
      const user = await withPassword(store, "old", way);
      const streak = { userId: user.id, limit: 2, lockAt: 2 };
      const login = async () => {
        clock.ms += 1_000_000;
        return store.attempts.begin(way, { ...rule, now: clock.date, streak });
      };
      for (const locked of [false, false, true]) assert.deepEqual(await login(), { ok: true, locked });
      await unlock(user);
      assert.equal((await store.users.load(user.id))?.passwordLockedAt, undefined, way);
      for (const locked of [false, false, true]) assert.deepEqual(await login(), { ok: true, locked }, way);
    }
    const unlocked = (await auditOf(store)).filter(({ action }) => action === "password.unlocked");
    assert.deepEqual(
      unlocked.map(({ actor, target }) => [actor, target]),
      [
        ["1", "user:1"],
        ["7", "user:3"],
      ],
    );
    // Nothing was locked: nothing to tell.
    const before = (await auditOf(store)).length;
    const fresh = await withPassword(store, "old", "fresh");
    assert.deepEqual(await store.users.unlockPassword(fresh.id, "7"), fresh);
    assert.equal(await store.users.unlockPassword("99", "7"), undefined);
    assert.equal((await auditOf(store)).length, before);
  },

  "takes one guess back, and leaves the others": async (store, clock) => {
    const limited = { limit: 3, windowSeconds: 900, freeGuesses: 3, now: clock.date };
    const begin = async () => (await store.attempts.begin("192.0.2.1", limited)).ok;
    assert.deepEqual(await Promise.all(Array.from({ length: 5 }, begin)), [true, true, true, false, false]);
    await store.attempts.takeBack("192.0.2.1");
    assert.deepEqual([await begin(), await begin()], [true, false]);
    for (let n = 0; n < 5; n += 1) await store.attempts.takeBack("192.0.2.1");
    await store.attempts.takeBack("nobody");
    assert.deepEqual(await Promise.all(Array.from({ length: 4 }, begin)), [true, true, true, false]);
    const odd = { ...limited, freeGuesses: -1 };
    await assert.rejects(() => store.attempts.begin("x", odd), RangeError);
  },

  "knows a network for 30 days after a login, and until the password is changed": async (store, clock) => {
    const ada = await withPassword(store, "old");
    const bob = await withPassword(store, "old", "bob");
    const knows = (userId: string, network: string) => store.attempts.knows(userId, network, clock.date);
    const logIn = (id: string, network: string) =>
      store.sessions.create(newSession(id, ada.id, clock, { network }));
    await logIn("s1", "192.0.2.1");
    await logIn("s2", "192.0.2.1");
    await logIn("s3", "2001:db8::/64");
    const answers = async () => [
      await knows(ada.id, "192.0.2.1"),
      await knows(ada.id, "2001:db8::/64"),
      await knows(ada.id, "192.0.2.2"),
      await knows(bob.id, "192.0.2.1"),
      await knows("x", "192.0.2.1"),
      await knows(ada.id, "nul\0"),
    ];
    assert.deepEqual(await answers(), [true, true, false, false, false, false]);
    clock.ms = inDays(clock, 30).getTime() - 1;
    await store.attempts.prune(clock.date);
    assert.deepEqual(await answers(), [true, true, false, false, false, false]);
    await logIn("s4", "192.0.2.1");
    clock.ms += 1;
    assert.deepEqual(await answers(), [true, false, false, false, false, false]);
    await store.attempts.prune(clock.date);
    assert.deepEqual(await answers(), [true, false, false, false, false, false]);
    await store.users.update(ada.id, { passwordHash: "new" });
    assert.equal((await answers())[0], false);
    await logIn("s5", "192.0.2.1");
    await store.users.update(ada.id, { email: "ada@example.com" });
    assert.equal((await answers())[0], true);
    await store.users.delete(ada.id);
    assert.equal((await answers())[0], false);
  },

  "keeps which key made which, and a revoked one makes no more": async (store) => {
    const { id } = await store.users.create({ username: "ada" });
    await store.apiKeys.create(newKey("maker", id));
    const made = await store.apiKeys.create(newKey("k1", id, { madeBy: "maker" }));
    assert.equal(made.madeBy, "maker");
    assert.deepEqual(await store.apiKeys.load("k1"), made);
    assert.equal((await store.apiKeys.load("maker"))?.madeBy, undefined);
    await store.apiKeys.create(newKey("k2", id, { madeBy: "k1" }));
    const of = async (madeBy: string) =>
      (await store.apiKeys.list({ limit: 9, madeBy, now: new Date(0) })).map((key) => key.id);
    assert.deepEqual(
      [await of("maker"), await of("k1"), await of("k2"), await of("nul\0")],
      [["k1"], ["k2"], [], []],
    );
    await store.apiKeys.revoke("maker", { reason: "", by: "system" });
    for (const madeBy of ["maker", "nobody"]) {
      await conflictOn(store, "madeBy", () => store.apiKeys.create(newKey("k3", id, { madeBy })));
    }
  },
};

function withPassword(store: Store, passwordHash: string, username = "ada"): Promise<UserRecord> {
  return store.users.create({ username, passwordHash });
}
