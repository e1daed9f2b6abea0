import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { parsePermission, permissionProblem, requirePermissionName } from "./permission.ts";
import { beyond, compilePermissions, meetOfLists } from "./permission-set.ts";

const part = fc.constantFrom("orders", "read", "a:b", "x", "");
const name = fc.oneof(
  fc.tuple(part, part).map(([resource, action]) => `${resource}:${action}`),
  fc.constantFrom("shop.change_order", "free", "orders", "read"),
);
const pattern = fc.oneof(
  name,
  fc.constantFrom("orders:*", "x:*", "*:read", "*:a:b", "*:x", "**"),
  fc.constantFrom("orders:*", "*:read", "**", "orders:read", "free").map((text) => `!${text}`),
);
const list = fc.array(pattern, { maxLength: 6 });

/** The meaning, written as plainly as can be. */
function naive(texts: readonly string[], asked: string): boolean {
  const matches = (text: string): boolean => {
    if (text === "**") return true;
    const source = text.split("*").map((literal) => literal.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
    if (text.startsWith("*:")) return new RegExp(`^[^:]*${source.join("")}$`, "s").test(asked);
    return new RegExp(`^${source.join(".*")}$`, "s").test(asked);
  };
  const denied = texts.filter((text) => text.startsWith("!")).some((text) => matches(text.slice(1)));
  return !denied && texts.filter((text) => !text.startsWith("!")).some(matches);
}

describe("permissions", () => {
  it("mean what a naive reading of the patterns says", () => {
    fc.assert(
      fc.property(list, name, (texts, asked) => {
        assert.equal(compilePermissions(texts).has(asked), naive(texts, asked));
      }),
      { numRuns: 2000 },
    );
  });

  it("are listed so that the list means the same", () => {
    fc.assert(
      fc.property(list, name, (texts, asked) => {
        const listed = [...compilePermissions(texts)];
        assert.equal(naive(listed, asked), naive(texts, asked), listed.join(" "));
        assert.equal(new Set(listed).size, listed.length);
      }),
      { numRuns: 2000 },
    );
  });

  it("that are denied as well never widen", () => {
    fc.assert(
      fc.property(list, pattern, name, (texts, more, asked) => {
        const denial = more.startsWith("!") ? more : `!${more}`;
        const before = compilePermissions(texts).has(asked);
        assert.ok(before || !compilePermissions([...texts, denial]).has(asked));
      }),
    );
  });

  it("meet in what both lists allow", () => {
    fc.assert(
      fc.property(list, list, name, (one, other, asked) => {
        assert.equal(meetOfLists(one, other).has(asked), naive(one, asked) && naive(other, asked));
      }),
      { numRuns: 2000 },
    );
  });

  it("are beyond somebody's if they allow anything that these do not", () => {
    fc.assert(
      fc.property(list, list, name, (held, wanted, asked) => {
        if (beyond(held, wanted) !== undefined) return;
        assert.ok(!naive(wanted, asked) || naive(held, asked));
      }),
      { numRuns: 5000 },
    );
    fc.assert(fc.property(list, (held) => assert.equal(beyond(held, held), undefined)));
    const cases: [string[], string[], string | undefined][] = [
      [["**"], ["orders:*", "free"], undefined],
      [["orders:*"], ["orders:read"], undefined],
      [["orders:*"], ["**"], "**"],
      [["orders:*", "!orders:delete"], ["orders:*"], "orders:delete"],
      [["orders:*", "!orders:delete"], ["orders:*", "!orders:delete"], undefined],
      [["orders:*", "!*:delete"], ["orders:*"], "orders:delete"],
      [["orders:*", "!*:delete"], ["orders:*", "!orders:delete"], undefined],
      [["**", "!auth.users:write"], ["auth.users:*"], "auth.users:write"],
      [["orders:read"], ["!orders:delete"], undefined],
      [[], [], undefined],
    ];
    for (const [held, wanted, missing] of cases) assert.equal(beyond(held, wanted), missing, held.join());
  });

  it("that cannot be read grant nothing, and deny everything", () => {
    assert.equal(compilePermissions(["orders*", "a,b", ""]).has("orders*"), false);
    assert.equal(compilePermissions(["**", "!orders*"]).has("free"), false);
    assert.equal(compilePermissions(["**", "!!x"]).denies("free"), true);
  });

  it("are checked where they are written", () => {
    for (const good of [
      "orders:read",
      "orders:*",
      "*:read",
      "**",
      "shop.change_order",
      "free",
      "*:a:b",
      "!**",
      "!x:*",
    ]) {
      assert.equal(permissionProblem(good), undefined, good);
    }
    for (const bad of [
      "*",
      "*:*",
      "orders*",
      "or*:read",
      "orders:re*",
      ":*",
      "*:",
      "***",
      "orders:*:read",
      "!",
      "!!x",
    ]) {
      assert.ok(permissionProblem(bad), bad);
      assert.equal(parsePermission(bad), undefined, bad);
    }
    for (const bad of ["", "a b", "a,b", "ä", "x".repeat(101), "a\n"]) {
      assert.match(permissionProblem(bad) ?? "", /1 to 100 visible ASCII/, bad);
    }
    assert.match(permissionProblem("orders*") ?? "", /orders:\*, \*:read, or \*\*/);
  });

  it("that are required are names", () => {
    requirePermissionName("f", "orders:read");
    for (const bad of ["orders:*", "**", "!orders:read", "", "a b", undefined, 1]) {
      assert.throws(() => requirePermissionName("f", bad as string), TypeError);
    }
  });
});
