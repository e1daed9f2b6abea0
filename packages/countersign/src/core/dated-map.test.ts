import assert from "node:assert/strict";
import { it } from "node:test";
import { DatedMap } from "./dated-map.ts";

it("finds what came after a version, however much that is", () => {
  const map = new DatedMap(1);
  for (let version = 1; version <= 5000; version += 1) map.raise(`id-${version}`, version, version);
  for (let since = 0; since <= 5000; since += 7) {
    for (const version of [since + 1, since + 2, since + 1023, since + 1024, since + 1025, 5000]) {
      const expected = version > since && version <= 5000 ? version : undefined;
      if (expected !== undefined) assert.equal(map.get(`id-${version}`, since), expected);
    }
  }
  assert.equal(map.get("id-5000", 5000), undefined);
  assert.equal(map.get("id-1", Number.NEGATIVE_INFINITY), 1);
  assert.equal(map.size, 5000);
  map.deleteUpTo(4990);
  assert.equal(map.get("id-4990", 4000), undefined);
  assert.equal(map.get("id-4991", 4000), 4991);
});

it("finds several of one version, also where it begins to keep apart anew", () => {
  const map = new DatedMap(1);
  for (let index = 0; index < 3000; index += 1) map.raise(`id-${index}`, 1 + Math.floor(index / 10), 9);
  for (let index = 0; index < 3000; index += 1) {
    const version = 1 + Math.floor(index / 10);
    assert.equal(map.get(`id-${index}`, version - 1), 9);
  }
});
