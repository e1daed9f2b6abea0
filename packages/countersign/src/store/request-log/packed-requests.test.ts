import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { RequestRecord } from "../request-contracts.ts";
import { PackedRequests, unpacked } from "./packed-requests.ts";

const text = fc.oneof(fc.constantFrom("", "grpc", "/a.B/C"), fc.string({ unit: "binary", maxLength: 300 }));
const maybe = fc.option(text, { nil: undefined });
const number = fc.oneof(fc.nat(), fc.double({ noNaN: true }));
const row: fc.Arbitrary<RequestRecord> = fc.record(
  {
    ...{ requestId: text, procedure: text, protocol: text, reason: maybe, userId: maybe, apiKeyId: maybe },
    ...{ authenticator: maybe, peer: maybe, userAgent: maybe, rule: maybe, missing: maybe, tenantId: maybe },
    ...{ at: number, durationMs: number, code: number, received: number, sent: number },
  },
  { noNullPrototype: true },
);

test("rows come out as they went in, also in another thread", () => {
  fc.assert(
    fc.property(fc.array(row, { maxLength: 200 }), (rows) => {
      const packed = PackedRequests.of(rows);
      assert.equal(packed.length, rows.length);
      assert.deepEqual([...packed], rows);
      assert.deepEqual([...unpacked(structuredClone(packed.message()))], rows);
    }),
    { numRuns: 200 },
  );
});

test("rows can be added to what has been read", () => {
  const [one, two] = fc.sample(row, 2) as [RequestRecord, RequestRecord];
  const packed = PackedRequests.of([one]);
  assert.deepEqual([...packed], [one]);
  packed.add(two);
  assert.deepEqual([...packed], [one, two]);
  assert.equal(PackedRequests.of(packed), packed);
});

test("there is room for others when they are forgotten", () => {
  fc.assert(
    fc.property(fc.array(row, { maxLength: 150 }), fc.array(row, { maxLength: 150 }), (before, after) => {
      const packed = new PackedRequests();
      for (const one of before) packed.add(one);
      packed.clear();
      assert.deepEqual([...packed], []);
      for (const one of after) packed.add(one);
      assert.equal(packed.length, after.length);
      assert.deepEqual([...unpacked(structuredClone(packed.message()))], after);
    }),
  );
});
