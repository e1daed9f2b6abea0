import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { createRevocationFeed } from "./revocation-feed.ts";

const entry = (sequence: number) => ({ sequence, event: { kind: "roles" } as const });

describe("revocation feed", () => {
  it("tells every entry after a number once and in order, or says that it cannot", () => {
    const step = fc.oneof(
      fc.record({ append: fc.integer({ min: 1, max: 30 }) }),
      fc.record({ restart: fc.integer({ min: 0, max: 50 }) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), fc.integer({ min: 1, max: 10 }), (steps, capacity) => {
        const feed = createRevocationFeed({ capacity });
        let [base, head] = [0, 0];
        for (const { append, restart } of steps as readonly { append?: number; restart?: number }[]) {
          if (restart !== undefined) [base, head] = [restart, restart];
          if (restart !== undefined) feed.restart(restart);
          if (append !== undefined) {
            feed.append(Array.from({ length: append }, (_, index) => entry(head + index + 1)));
            head += append;
          }
        }
        assert.equal(feed.head, head);
        assert.equal(feed.after(head + 1, 5), undefined);
        assert.equal(feed.after(base - 1, 5), undefined);
        for (let from = base; from <= head; from += 1) {
          const entries = feed.after(from, 5);
          if (entries === undefined) {
            assert.ok(head - from > capacity, "what is kept at the least");
            continue;
          }
          const expected = Array.from({ length: Math.min(5, head - from) }, (_, index) => from + index + 1);
          assert.deepEqual(
            entries.map(({ sequence }) => sequence),
            expected,
          );
        }
      }),
    );
  });

  it("calls back until it is told to stop", () => {
    const feed = createRevocationFeed();
    let calls = 0;
    const stop = feed.onChange(() => (calls += 1));
    feed.append([entry(1)]);
    feed.restart(7);
    feed.close();
    feed.confirm(5);
    assert.deepEqual([calls, feed.closed, feed.restarts, feed.knownAt], [3, true, 1, 5]);
    stop();
    feed.append([entry(8)]);
    assert.equal(calls, 3);
  });
});
