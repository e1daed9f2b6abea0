import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { Turns } from "./turns.ts";

describe("turns", () => {
  it("lets in as many as there is room for, in the order of asking", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 4 }),
        fc.array(fc.nat(3), { maxLength: 20 }),
        async (size, stays) => {
          const turns = new Turns(size);
          const order: number[] = [];
          let inside = 0;
          await Promise.all(
            stays.map(async (stay, index) => {
              const end = await turns.take();
              order.push(index);
              inside += 1;
              assert.ok(inside <= size);
              for (let turn = 0; turn < stay; turn += 1) await undefined;
              inside -= 1;
              end();
              end();
            }),
          );
          assert.deepEqual(order, [...stays.keys()]);
          await turns.idle();
        },
      ),
    );
  });

  it("tells when nobody is in any more", async () => {
    const turns = new Turns(2);
    const [first, second] = [await turns.take(), await turns.take()];
    let idle = 0;
    const waiting = [turns.idle(), turns.idle()].map((promise) => promise.then(() => (idle += 1)));
    first();
    await undefined;
    assert.equal(idle, 0);
    second();
    await Promise.all(waiting);
    assert.equal(idle, 2);
  });
});
