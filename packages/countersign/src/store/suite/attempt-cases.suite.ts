import assert from "node:assert/strict";
import type { Store } from "../contracts.ts";
import type { AttemptRule } from "../session-contracts.ts";
import type { Cases, TestClock } from "./store-case.suite.ts";

const tenIn15Minutes = { limit: 10, windowSeconds: 900 };

export const attemptCases: Cases = {
  "delays each guess longer than the one before": async (store, clock) => {
    const waits: number[] = [];
    for (let n = 0; n < 10; n += 1) waits.push(await waitThenGuess(store, clock, "ada"));
    assert.deepEqual(waits, [0, 0, 1, 2, 4, 8, 16, 32, 60, 60]);
    // The eleventh waits until the first one is 15 minutes old.
    assert.equal(await waitThenGuess(store, clock, "ada"), 900 - 183);
  },

  "never admits more than the limit within the window, and slides": async (store, clock) => {
    const admitted: number[] = [];
    const begun = clock.ms;
    while (clock.ms < begun + 3_600_000) {
      if (await guess(store, clock, "ada")) admitted.push(clock.ms);
      clock.ms += 1000;
    }
    for (const at of admitted) {
      const within = admitted.filter((other) => other > at - 900_000 && other <= at);
      assert.ok(within.length <= 10, `${within.length} at ${at - begun}`);
    }
    assert.ok(admitted.length >= 40, `${admitted.length} admitted in an hour`);
  },

  "admits two of 200 that come at once, or as many as the limit": async ({ attempts }, { date: now }) => {
    for (const [limit, admitted] of [
      [1, 1],
      [2, 2],
      [10, 2],
    ] as const) {
      const rule: AttemptRule = { limit, windowSeconds: 900, now };
      const verdicts = await Promise.all(
        Array.from({ length: 200 }, () => attempts.begin(`limit ${limit}`, rule)),
      );
      assert.equal(verdicts.filter(({ ok }) => ok).length, admitted);
    }
  },

  "does not count what it refuses": async (store, clock) => {
    for (let n = 0; n < 4; n += 1) await waitThenGuess(store, clock, "ada");
    clock.ms += 3999;
    for (let n = 0; n < 50; n += 1) assert.equal(await guess(store, clock, "ada"), false);
    clock.ms += 1;
    assert.equal(await guess(store, clock, "ada"), true);
  },

  "counts identities apart, whatever they are": async (store, clock) => {
    const identities = ["ada", "Ada", "", "a".repeat(100_000), "nul\0", "\u{1f600}", "__proto__", "x\0"];
    for (const identity of identities) {
      assert.equal(await guess(store, clock, identity), true);
      assert.equal(await guess(store, clock, identity), true);
    }
    for (const identity of identities) assert.equal(await guess(store, clock, identity), false);
  },

  "forgets the guesses of one identity when one was right": async (store, clock) => {
    for (const identity of ["ada", "bob"]) {
      for (let n = 0; n < 2; n += 1) await guess(store, clock, identity);
    }
    await store.attempts.clear("ada");
    await store.attempts.clear("nobody");
    assert.equal(await guess(store, clock, "bob"), false);
    assert.equal(await guess(store, clock, "ada"), true);
    assert.equal(await guess(store, clock, "ada"), true);
    assert.equal(await guess(store, clock, "ada"), false);
  },

  "forgets by itself what counts no more, and nothing else": async (store, clock) => {
    for (let n = 0; n < 2; n += 1) await guess(store, clock, "ada");
    await store.attempts.prune(new Date(clock.ms + 899_999));
    assert.equal(await guess(store, clock, "ada"), false);
    await store.attempts.prune(new Date(clock.ms + 900_000));
    assert.equal(await guess(store, clock, "ada"), true);
  },

  "survives a clock that jumps": async (store, clock) => {
    for (let n = 0; n < 3; n += 1) await waitThenGuess(store, clock, "ada");
    // A little back: another node. Far back: the clock was wrong.
    clock.ms -= 3000;
    assert.equal(await guess(store, clock, "ada"), false);
    clock.ms -= 900_000;
    assert.equal(await guess(store, clock, "ada"), true);
    // The delay is that after the latest guess, whichever node counted last.
    const jumps = [
      [0, true],
      [-3000, true],
      [3500, false],
      [500, true],
    ] as const;
    for (const [jump, admitted] of jumps) {
      clock.ms += jump;
      assert.equal(await guess(store, clock, "bob"), admitted, String(jump));
    }
  },

  "refuses a rule that would admit anything": async ({ attempts }, { date: now }) => {
    for (const rule of [
      { limit: 0, windowSeconds: 1, now },
      { limit: 1.5, windowSeconds: 1, now },
      { limit: Number.NaN, windowSeconds: 1, now },
      { limit: 1, windowSeconds: 0, now },
      { limit: 1, windowSeconds: Number.NaN, now },
      { limit: 1, windowSeconds: Number.POSITIVE_INFINITY, now },
    ]) {
      await assert.rejects(() => attempts.begin("ada", rule), RangeError);
    }
    const never = new Date(Number.NaN);
    await assert.rejects(() => attempts.begin("ada", { ...tenIn15Minutes, now: never }), TypeError);
  },
};

async function guess({ attempts }: Store, { date: now }: TestClock, identity: string): Promise<boolean> {
  return (await attempts.begin(identity, { ...tenIn15Minutes, now })).ok;
}

/** Guesses as soon as it is allowed. Returns the seconds that it waited; that long, and not a millisecond less. */
async function waitThenGuess(store: Store, clock: TestClock, identity: string): Promise<number> {
  const verdict = await store.attempts.begin(identity, { ...tenIn15Minutes, now: clock.date });
  if (verdict.ok) return 0;
  clock.ms += verdict.retryAfterSeconds * 1000 - 1;
  assert.equal(await guess(store, clock, identity), false);
  clock.ms += 1;
  assert.equal(await guess(store, clock, identity), true);
  return verdict.retryAfterSeconds;
}
