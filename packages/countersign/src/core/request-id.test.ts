import assert from "node:assert/strict";
import { it } from "node:test";
import { newRequestId, requestIdOf } from "./request-id.ts";

it("ids of ours are UUIDs of version 7: none comes twice, and they stand in the order of time", () => {
  const ids = Array.from({ length: 5000 }, (_, n) => newRequestId(1_800_000_000_000 + n));
  for (const id of ids)
    assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.equal(new Set(Array.from({ length: 5000 }, () => newRequestId(1))).size, 5000);
  assert.deepEqual(ids, [...ids].sort());
});

it("a clock that goes back, or stands, gives none twice", () => {
  const times = [9, 9, 8, 9, 9, 7, 8, 9].flatMap((ms) => Array.from({ length: 4096 }, () => ms));
  assert.equal(new Set(times.map((ms) => newRequestId(ms))).size, times.length);
});

it("an id that came is kept where it is well-formed", () => {
  for (const id of [
    "0195fe2a-26ff-7e6b-91c9-a560a4c10a02",
    "1-67891233-abcdef012345678912345678",
    "a".repeat(64),
  ])
    assert.equal(requestIdOf([id]), id);
});

// CWE-117, CWE-1236: what a caller writes must not forge a line, become a formula, or be a credential in a wrong place.
it("an id that came and could do harm is replaced", () => {
  const key = `cs_live_0A1b2C3d4E5f6G7h8_${"x".repeat(49)}`;
  const bad = [
    "",
    "short",
    "a".repeat(65),
    "=cmd|calc!A1xxxx",
    "-1+1+1+1+1",
    "@SUM(A1:A9)",
    "two words here",
    "a\nforged line",
  ];
  for (const id of [
    ...bad,
    "caf\u00e9-caf\u00e9-caf\u00e9",
    "<script>alert(1)</script>",
    "../../../etc/passwd",
    key,
    "a,b,c,d,e,f,g",
  ])
    assert.match(requestIdOf([id]), /^[0-9a-f-]{36}$/, id);
  assert.match(requestIdOf(["first-of-two", "second-of-two"]), /^[0-9a-f-]{36}$/);
  assert.match(requestIdOf([]), /^[0-9a-f-]{36}$/);
});
