import assert from "node:assert/strict";
import { it } from "node:test";
import fc from "fast-check";
import { CompactMap } from "./compact-map.ts";

type Step =
  | { readonly kind: "raise"; readonly text: string; readonly first: number; readonly second: number }
  | { readonly kind: "delete"; readonly limit: number };

const text = fc.oneof(fc.nat(60).map(String), fc.string({ maxLength: 5 }), fc.string({ unit: "binary" }));
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 20,
    arbitrary: fc.record({
      kind: fc.constant("raise" as const),
      text,
      first: fc.nat(100),
      second: fc.nat(100),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("delete" as const), limit: fc.nat(100) }) },
);

it("is a map of pairs, whatever is raised and deleted", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 400, size: "max" }), (steps) => {
      const map = new CompactMap(2);
      const model = new Map<string, readonly [number, number]>();
      for (const given of steps) {
        if (given.kind === "delete") {
          map.deleteUpTo(given.limit);
          for (const [key, [first]] of model) if (first <= given.limit) model.delete(key);
          continue;
        }
        const [first, second] = model.get(given.text) ?? [given.first, given.second];
        model.set(given.text, [Math.max(first, given.first), Math.max(second, given.second)]);
        map.raise(given.text, given.first, given.second);
      }
      assert.equal(map.size, model.size);
      for (const [key, pair] of model) assert.deepEqual([map.get(key), map.get(key, 1)], pair);
      for (const given of steps) {
        if (given.kind === "raise") assert.equal(map.get(given.text), model.get(given.text)?.[0]);
      }
    }),
    { numRuns: 200 },
  );
});

it("finds each of 100,000 and nothing else, also after most of them are gone", () => {
  const map = new CompactMap(1);
  for (let n = 0; n < 100_000; n += 1) map.raise(`id-${n}`, n);
  assert.equal(map.size, 100_000);
  const found = (from: number, to: number): number => {
    let count = 0;
    for (let n = from; n < to; n += 1) if (map.get(`id-${n}`) === n) count += 1;
    return count;
  };
  assert.equal(found(0, 100_000), 100_000);
  assert.equal(found(100_000, 300_000), 0);
  map.deleteUpTo(98_999);
  assert.equal(map.size, 1000);
  assert.equal(found(0, 99_000), 0);
  assert.equal(found(99_000, 100_000), 1000);
  map.deleteUpTo(Number.POSITIVE_INFINITY);
  assert.deepEqual([map.size, map.get("id-99999")], [0, undefined]);
});

it("keeps for ever what has no end", () => {
  const map = new CompactMap(1);
  map.raise("a", Number.POSITIVE_INFINITY);
  map.raise("a", 5);
  map.deleteUpTo(Number.MAX_VALUE);
  assert.equal(map.get("a"), Number.POSITIVE_INFINITY);
});

it("tells texts apart that differ in one unit, in length or in their order", () => {
  const texts = [
    "",
    "\0",
    "\0\0",
    "a",
    "a\0",
    "\0a",
    "ab",
    "ba",
    "aba",
    "abab",
    "\u0100",
    "\u0001\u0000",
    "\ud800",
  ];
  const map = new CompactMap(1);
  for (const [index, one] of texts.entries()) map.raise(one, index);
  assert.equal(map.size, texts.length);
  for (const [index, one] of texts.entries()) assert.equal(map.get(one), index);
});
