import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { principal } from "./fakes.suite.ts";
import { hasPermission, hasRole, isStaff, isSuperuser } from "./guards.ts";
import { grants, noPermissions } from "./principal.ts";

const key = (...scopes: string[]) => ({ id: "k", name: "k", type: "service", scopes });
const call = undefined as never;

describe("grants()", () => {
  it("gives a user what the account has, and a superuser everything", () => {
    const user = principal({ permissions: new Set(["orders:read"]) });
    assert.ok(grants(user, "orders:read"));
    assert.ok(!grants(user, "orders:write"));
    assert.ok(!grants(user, "orders:*"));
    assert.ok(grants(principal({ isSuperuser: true }), "auth.change_user"));
    assert.ok(!grants(principal({ isStaff: true }), "orders:read"));
  });

  it("gives a scoped key its scopes and nothing else, whatever its owner is", () => {
    const held = new Set(["orders:read", "orders:write"]);
    assert.ok(grants(principal({ permissions: held, apiKey: key("orders:read") }), "orders:read"));
    assert.ok(!grants(principal({ permissions: held, apiKey: key("orders:read") }), "orders:write"));
    assert.ok(!grants(principal({ isSuperuser: true, apiKey: key("superuser") }), "orders:write"));
    assert.ok(
      grants(principal({ isSuperuser: true, apiKey: key("superuser", "orders:write") }), "orders:write"),
    );
    assert.ok(!grants(principal({ permissions: noPermissions, apiKey: key("orders:read") }), "orders:read"));
  });

  it("gives a key without scopes its owner's rights, except managing keys and accounts", () => {
    const permissions = new Set(["orders:read", "auth.add_apikey"]);
    assert.ok(grants(principal({ permissions, apiKey: key() }), "orders:read"));
    assert.ok(!grants(principal({ permissions, apiKey: key() }), "auth.add_apikey"));
    assert.ok(!grants(principal({ isSuperuser: true, apiKey: key() }), "auth.add_apikey"));
    assert.ok(grants(principal({ isSuperuser: true, apiKey: key() }), "orders:read"));
  });
});

describe("guards", () => {
  it("read the principal", () => {
    assert.equal(isStaff(principal({ isSuperuser: true }), call), true);
    assert.equal(isStaff(principal(), call), false);
    assert.equal(isSuperuser(principal({ isStaff: true }), call), false);
    assert.equal(hasRole("editor")(principal({ roles: ["editor"] }), call), true);
    assert.equal(hasRole("editor")(principal({ isSuperuser: true }), call), false);
    assert.equal(hasPermission("a:b")(principal({ permissions: new Set(["a:b"]) }), call), true);
  });

  it("refuse a name that is none, as JavaScript may pass it", () => {
    for (const name of ["", undefined, null, 1]) {
      assert.throws(() => hasPermission(name as never), TypeError);
      assert.throws(() => hasRole(name as never), TypeError);
    }
  });
});
