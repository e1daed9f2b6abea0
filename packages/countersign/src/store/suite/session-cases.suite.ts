import assert from "node:assert/strict";
import type { SessionQuery } from "../session-contracts.ts";
import { auditOf, inDays, newSession, rotation, userWithSession } from "./session-case.suite.ts";
import { type Cases, conflictOn, eventsOf } from "./store-case.suite.ts";

export const sessionCases: Cases = {
  "gives back what was created": async (store, clock) => {
    const { users, sessions, revocations } = store;
    const { id: userId } = await users.create({ username: "ada" });
    const methods = ["pwd", "otp"];
    const endsAt = inDays(clock, 90);
    const session = await sessions.create(newSession("s1", userId, clock, { methods, endsAt }));
    const expected = {
      id: "s1",
      userId,
      methods: ["pwd", "otp"],
      createdAt: clock.date,
      refreshUntil: inDays(clock, 1),
      endsAt: inDays(clock, 90),
      generation: 1,
      rotatedAt: clock.date,
      address: "::1",
      userAgent: "test/1",
      revokedAt: undefined,
      revokedReason: undefined,
    };
    assert.deepEqual({ ...session }, expected);
    methods.push("hwk");
    endsAt.setTime(0);
    session.createdAt.setTime(0);
    session.rotatedAt.setTime(0);
    session.refreshUntil.setTime(0);
    assert.ok(Object.isFrozen(session) && Object.isFrozen(session.methods));
    assert.deepEqual({ ...(await sessions.load("s1")) }, expected);
    assert.equal(await sessions.load("S1"), undefined);
    assert.equal(await revocations.head(), 0);
    assert.deepEqual(await auditOf(store), []);
  },

  "refuses a taken id and a user who is missing or disabled": async (store, clock) => {
    const { users, sessions } = store;
    const { user } = await userWithSession(store, clock);
    await conflictOn(store, "id", () => sessions.create(newSession("s1", user.id, clock)));
    for (const userId of ["99", "0", "-1", "abc", "", "9223372036854775808"]) {
      await conflictOn(store, "userId", () => sessions.create(newSession("s2", userId, clock)));
    }
    await users.update(user.id, { isActive: false });
    await conflictOn(store, "userId", () => sessions.create(newSession("s2", user.id, clock)));
    await users.update(user.id, { isActive: true });
    await users.delete(user.id);
    await conflictOn(store, "userId", () => sessions.create(newSession("s2", user.id, clock)));
    assert.equal(await sessions.load("s2"), undefined);
  },

  "cuts refreshing off at the end of the session": async ({ users, sessions }, clock) => {
    const { id } = await users.create({ username: "ada" });
    const dates = { refreshUntil: inDays(clock, 3), endsAt: inDays(clock, 2) };
    assert.deepEqual(
      (await sessions.create(newSession("s1", id, clock, dates))).refreshUntil,
      inDays(clock, 2),
    );
  },

  "refuses dates that are none": async (store, clock) => {
    const { sessions } = store;
    const { user } = await userWithSession(store, clock);
    const never = new Date(Number.NaN);
    for (const dates of [{ refreshUntil: never }, { endsAt: never }]) {
      await assert.rejects(() => sessions.create(newSession("s2", user.id, clock, dates)), TypeError);
    }
    for (const dates of [{ refreshUntil: never }, { now: never }]) {
      await assert.rejects(() => sessions.rotate("s1", rotation(1, clock, dates)), TypeError);
    }
    for (const graceMs of [-1, Number.NaN]) {
      await assert.rejects(() => sessions.rotate("s1", rotation(1, clock, { graceMs })), RangeError);
    }
    const why = { reason: "", by: "system", tokensUntil: never };
    await assert.rejects(() => sessions.revokeAll(user.id, why), TypeError);
    assert.equal((await sessions.load("s1"))?.generation, 1);
    assert.equal(await sessions.load("s2"), undefined);
    assert.deepEqual(await eventsOf(store), []);
    assert.deepEqual(await auditOf(store), []);
  },

  "lists newest first, page by page, with equal instants": async ({ users, sessions }, clock) => {
    const { id: userId } = await users.create({ username: "ada" });
    for (const id of ["b", "d", "a", "c", "e"]) {
      await sessions.create(newSession(id, userId, clock));
      if (id === "a") clock.ms += 1;
    }
    const seen: string[] = [];
    for (let after: SessionQuery["after"]; ; ) {
      const page = await sessions.list({ limit: 2, after });
      const last = page.at(-1);
      if (last === undefined) break;
      seen.push(...page.map(({ id }) => id));
      after = { createdAt: last.createdAt, id: last.id };
    }
    assert.deepEqual(seen, ["e", "c", "d", "b", "a"]);
    await assert.rejects(() => sessions.list({ limit: 0 }), RangeError);
  },

  "lists the sessions of one user": async ({ users, sessions }, clock) => {
    const [ada, bob] = [await users.create({ username: "ada" }), await users.create({ username: "bob" })];
    await sessions.create(newSession("a1", ada.id, clock));
    await sessions.create(newSession("b1", bob.id, clock));
    const found = async (userId: string) =>
      (await sessions.list({ limit: 9, userId })).map(({ id }) => id).join();
    assert.equal(await found(ada.id), "a1");
    assert.equal(await found("99"), "");
    assert.equal(await found("x"), "");
  },

  "lists those that can be refreshed, to the millisecond": async ({ users, sessions }, clock) => {
    const { id: userId } = await users.create({ username: "ada" });
    const until = (ms: number) => ({ refreshUntil: new Date(clock.ms + ms) });
    await sessions.create(newSession("short", userId, clock, until(10)));
    await sessions.create(newSession("long", userId, clock, until(11)));
    await sessions.create(newSession("revoked", userId, clock));
    await sessions.revoke("revoked", { reason: "", by: "system" });
    const live = async (ms: number) => {
      const found = await sessions.list({ limit: 9, userId, liveAt: new Date(clock.ms + ms) });
      return found.map(({ id }) => id).join();
    };
    assert.deepEqual([await live(9), await live(10), await live(11)], ["short,long", "long", ""]);
    assert.equal((await sessions.list({ limit: 9 })).length, 3);
  },

  "forgets sessions that have been over for long enough": async (store, clock) => {
    const { users, sessions } = store;
    const { id: userId } = await users.create({ username: "ada" });
    await sessions.create(newSession("lapsed", userId, clock, { refreshUntil: new Date(clock.ms + 1000) }));
    await sessions.create(newSession("revoked", userId, clock));
    await sessions.create(newSession("rotated", userId, clock, { refreshUntil: new Date(clock.ms + 1000) }));
    await sessions.create(newSession("live", userId, clock));
    await sessions.rotate("rotated", rotation(1, clock));
    clock.ms += 1000;
    await sessions.revoke("revoked", { reason: "", by: "system" });
    const left = async (ms: number) => {
      await sessions.prune(new Date(clock.ms + ms), 5);
      return (await sessions.list({ limit: 9 })).map(({ id }) => id).join();
    };
    assert.equal(await left(4999), "rotated,revoked,live,lapsed");
    assert.equal(await left(5000), "rotated,live");
    assert.deepEqual(await sessions.rotate("revoked", rotation(1, clock)), { kind: "over" });
    assert.equal((await sessions.rotate("rotated", rotation(2, clock))).kind, "rotated");
  },

  "forgets more of them than one portion": async ({ users, sessions }, clock) => {
    const { id: userId } = await users.create({ username: "ada" });
    const refreshUntil = new Date(clock.ms + 1);
    // One by one: so many at once take seconds to queue.
    for (let n = 0; n < 1010; n += 1) {
      await sessions.create(newSession(`s${n}`, userId, clock, { refreshUntil }));
    }
    await sessions.create(newSession("live", userId, clock));
    await sessions.prune(new Date(clock.ms + 1), 0);
    assert.deepEqual(
      (await sessions.list({ limit: 9 })).map(({ id }) => id),
      ["live"],
    );
  },
};
