import assert from "node:assert/strict";
import type { Store } from "../contracts.ts";
import { auditOf, endOf, inDays, newSession, rotation, userWithSession } from "./session-case.suite.ts";
import { type Cases, eventsOf, newKey, type TestClock } from "./store-case.suite.ts";

export const logoutCases: Cases = {
  "revokes a session once": async (store, clock) => {
    const { user, session } = await userWithSession(store, clock);
    clock.ms += 5;
    const revoked = await store.sessions.revoke("s1", { reason: "logged out", by: user.id });
    assert.deepEqual(revoked, { ...session, revokedAt: clock.date, revokedReason: "logged out" });
    clock.ms += 5;
    assert.deepEqual(await store.sessions.revoke("s1", { reason: "again", by: "8" }), revoked);
    assert.deepEqual(await store.sessions.load("s1"), revoked);
    assert.deepEqual(await eventsOf(store), [endOf(session)]);
    const details = { userId: user.id, reason: "logged out" };
    assert.deepEqual(await auditOf(store), [
      { actor: user.id, action: "session.revoked", target: "session:s1", details },
    ]);
    assert.equal(await store.sessions.revoke("nope", { reason: "", by: "" }), undefined);
    assert.deepEqual(await store.sessions.rotate("s1", rotation(1, clock)), { kind: "over" });
  },

  "ends all sessions, and all that was issued in this second": async (store, clock) => {
    const { id, sessions } = await threeSessions(store, clock);
    clock.ms += 400;
    const why = { reason: "logged out everywhere", by: "7", tokensUntil: inDays(clock, 1) };
    assert.equal(await store.sessions.revokeAll(id, why), 3);
    for (const { id } of sessions) {
      const session = await store.sessions.load(id);
      assert.deepEqual([session?.revokedAt, session?.revokedReason], [clock.date, why.reason]);
    }
    const second = Math.floor(clock.ms / 1000);
    const events = await eventsOf(store);
    assert.deepEqual(sorted(events.slice(0, 3)), sorted(sessions.map(endOf)));
    assert.deepEqual(events.slice(3), [
      { kind: "issued-before", userId: id, before: second + 1, expiresAt: second + 86_401 },
    ]);
    const details = { reason: why.reason, sessions: "3" };
    assert.deepEqual(await auditOf(store), [
      { actor: "7", action: "session.all_revoked", target: `user:${id}`, details },
    ]);
    assert.equal((await store.sessions.load("other"))?.revokedAt, undefined);
  },

  "ends what was issued without a session, too, for ten years": async (store, clock) => {
    const { id } = await store.users.create({ username: "ada" });
    assert.equal(await store.sessions.revokeAll(id, { reason: "", by: "system" }), 0);
    const [event] = await eventsOf(store);
    assert.ok(event?.kind === "issued-before" && event.expiresAt > inDays(clock, 3650).getTime() / 1000);
    // Also at the very beginning of a second.
    assert.equal(event.before, clock.ms / 1000 + 1);
    assert.equal((await auditOf(store))[0]?.details["sessions"], "0");
  },

  "begins new sessions after the second that is over": async (store, clock) => {
    const { user } = await userWithSession(store, clock);
    clock.ms += 999;
    await store.sessions.revokeAll(user.id, { reason: "", by: "system" });
    const create = (id: string) => store.sessions.create(newSession(id, user.id, clock));
    const next = new Date(clock.ms + 1);
    const session = await create("s2");
    assert.deepEqual([session.createdAt, session.rotatedAt], [next, next]);
    assert.deepEqual(await store.sessions.load("s2"), session);
    const [cut] = (await eventsOf(store)).filter(({ kind }) => kind === "issued-before");
    assert.equal(cut?.kind === "issued-before" && cut.before, next.getTime() / 1000);
    const result = await store.sessions.rotate("s2", rotation(1, clock));
    assert.deepEqual(result.kind === "rotated" && result.session.rotatedAt, next);
    clock.ms += 1;
    assert.deepEqual((await create("s3")).createdAt, clock.date);
    clock.ms += 1;
    assert.deepEqual((await create("s4")).createdAt, clock.date);
    // A node whose clock is behind.
    clock.ms -= 3000;
    await store.sessions.revokeAll(user.id, { reason: "", by: "system" });
    assert.deepEqual((await create("s5")).createdAt, next);
  },

  "keeps one session": async (store, clock) => {
    const { id, sessions } = await threeSessions(store, clock);
    const why = { reason: "password changed", by: id, except: "s2" };
    assert.equal(await store.sessions.revokeAll(id, why), 2);
    assert.equal((await store.sessions.rotate("s2", rotation(1, clock))).kind, "rotated");
    const ended = sessions.filter(({ id }) => id !== "s2");
    const events = await eventsOf(store);
    assert.deepEqual(sorted(events.slice(0, 2)), sorted(ended.map(endOf)));
    // What was issued outside sessions ends as well, and the tokens of the one that is kept do not.
    const [cut, ...more] = events.slice(2);
    assert.ok(cut?.kind === "issued-before" && cut.sparesSessions === true && more.length === 0);
    assert.deepEqual([cut.userId, cut.before], [id, Math.floor(clock.ms / 1000) + 1]);
    const details = { reason: "password changed", sessions: "2", kept: "s2" };
    assert.deepEqual(await auditOf(store), [
      { actor: id, action: "session.all_revoked", target: `user:${id}`, details },
    ]);
    assert.equal(await store.sessions.revokeAll(id, why), 0);
    assert.equal((await eventsOf(store)).length, 4);
    assert.equal((await auditOf(store)).at(-1)?.details["sessions"], "0");
    // A session that begins now is not of the past.
    assert.deepEqual((await store.sessions.create(newSession("s9", id, clock))).createdAt, clock.date);
  },

  "keeps nothing for a session that is not a live one of this user": async (store, clock) => {
    const { id } = await threeSessions(store, clock);
    await store.sessions.revoke("s3", { reason: "", by: "system" });
    for (const except of ["other", "s3", "nope", ""]) {
      const before = await store.revocations.head();
      await store.sessions.revokeAll(id, { reason: "", by: "system", except });
      const last = (await store.revocations.since(before, 99))?.at(-1)?.event;
      assert.equal(last?.kind, "issued-before", except);
      assert.deepEqual(await store.sessions.list({ limit: 9, userId: id, liveAt: clock.date }), []);
      assert.ok((await auditOf(store)).every(({ details }) => !("kept" in details)));
    }
    assert.equal((await store.sessions.load("other"))?.revokedAt, undefined);
  },

  "leaves sessions alone that are over by themselves": async (store, clock) => {
    const { user, session } = await userWithSession(store, clock);
    clock.ms = session.refreshUntil.getTime();
    assert.equal(await store.sessions.revokeAll(user.id, { reason: "", by: "system" }), 0);
    await store.users.delete(user.id);
    assert.deepEqual(await store.sessions.load("s1"), session);
  },

  "has nothing to end for a user who is not there": async (store, clock) => {
    const { user } = await userWithSession(store, clock);
    await store.users.delete(user.id);
    const before = await store.revocations.head();
    for (const id of [user.id, "99", "0", "x", "", "9223372036854775808"]) {
      assert.equal(await store.sessions.revokeAll(id, { reason: "", by: "system" }), 0);
    }
    assert.equal(await store.revocations.head(), before);
    assert.deepEqual(await auditOf(store), []);
  },

  "revokes the sessions of a deleted user": async (store, clock) => {
    const { id, sessions } = await threeSessions(store, clock);
    await store.apiKeys.create(newKey("k1", id));
    const lost = await store.sessions.revoke("s2", { reason: "lost", by: "7" });
    clock.ms += 5;
    assert.equal(await store.users.delete(id), true);
    for (const id of ["s1", "s3"]) {
      const session = await store.sessions.load(id);
      assert.deepEqual([session?.revokedReason, session?.revokedAt], ["user deleted", clock.date]);
    }
    assert.deepEqual(await store.sessions.load("s2"), lost);
    assert.equal((await store.sessions.load("other"))?.revokedAt, undefined);
    const [, user, key, ...ended] = await eventsOf(store);
    assert.deepEqual([user?.kind, key?.kind], ["user", "key"]);
    const left = sessions.filter(({ id }) => id !== "s2");
    assert.deepEqual(sorted(ended), sorted(left.map(endOf)));
    assert.equal((await store.sessions.list({ limit: 9, userId: id })).length, 3);
  },

  "ends every session however many logins and logouts come at once": async (store, clock) => {
    const { user } = await userWithSession(store, clock);
    const work = Array.from({ length: 60 }, async (_, n) => {
      if (n % 3 === 0) await store.sessions.create(newSession(`n${n}`, user.id, clock));
      else if (n % 3 === 1) await store.sessions.rotate("s1", rotation(1, clock));
      else await store.sessions.revokeAll(user.id, { reason: "", by: "system" });
    });
    await Promise.all(work);
    await store.sessions.revokeAll(user.id, { reason: "", by: "system" });
    assert.deepEqual(await store.sessions.list({ limit: 99, liveAt: clock.date }), []);
    const ended = (await eventsOf(store)).flatMap((event) =>
      event.kind === "session" ? [event.sessionId] : [],
    );
    assert.equal(ended.length, 21);
    assert.equal(new Set(ended).size, 21);
  },
};

/** Sessions `s1` to `s3` of one user, and `other` of another one. */
async function threeSessions({ users, sessions }: Store, clock: TestClock) {
  const { id } = await users.create({ username: "ada" });
  const { id: other } = await users.create({ username: "bob" });
  const created = [];
  for (const session of ["s1", "s2", "s3"])
    created.push(await sessions.create(newSession(session, id, clock)));
  await sessions.create(newSession("other", other, clock));
  return { id, sessions: created };
}

function sorted(events: readonly unknown[]): string[] {
  return events.map((event) => JSON.stringify(event)).sort();
}
