import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { fakeCall, principal } from "./fakes.suite.ts";
import { allOf, anyOf, type Guard, not, partsOf } from "./guard.ts";
import type { Principal } from "./principal.ts";

type Expression = { readonly kind: "leaf"; readonly answer: boolean; readonly later: boolean } | Combination;
type Combination =
  | { readonly kind: "not"; readonly of: Expression }
  | { readonly kind: "allOf" | "anyOf"; readonly of: readonly Expression[] };

const { expression } = fc.letrec<{ expression: Expression }>((tie) => ({
  expression: fc.oneof(
    { maxDepth: 4 },
    fc.record({ kind: fc.constant("leaf" as const), answer: fc.boolean(), later: fc.boolean() }),
    fc.record({ kind: fc.constant("not" as const), of: tie("expression") }),
    fc.record({
      kind: fc.constantFrom("allOf" as const, "anyOf" as const),
      of: fc.array(tie("expression"), { minLength: 1, maxLength: 3 }),
    }),
  ),
}));

function meaning(given: Expression): boolean {
  switch (given.kind) {
    case "leaf":
      return given.answer;
    case "not":
      return !meaning(given.of);
    case "allOf":
      return given.of.every(meaning);
    case "anyOf":
      return given.of.some(meaning);
  }
}

function guardOf(given: Expression): Guard<Principal> {
  switch (given.kind) {
    case "leaf":
      return () => (given.later ? Promise.resolve(given.answer) : given.answer);
    case "not":
      return not(guardOf(given.of));
    default: {
      const [first, ...rest] = given.of.map(guardOf);
      return (given.kind === "allOf" ? allOf : anyOf)(first as Guard<Principal>, ...rest);
    }
  }
}

describe("combinations of guards", () => {
  it("mean what logic says, whether their parts answer at once or later", async () => {
    await fc.assert(
      fc.asyncProperty(expression, async (given) => {
        assert.equal(await guardOf(given)(principal(), fakeCall("/")), meaning(given));
      }),
    );
  });

  it("stop at the first answer that settles it", () => {
    const never: Guard<Principal> = () => assert.fail("asked");
    assert.equal(allOf<Principal>(() => false, never)(principal(), fakeCall("/")), false);
    assert.equal(anyOf<Principal>(() => true, never)(principal(), fakeCall("/")), true);
  });

  it("cannot be made of what is no guard", () => {
    for (const guard of [undefined, null, true, "open"]) {
      assert.throws(() => allOf(guard as never), TypeError);
      assert.throws(() => anyOf(() => true, guard as never), TypeError);
      assert.throws(() => not(guard as never), TypeError);
    }
  });

  it("have a title that tells their parts, and only a conjunction has parts", () => {
    const isOwner: Guard<Principal> = () => true;
    assert.equal(anyOf(isOwner, not(isOwner)).title, "anyOf(isOwner, not(isOwner))");
    const mixed = allOf(isOwner, () => true);
    assert.equal(mixed.title, "allOf(isOwner, custom guard)");
    assert.deepEqual(partsOf(allOf(isOwner)), [isOwner]);
    assert.equal(partsOf(anyOf(isOwner)), undefined);
  });
});
