import assert from "node:assert/strict";
import { test } from "node:test";
import { createTokenCache } from "./token-cache.ts";

const entry = (value: string) => ({ value });
const token = (n: number) => `Bearer header.payload.signature${String(n).padStart(12, "0")}`;

test("finds an entry by its whole text only", () => {
  const cache = createTokenCache<{ value: string }>({ capacity: 10 });
  const kept = entry("Bearer aaaa.bbbb.cccccccccccc");
  cache.set(kept);
  assert.equal(cache.get(`${"Bearer aaaa.bbbb."}${"c".repeat(12)}`), kept);
  for (const other of [
    "bearer aaaa.bbbb.cccccccccccc",
    "Bearer aaaa.bbbx.cccccccccccc",
    "cccccccccccc",
    "",
    "c",
  ]) {
    assert.equal(cache.get(other), undefined, other);
  }
});

test("two texts with one tail displace each other", () => {
  const cache = createTokenCache<{ value: string }>({ capacity: 10 });
  const [one, other] = [entry(`one-${"t".repeat(12)}`), entry(`other-${"t".repeat(12)}`)];
  cache.set(one);
  cache.set(other);
  assert.equal(cache.size, 1);
  assert.equal(cache.get(one.value), undefined);
  assert.equal(cache.get(other.value), other);
});

test("keeps texts shorter than the tail", () => {
  const cache = createTokenCache<{ value: string }>({ capacity: 10 });
  cache.set(entry("k"));
  cache.set(entry(""));
  assert.equal(cache.get("k")?.value, "k");
  assert.equal(cache.get("")?.value, "");
});

test("never holds more than its capacity, and always the half that was used last", () => {
  for (const capacity of [2, 3, 10, 101]) {
    const cache = createTokenCache<{ value: string }>({ capacity });
    const half = Math.floor(capacity / 2);
    for (let n = 0; n < capacity * 5; n++) {
      cache.set(entry(token(n)));
      assert.ok(cache.size <= capacity);
      for (let back = 0; back < Math.min(half, n + 1); back++)
        assert.ok(cache.get(token(n - back)), `${capacity} ${n} ${back}`);
      assert.ok(cache.size <= capacity);
    }
  }
});

test("an entry in use survives any number of others", () => {
  const cache = createTokenCache<{ value: string }>({ capacity: 10 });
  cache.set(entry(token(0)));
  for (let n = 1; n < 1000; n++) {
    cache.set(entry(token(n)));
    assert.ok(cache.get(token(0)), String(n));
  }
});

test("delete and clear reach both generations, and delete only the same text", () => {
  const cache = createTokenCache<{ value: string }>({ capacity: 4 });
  for (let n = 0; n < 4; n++) cache.set(entry(token(n)));
  cache.delete(token(0));
  cache.delete(token(3));
  cache.delete(`x${token(1)}`);
  assert.deepEqual(
    [0, 1, 2, 3].map((n) => cache.get(token(n)) !== undefined),
    [false, true, true, false],
  );
  cache.clear();
  assert.equal(cache.size, 0);
  assert.equal(cache.get(token(1)), undefined);
});

test("a replaced entry never comes back from the old generation", () => {
  const cache = createTokenCache<{ value: string; n: number }>({ capacity: 4 });
  cache.set({ value: token(0), n: 1 });
  cache.set({ value: token(1), n: 1 });
  cache.set({ value: token(2), n: 1 });
  cache.set({ value: token(0), n: 2 });
  assert.equal(cache.get(token(0))?.n, 2);
  assert.equal(cache.size, 3, "and is counted once");
  cache.delete(token(0));
  assert.equal(cache.get(token(0)), undefined);
});

test("a capacity that makes no sense is a TypeError", () => {
  for (const capacity of [0, 1, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, "10" as unknown as number]) {
    assert.throws(() => createTokenCache({ capacity }), TypeError);
  }
});
