import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { admitGuess, type Guesses, identityDigest } from "./attempt-window.ts";

/** The rule, said once more and without regard to cost. */
function mayGuess(known: Guesses, now: number, limit: number, windowMs: number): boolean {
  const guesses = known.filter((at) => at > now - windowMs);
  const last = guesses.at(-1);
  if (last === undefined) return true;
  const delays = [0, 0, 1, 2, 4, 8, 16, 32];
  return guesses.length < limit && now - last >= (delays[guesses.length] ?? 60) * 1000;
}

const rules = fc.record({
  limit: fc.integer({ min: 1, max: 12 }),
  windowSeconds: fc.integer({ min: 1, max: 200 }),
});

describe("attempt window", () => {
  it("admits what the rule says, and never more than the limit", () => {
    const steps = fc.array(fc.integer({ min: 0, max: 40_000 }), { maxLength: 80 });
    fc.assert(
      fc.property(rules, steps, ({ limit, windowSeconds }, steps) => {
        let now = 1_800_000_000_000;
        let guesses: Guesses = [];
        const admitted: number[] = [];
        for (const step of steps) {
          now += step;
          const admission = admitGuess(guesses, { limit, windowSeconds, now: new Date(now) });
          assert.equal(admission.ok, mayGuess(admitted, now, limit, windowSeconds * 1000));
          if (admission.ok) guesses = admission.guesses;
          if (admission.ok) admitted.push(now);
          assert.ok(guesses.length <= limit);
          assert.ok(admitted.filter((at) => at > now - windowSeconds * 1000).length <= limit);
        }
      }),
    );
  });

  it("tells to the second how long to wait", () => {
    const gaps = fc.array(fc.integer({ min: 0, max: 90_000 }), { minLength: 1, maxLength: 14 });
    fc.assert(
      fc.property(rules, gaps, ({ limit, windowSeconds }, gaps) => {
        let now = 1_800_000_000_000;
        const guesses = gaps.map((gap) => (now += gap));
        const at = (ms: number) => admitGuess(guesses, { limit, windowSeconds, now: new Date(now + ms) });
        const verdict = at(0);
        if (verdict.ok) return;
        const { retryAfterSeconds } = verdict;
        assert.ok(Number.isInteger(retryAfterSeconds) && retryAfterSeconds >= 1);
        assert.ok(at(retryAfterSeconds * 1000).ok);
        for (let second = 1; second < retryAfterSeconds; second += 1) assert.ok(!at(second * 1000).ok);
      }),
    );
  });

  it("keeps identities as SHA-256", () => {
    const hex = Buffer.from(identityDigest("abc")).toString("hex");
    assert.equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  });
});
