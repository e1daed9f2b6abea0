import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { RateLimit } from "../core/limit.ts";
import { CallWindow, finestSlots } from "./call-window.ts";

const steps = fc.array(fc.nat({ max: 3000 }), { minLength: 1, maxLength: 200 });

function take(window: CallWindow, limit: RateLimit, now: number): number {
  window.expire(limit, now);
  const wait = window.waitMs(limit, 1, now);
  if (wait === 0) window.add(limit, 1, now);
  return wait;
}

describe("a window of calls", () => {
  it("is a log of every call, for a limit of up to 64", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: finestSlots }), steps, (size, gaps) => {
        const limit: RateLimit = { kind: "rate", name: "x", limit: size, windowSeconds: 5 };
        const window = new CallWindow();
        let log: number[] = [];
        let now = 1_800_000_000_000;
        for (const gap of gaps) {
          now += gap;
          log = log.filter((at) => at > now - 5000);
          const expected = log.length < size ? 0 : (log.at(-size) ?? 0) + 5000 - now;
          assert.equal(take(window, limit, now), expected);
          if (expected === 0) log.push(now);
          assert.equal(window.used, log.length);
        }
      }),
    );
  });

  it("never holds more than the limit, takes little room, and is late by a 64th at most, for a larger one", () => {
    fc.assert(
      fc.property(fc.integer({ min: 65, max: 400 }), steps, (size, gaps) => {
        const limit: RateLimit = { kind: "rate", name: "x", limit: size, windowSeconds: 6.4 };
        const window = new CallWindow();
        const admitted: number[] = [];
        let now = 1_800_000_000_000;
        for (const gap of gaps) {
          now += gap / 20;
          for (let call = 0; call < 5; call += 1) {
            const wait = take(window, limit, now);
            const counted = admitted.filter((at) => at > now - 6400).length;
            if (wait === 0) {
              assert.ok(counted < size);
              admitted.push(now);
            } else {
              assert.ok(admitted.filter((at) => at > now - 6500).length >= size, "refused too early");
            }
          }
          assert.ok(window.slots.length <= finestSlots + 2);
        }
      }),
    );
  });

  it("is the same when it was written and read in between", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100 }), steps, (size, gaps) => {
        const limit: RateLimit = { kind: "rate", name: "x", limit: size, windowSeconds: 5 };
        const kept = new CallWindow();
        let read = new CallWindow();
        let now = 1_800_000_000_000;
        for (const gap of gaps) {
          now += gap;
          assert.equal(take(read, limit, now), take(kept, limit, now));
          read = new CallWindow(JSON.parse(JSON.stringify(read.slots)));
        }
      }),
    );
  });
});
