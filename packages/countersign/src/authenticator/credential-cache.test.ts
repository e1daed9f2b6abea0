import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { createCredentialCache } from "./credential-cache.ts";

describe("the credential cache", () => {
  it("never holds more than its capacity, nor gives anything but what was put in last", () => {
    const operation = fc.record({
      key: fc.nat(30).map(String),
      value: fc.option(fc.nat(), { nil: undefined }),
    });
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 12 }),
        fc.array(operation, { maxLength: 200 }),
        (capacity, operations) => {
          const cache = createCredentialCache<number>({ capacity });
          const last = new Map<string, number>();
          for (const { key, value } of operations) {
            if (value !== undefined) {
              cache.set(key, value);
              last.set(key, value);
              assert.equal(cache.get(key), value);
            } else {
              const found = cache.get(key);
              assert.ok(found === undefined || found === last.get(key));
            }
            assert.ok(cache.size <= capacity);
          }
        },
      ),
    );
  });

  it("keeps what is in use while others come and go", () => {
    const cache = createCredentialCache<number>({ capacity: 8 });
    cache.set("mine", 1);
    for (let other = 0; other < 1000; other++) {
      cache.set(`other ${other}`, other);
      assert.equal(cache.get("mine"), 1);
    }
  });

  it("has a capacity that is one", () => {
    for (const capacity of [0, 1, 1.5, -2, Number.NaN, Number.POSITIVE_INFINITY]) {
      assert.throws(() => createCredentialCache({ capacity }), TypeError);
    }
  });
});
