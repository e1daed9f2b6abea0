import assert from "node:assert/strict";
import { test } from "node:test";
import { readInstant } from "./instant.ts";

test("an instant is a day of UTC or a time with its zone, on a day that there is", () => {
  for (const [text, expected] of [
    ["2026-11-22", "2026-11-22T00:00:00.000Z"],
    ["2026-11-22T08:00Z", "2026-11-22T08:00:00.000Z"],
    ["2026-11-22T08:00:00+01:00", "2026-11-22T07:00:00.000Z"],
    ["2028-02-29T23:59:59.5Z", "2028-02-29T23:59:59.500Z"],
  ] as const)
    assert.equal(new Date(readInstant(text) ?? 0).toISOString(), expected);
  for (const text of [
    ...["2026-02-30", "2027-02-29T00:00:00Z", "2026-13-01", "2026-00-10", "2026-11-00", "2026-11-22T25:00Z"],
    ...["2026-11-22T08:00:00", "22.11.2026", "Nov 22, 2026", "2026-11", "", "0"],
  ])
    assert.equal(readInstant(text), undefined, text);
});
