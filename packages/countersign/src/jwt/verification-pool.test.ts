import assert from "node:assert/strict";
import { test } from "node:test";
import { enterPool, prefersPool } from "./verification-pool.ts";

const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

test("the first check of a turn is done in place, the others on the pool", async () => {
  for (let turn = 0; turn < 3; turn++) {
    assert.deepEqual([prefersPool(), prefersPool(), prefersPool()], [false, true, true]);
    await nextTurn();
  }
});

test("while a check is in flight, new ones go to the pool, also in a later turn", async () => {
  for (const outcome of ["resolves", "rejects"]) {
    const { promise, resolve, reject } = Promise.withResolvers<boolean>();
    const inFlight = enterPool(promise);
    await nextTurn();
    assert.deepEqual([prefersPool(), prefersPool()], [true, true]);
    if (outcome === "resolves") resolve(true);
    else reject(new Error("the pool failed"));
    await inFlight.catch(() => false);
    assert.deepEqual([prefersPool(), prefersPool()], [false, true]);
    await nextTurn();
  }
});
