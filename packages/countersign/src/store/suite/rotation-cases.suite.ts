import assert from "node:assert/strict";
import type { RotationResult } from "../session-contracts.ts";
import { auditOf, endOf, inDays, newSession, rotation, userWithSession } from "./session-case.suite.ts";
import { type Cases, eventsOf } from "./store-case.suite.ts";

const over = { kind: "over" };

export const rotationCases: Cases = {
  "puts a successor in force": async (store, clock) => {
    const { session } = await userWithSession(store, clock);
    clock.ms += 5;
    const result = await store.sessions.rotate("s1", rotation(1, clock));
    const rotated = { ...session, generation: 2, rotatedAt: clock.date, refreshUntil: inDays(clock, 1) };
    assert.deepEqual(result, { kind: "rotated", session: rotated });
    assert.ok("session" in result && Object.isFrozen(result.session));
    assert.deepEqual(await store.sessions.load("s1"), rotated);
    assert.equal((await store.sessions.rotate("s1", rotation(2, clock))).kind, "rotated");
    assert.deepEqual(await eventsOf(store), []);
    assert.deepEqual(await auditOf(store), []);
  },

  "never refreshes past the end of the session": async ({ users, sessions }, clock) => {
    const { id } = await users.create({ username: "ada" });
    const endsAt = inDays(clock, 2);
    await sessions.create(newSession("s1", id, clock, { endsAt, refreshUntil: endsAt }));
    const result = await sessions.rotate("s1", rotation(1, clock, { refreshUntil: inDays(clock, 3) }));
    assert.ok(result.kind === "rotated");
    assert.deepEqual([result.session.refreshUntil, result.session.endsAt], [endsAt, endsAt]);
    clock.ms = endsAt.getTime() - 1;
    assert.equal((await sessions.rotate("s1", rotation(2, clock))).kind, "rotated");
    clock.ms += 1;
    assert.deepEqual(await sessions.rotate("s1", rotation(3, clock)), over);
  },

  "is over when the token in force has expired, to the millisecond": async (store, clock) => {
    const { session } = await userWithSession(store, clock);
    clock.ms = session.refreshUntil.getTime();
    assert.deepEqual(await store.sessions.rotate("s1", rotation(1, clock)), over);
    clock.ms -= 1;
    assert.equal((await store.sessions.rotate("s1", rotation(1, clock))).kind, "rotated");
  },

  "gives the same answer again within the grace": async (store, clock) => {
    await userWithSession(store, clock);
    const first = await store.sessions.rotate("s1", rotation(1, clock));
    assert.ok(first.kind === "rotated");
    clock.ms += 10_000;
    const again = await store.sessions.rotate("s1", rotation(1, clock));
    assert.deepEqual(again, { kind: "replayed", session: first.session });
    // A node whose clock is behind.
    clock.ms -= 20_000;
    assert.equal((await store.sessions.rotate("s1", rotation(1, clock))).kind, "replayed");
    assert.deepEqual(await eventsOf(store), []);
    clock.ms -= 1;
    assert.equal((await store.sessions.rotate("s1", rotation(1, clock))).kind, "reused");
  },

  "takes a token that comes after the grace for stolen": async (store, clock) => {
    const { user, session } = await userWithSession(store, clock);
    await store.sessions.rotate("s1", rotation(1, clock));
    clock.ms += 10_001;
    const result = await store.sessions.rotate("s1", rotation(1, clock));
    const ended = { revokedAt: clock.date, revokedReason: "refresh token reused" };
    const reused = { ...session, generation: 2, rotatedAt: session.createdAt, ...ended };
    assert.deepEqual(result, { kind: "reused", session: reused });
    assert.deepEqual(await store.sessions.load("s1"), reused);
    assert.deepEqual(await eventsOf(store), [endOf(session)]);
    const details = { userId: user.id, presented: "1", inForce: "2" };
    assert.deepEqual(await auditOf(store), [
      { actor: "system", action: "session.reuse_detected", target: "session:s1", details },
    ]);
    for (const generation of [1, 2, 3]) {
      assert.deepEqual(await store.sessions.rotate("s1", rotation(generation, clock)), over);
    }
    assert.equal((await auditOf(store)).length, 1);
  },

  "takes a token for stolen once its successor was used": async (store, clock) => {
    await userWithSession(store, clock);
    await store.sessions.rotate("s1", rotation(1, clock));
    await store.sessions.rotate("s1", rotation(2, clock));
    assert.equal((await store.sessions.rotate("s1", rotation(1, clock))).kind, "reused");
    assert.deepEqual(await store.sessions.rotate("s1", rotation(3, clock)), over);
  },

  "allows no replay without a grace": async (store, clock) => {
    await userWithSession(store, clock);
    await store.sessions.rotate("s1", rotation(1, clock));
    assert.equal((await store.sessions.rotate("s1", rotation(1, clock, { graceMs: 0 }))).kind, "reused");
  },

  "is over for a generation that was never given out": async (store, clock) => {
    const { session } = await userWithSession(store, clock);
    for (const generation of [0, 2, -1, 1.5, 1e9, Number.NaN, Number.POSITIVE_INFINITY]) {
      assert.deepEqual(
        await store.sessions.rotate("s1", rotation(generation, clock)),
        over,
        String(generation),
      );
    }
    assert.deepEqual(await store.sessions.load("s1"), session);
    assert.deepEqual(await eventsOf(store), []);
    assert.deepEqual(await auditOf(store), []);
    assert.deepEqual(await store.sessions.rotate("nope", rotation(1, clock)), over);
  },

  "is over while the user is disabled, and for a deleted one": async (store, clock) => {
    const { user } = await userWithSession(store, clock);
    await store.sessions.rotate("s1", rotation(1, clock));
    await store.users.update(user.id, { isActive: false });
    for (const generation of [1, 2])
      assert.deepEqual(await store.sessions.rotate("s1", rotation(generation, clock)), over);
    await store.users.update(user.id, { isActive: true });
    assert.equal((await store.sessions.rotate("s1", rotation(2, clock))).kind, "rotated");
    await store.users.delete(user.id);
    assert.deepEqual(await store.sessions.rotate("s1", rotation(3, clock)), over);
  },

  "keeps the instant of the token in force when a clock is behind": async (store, clock) => {
    const { session } = await userWithSession(store, clock);
    clock.ms -= 5000;
    const result = await store.sessions.rotate("s1", rotation(1, clock));
    assert.deepEqual(result.kind === "rotated" && result.session.rotatedAt, session.createdAt);
  },

  "keeps the revocation for as long as any token can be good": async (store, clock) => {
    const { session } = await userWithSession(store, clock);
    clock.ms += 1;
    // The refresh lifetime was made shorter in between.
    await store.sessions.rotate("s1", rotation(1, clock, { refreshUntil: new Date(clock.ms + 1000) }));
    await store.sessions.revoke("s1", { reason: "", by: "system" });
    assert.deepEqual(await eventsOf(store), [endOf(session)]);
  },

  "keeps the revocation to a full second": async ({ users, sessions, ...store }, clock) => {
    const { id } = await users.create({ username: "ada" });
    clock.ms += 1;
    const session = await sessions.create(newSession("s1", id, clock));
    await sessions.rotate("s1", rotation(1, clock, { refreshUntil: inDays(clock, 2) }));
    await sessions.revoke("s1", { reason: "", by: "system" });
    const [event] = await eventsOf({ users, sessions, ...store });
    assert.deepEqual(event, endOf({ ...session, refreshUntil: inDays(clock, 2) }));
  },

  "rotates once however many ask at once": async (store, clock) => {
    await userWithSession(store, clock);
    for (const generation of [1, 2, 3]) {
      const results = await fifty(() => store.sessions.rotate("s1", rotation(generation, clock)));
      assert.deepEqual(kindsOf(results), { rotated: 1, replayed: 49 });
      const generations = results.map((result) => result.kind !== "over" && result.session.generation);
      assert.deepEqual(new Set(generations), new Set([generation + 1]));
    }
    assert.deepEqual(await eventsOf(store), []);
  },

  "detects reuse once however many try at once": async (store, clock) => {
    await userWithSession(store, clock);
    await store.sessions.rotate("s1", rotation(1, clock));
    clock.ms += 60_000;
    const results = await fifty(() => store.sessions.rotate("s1", rotation(1, clock)));
    assert.deepEqual(kindsOf(results), { reused: 1, over: 49 });
    assert.equal((await eventsOf(store)).length, 1);
    assert.equal((await auditOf(store)).length, 1);
  },

  "lets a logout win over rotations beside it": async (store, clock) => {
    await userWithSession(store, clock);
    const why = { reason: "logged out", by: "1" };
    const [, ...results] = await Promise.all([
      store.sessions.revoke("s1", why),
      ...Array.from({ length: 20 }, () => store.sessions.rotate("s1", rotation(1, clock))),
    ]);
    assert.equal((await store.sessions.load("s1"))?.revokedReason, "logged out");
    assert.deepEqual(kindsOf(results), { over: 20 });
  },
};

function fifty<T>(work: () => Promise<T>): Promise<T[]> {
  return Promise.all(Array.from({ length: 50 }, work));
}

function kindsOf(results: readonly RotationResult[]): Record<string, number> {
  const kinds: Record<string, number> = {};
  for (const { kind } of results) kinds[kind] = (kinds[kind] ?? 0) + 1;
  return kinds;
}
