import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createMemoryStore } from "./memory.ts";
import { setUpFollower as setUp } from "./suite/follower.suite.ts";

const never = 2 ** 30;

describe("revocation follower", () => {
  it("knows what is live once it has started, and what comes later after a poll", async () => {
    const { follower, revoke, verdict, log, clock } = setUp({ pollEveryMs: never });
    await log.append([{ kind: "session", sessionId: "over", expiresAt: clock.ms / 1000 - 300 }]);
    await log.append([{ kind: "session", sessionId: "leeway", expiresAt: clock.ms / 1000 - 299 }]);
    await revoke("a");
    await follower.start();
    assert.deepEqual(["a", "b", "over"].map(verdict), ["token-revoked", "good", "good"]);
    assert.equal(verdict("leeway"), "token-revoked", "a verifier may still accept it");
    await revoke("b", "c");
    assert.equal(verdict("b"), "good");
    await follower.poll();
    assert.deepEqual(["a", "b", "c"].map(verdict), ["token-revoked", "token-revoked", "token-revoked"]);
    await follower.stop();
  });

  it("reads roles anew before it tells that they changed, and at the start", async () => {
    const readings: number[] = [];
    const roles = { reload: async () => void readings.push(view.version) };
    const { follower, log, view, revoke, errors } = setUp({ pollEveryMs: never, roles });
    await follower.start();
    assert.equal(readings.length, 1);
    await revoke("a");
    await follower.poll();
    assert.equal(readings.length, 1, "not for anything else");
    const { version } = view;
    await log.append([{ kind: "roles" }]);
    await follower.poll();
    assert.deepEqual(readings.slice(1), [version]);
    assert.equal(view.version, version + 1);
    // One that fails is tried again, and nothing is skipped.
    const working = roles.reload;
    roles.reload = () => Promise.reject(new Error("no roles"));
    await log.append([{ kind: "roles" }]);
    await follower.poll();
    assert.deepEqual([errors.length, view.version], [1, version + 1]);
    roles.reload = working;
    await follower.poll();
    assert.deepEqual([readings.length, view.version], [3, version + 2]);
    await follower.stop();
  });

  it("asks for nothing but the head while nothing happens", async () => {
    const { follower, log, view } = setUp({ pollEveryMs: never });
    await follower.start();
    await follower.poll();
    const { version } = view;
    log.asked.length = 0;
    await follower.poll();
    await follower.poll();
    assert.deepEqual(log.asked, ["head", "head"]);
    assert.equal(view.version, version);
    await follower.stop();
  });

  it("applies thousands, in order", async () => {
    const { follower, log, session, verdict, view } = setUp({ pollEveryMs: never });
    const many = (name: string) => Array.from({ length: 2500 }, (_, n) => session(`${name}${n}`));
    await log.append(many("before"));
    await follower.start();
    assert.equal(verdict("before2499"), "token-revoked");
    await log.append(many("after"));
    await log.append([
      { kind: "user", userId: "1", state: "disabled" },
      { kind: "user", userId: "1", state: "enabled" },
    ]);
    await follower.catchUp();
    assert.deepEqual(["after0", "after1000", "after2499"].map(verdict), Array(3).fill("token-revoked"));
    assert.equal(view.check({ userId: "1" }, view.version), "good");
    assert.equal(view.check({ userId: "1" }, 0), "stale");
    await follower.stop();
  });

  it("catches up with what was committed before the call, also while a reading is under way", async () => {
    const { follower, log, revoke, verdict } = setUp({ pollEveryMs: never });
    await follower.start();
    log.asked.length = 0;
    const gate = Promise.withResolvers<void>();
    const readings: number[] = [];
    log.afterRead = async () => {
      readings.push(1);
      if (readings.length === 1) await gate.promise;
    };
    const early = follower.poll();
    for (let turn = 0; turn < 20; turn += 1) await undefined;
    assert.equal(readings.length, 1, "the head was read, and nothing was there yet");
    await revoke("a");
    const catchUps = [follower.catchUp(), follower.catchUp(), follower.catchUp()];
    gate.resolve();
    await catchUps[0];
    assert.equal(verdict("a"), "token-revoked");
    await Promise.all([early, ...catchUps]);
    assert.equal(log.asked.filter((name) => name === "head").length, 2, "those who wait share a reading");
    await follower.stop();
  });

  it("looks when the log gives a hint, until it is stopped", async () => {
    const { follower, log, revoke, verdict, errors } = setUp({ pollEveryMs: never });
    const listeners = new Set<() => void>();
    log.onAppend = (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    };
    await follower.start();
    await follower.start();
    assert.equal(listeners.size, 1);
    await revoke("a");
    for (const hint of listeners) for (let times = 0; times < 3; times += 1) hint();
    for (let turn = 0; turn < 50; turn += 1) await undefined;
    assert.equal(verdict("a"), "token-revoked");
    // A hint that leads nowhere is no harm.
    log.fails = true;
    for (const hint of listeners) hint();
    for (let turn = 0; turn < 50; turn += 1) await undefined;
    assert.equal(errors.length, 1);
    log.fails = false;
    await follower.stop();
    assert.equal(listeners.size, 0);
  });

  it("never reads twice at a time", async () => {
    const { follower, log, revoke, verdict } = setUp({ pollEveryMs: never });
    await follower.start();
    await Promise.all(
      Array.from({ length: 100 }, async (_, n) => {
        await revoke(`s${n}`);
        void follower.poll();
        await follower.catchUp();
        assert.equal(verdict(`s${n}`), "token-revoked");
      }),
    );
    assert.equal(log.mostOverlapping, 1);
    await follower.stop();
  });

  it("never reads twice at a time, whenever the next one asks", async () => {
    for (let delay = 0; delay < 30; delay += 1) {
      const { follower, log } = setUp({ pollEveryMs: never });
      await follower.start();
      const gate = Promise.withResolvers<void>();
      log.gate = gate.promise;
      const all = [follower.poll(), follower.catchUp()];
      gate.resolve();
      for (let turn = 0; turn < delay; turn += 1) await undefined;
      all.push(follower.catchUp());
      await Promise.all(all);
      assert.equal(log.mostOverlapping, 1, `after ${delay} turns`);
      await follower.stop();
    }
  });

  it("flushes the view and starts over after a gap", async () => {
    const { follower, log, revoke, verdict, view, clock } = setUp({ pollEveryMs: never });
    await follower.start();
    await log.append([{ kind: "key", keyId: "k", state: "changed" }]);
    await revoke("a");
    const cachedAt = view.version;
    clock.ms += 2000;
    await log.prune(clock.date, 1);
    assert.equal(await log.since(0, 10), undefined);
    await follower.poll();
    assert.equal(verdict("a"), "token-revoked");
    assert.equal(view.check({ keyId: "any" }, cachedAt), "stale");
    assert.equal(view.check({ keyId: "any" }, view.version), "good");
    await revoke("b");
    await follower.catchUp();
    assert.equal(verdict("b"), "token-revoked");
    await follower.stop();
  });

  it("flushes what was cached while it was starting over", async () => {
    const { follower, log, view, revoke, clock } = setUp({ pollEveryMs: never });
    await follower.start();
    await revoke("a");
    await log.append([{ kind: "user", userId: "1", state: "changed" }]);
    clock.ms += 2000;
    await log.prune(clock.date, 1);
    let cachedAt = -1;
    log.afterRead = async () => {
      // The last time is when it begins anew: before that, nothing of the gap is known.
      if (log.asked.at(-1) === "head") cachedAt = view.version;
    };
    await follower.catchUp();
    assert.ok(cachedAt >= 0);
    assert.equal(view.check({ userId: "1" }, cachedAt), "stale");
    await follower.stop();
  });

  it("starts over when the database is an older one", async () => {
    const { follower, log, revoke, view, verdict } = setUp({ pollEveryMs: never });
    await revoke("a", "b", "c");
    await follower.start();
    const cachedAt = view.version;
    const older = createMemoryStore().revocations;
    log.head = () => older.head();
    log.since = (sequence, limit) => older.since(sequence, limit);
    log.livePage = (now, page) => older.livePage(now, page);
    await follower.catchUp();
    assert.equal(view.check({}, cachedAt), "stale");
    await older.append([{ kind: "session", sessionId: "new", expiresAt: 9e9 }]);
    await follower.catchUp();
    assert.equal(verdict("new"), "token-revoked");
    await follower.stop();
  });

  it("applies what is live in portions, and others get their turn in between", async () => {
    const { follower, log, view, verdict } = setUp({ pollEveryMs: never });
    const expiresAt = 9e9;
    const ids = Array.from({ length: 5001 }, (_, n) => `s${n}`);
    await log.append(ids.map((sessionId) => ({ kind: "session", sessionId, expiresAt })));
    let turns = 0;
    let done = false;
    const count = (): void => {
      turns += 1;
      if (!done) setImmediate(count);
    };
    setImmediate(count);
    await follower.start();
    done = true;
    assert.equal(log.asked.filter((name) => name === "livePage").length, 3);
    assert.ok(turns >= 2);
    for (const id of ids) assert.equal(verdict(id), "token-revoked");
    assert.equal(view.check({ sessionId: "other" }, view.version), "good");
    await follower.stop();
  });
});
