import assert from "node:assert/strict";
import { test } from "node:test";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { UsageError } from "../terminal/failure.ts";
import { stretchOf } from "./instant-argument.ts";

test("an instant is a day, a time with its zone, or how long ago", () => {
  const read = (since: string): number => {
    const { since: at } = stretchOf({ since });
    assert.ok(at);
    return timestampMs(at);
  };
  assert.equal(read("2026-01-01"), Date.UTC(2026, 0, 1));
  assert.equal(read("2026-01-01T08:00:00+01:00"), Date.UTC(2026, 0, 1, 7));
  assert.equal(read("2026-01-01T08:00Z"), Date.UTC(2026, 0, 1, 8));
  const before = Date.now();
  const ago = read("36h") + 36 * 3_600_000;
  assert.ok(ago >= before && ago <= Date.now());
  assert.deepEqual(stretchOf({}), {});
  for (const text of ["2026-11-22T08:00", "2026-13-01", "22 Nov 2026", "2026", "soon", ""])
    assert.throws(() => stretchOf({ until: text }), UsageError, text);
  assert.throws(() => stretchOf({ until: "soon" }), /^UsageError: --until is a time/);
});

test("a stretch that ends before it begins is none, and no list is empty because of it", () => {
  for (const [since, until] of [
    ["1h", "2h"],
    ["2026-01-02", "2026-01-01"],
  ] as const)
    assert.throws(() => stretchOf({ since, until }), /^UsageError: --since is after --until$/);
  assert.ok(stretchOf({ since: "2h", until: "1h" }).until);
  assert.ok(stretchOf({ since: "2026-01-01", until: "2026-01-01" }).until);
});
