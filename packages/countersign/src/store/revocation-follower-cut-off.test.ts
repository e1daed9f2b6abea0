import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setUpFollower as setUp } from "./suite/follower.suite.ts";

const never = 2 ** 30;

describe("revocation follower that is cut off", () => {
  it("suspends the view after the time, and resumes it with what it missed", async () => {
    const { follower, log, elapsed, errors, verdict, revoke } = setUp();
    await follower.start();
    log.fails = true;
    elapsed.ms += 29_999;
    await follower.poll();
    assert.deepEqual([verdict("a"), errors.length], ["good", 1]);
    elapsed.ms += 1;
    await follower.poll();
    assert.deepEqual([verdict("a"), errors.length], ["unavailable", 2]);
    await revoke("a");
    log.fails = false;
    await follower.poll();
    assert.deepEqual(["a", "b"].map(verdict), ["token-revoked", "good"]);
    log.fails = true;
    elapsed.ms += 29_000;
    await follower.poll();
    assert.equal(verdict("b"), "good");
    await follower.stop();
  });

  it("suspends it at the first failure if it is strict", async () => {
    const { follower, log, verdict } = setUp({ staleAfterMs: 0 });
    await follower.start();
    log.fails = true;
    await assert.rejects(follower.catchUp(), /cut off/);
    assert.equal(verdict("a"), "unavailable");
    log.fails = false;
    await follower.catchUp();
    assert.equal(verdict("a"), "good");
    await follower.stop();
  });

  it("suspends it when a reading hangs", async () => {
    const { follower, log, elapsed, verdict } = setUp();
    await follower.start();
    const gate = Promise.withResolvers<void>();
    log.gate = gate.promise;
    const hanging = follower.poll();
    elapsed.ms += 31_000;
    await follower.poll();
    assert.equal(verdict("a"), "good");
    elapsed.ms += 1;
    await follower.poll();
    assert.equal(verdict("a"), "unavailable");
    gate.resolve();
    await hanging;
    assert.equal(verdict("a"), "good");
    await follower.stop();
  });

  it("does not start without the log, and may be started again", async () => {
    const { follower, log, revoke, verdict } = setUp({ pollEveryMs: never });
    log.fails = true;
    await assert.rejects(follower.start(), /cut off/);
    log.fails = false;
    await revoke("a");
    await follower.start();
    assert.equal(verdict("a"), "token-revoked");
    await follower.stop();
  });

  it("stays without knowledge while starting over fails", async () => {
    const { follower, log, revoke, verdict, view, clock } = setUp({ pollEveryMs: never });
    await follower.start();
    await revoke("a");
    clock.ms += 2000;
    await log.append([{ kind: "key", keyId: "k", state: "revoked" }]);
    clock.ms += 2000;
    await log.prune(clock.date, 1);
    const cachedAt = view.version;
    log.afterRead = async () => {
      if (log.asked.at(-1) === "since") log.fails = true;
    };
    await assert.rejects(follower.catchUp(), /cut off/);
    assert.equal(view.check({ keyId: "k" }, cachedAt), "stale");
    log.afterRead = async () => {};
    log.fails = false;
    await follower.catchUp();
    assert.equal(verdict("a"), "token-revoked");
    await follower.stop();
  });
});

describe("revocation follower: its timer", () => {
  it("polls until it is stopped", async (context) => {
    context.mock.timers.enable({ apis: ["setInterval"] });
    const { follower, log, revoke, verdict } = setUp();
    await follower.start();
    await revoke("a");
    const tick = async (ms: number) => {
      context.mock.timers.tick(ms);
      for (let turn = 0; turn < 100; turn += 1) await undefined;
    };
    await tick(499);
    assert.equal(verdict("a"), "good");
    await tick(1);
    assert.equal(verdict("a"), "token-revoked");
    await follower.stop();
    const asked = log.asked.length;
    await tick(5000);
    assert.equal(log.asked.length, asked);
  });

  it("prunes the view every 30 seconds and the log every 5 minutes", async () => {
    const { follower, log, elapsed, clock, revoke, view, verdict } = setUp({ pollEveryMs: never });
    await follower.start();
    await revoke("a");
    await follower.poll();
    const prunes = () => log.asked.filter((name) => name === "prune").length;
    assert.equal(prunes(), 1);
    clock.ms += 600_000;
    elapsed.ms += 29_999;
    await follower.poll();
    assert.equal(verdict("a"), "token-revoked");
    elapsed.ms += 1;
    await follower.poll();
    assert.equal(view.check({ sessionId: "a" }, view.version), "good");
    elapsed.ms += 269_999;
    await follower.poll();
    assert.equal(prunes(), 1);
    elapsed.ms += 1;
    clock.ms += 86_400_000;
    clock.ms += 300_000;
    await follower.poll();
    assert.equal(prunes(), 2);
    assert.equal(await log.since(0, 10), undefined);
    await follower.stop();
  });
});
