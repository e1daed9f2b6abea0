import assert from "node:assert/strict";
import { it } from "node:test";
import fc from "fast-check";
import { ValueFilter } from "./value-filter.ts";

it("never denies a value that is there", () => {
  const value = fc.record({
    member: fc.constantFrom("userId", "apiKeyId", "code", "requestId"),
    text: fc.string({ unit: "binary", maxLength: 20 }),
  });
  fc.assert(
    fc.property(fc.array(value, { maxLength: 100 }), (values) => {
      const filter = ValueFilter.sized(values.length);
      for (const { member, text } of values) filter.add(member, text);
      const read = new ValueFilter(Uint8Array.from(filter.bytes));
      for (const { member, text } of values) assert.ok(read.mayHave(member, text), text);
    }),
  );
});

it("takes few that are not there for present, in other columns either", () => {
  const filter = ValueFilter.sized(5000);
  for (let n = 0; n < 5000; n++) filter.add("requestId", `request-${n}`);
  let taken = 0;
  for (let n = 0; n < 50_000; n++) {
    if (filter.mayHave("requestId", `request-${5000 + n}`)) taken += 1;
    if (n < 5000 && filter.mayHave("userId", `request-${n}`)) taken += 1;
  }
  // 3 in 1,000 by the formula; the values are the same in each run.
  assert.ok(taken < 55_000 * 0.006, `${taken} of 55,000`);
});
