import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createAuth } from "./auth.ts";
import { atOnce, byName, fakeCall, principal, reasonOf } from "./fakes.suite.ts";
import type { Guard } from "./guard.ts";
import {
  allowAny,
  fromAuthenticator,
  hasAllPermissions,
  hasAnyPermission,
  hasPermission,
  hasRole,
  hasScope,
  isAdminUser,
  isAuthenticated,
  isStaff,
  isSuperuser,
  maxAuthAge,
  requireMfa,
} from "./guards.ts";
import { compilePermissions } from "./permission-set.ts";
import { policyFor } from "./policy.ts";
import { type Principal, permissionsOf } from "./principal.ts";

const call = fakeCall("/");
const asks = (guard: Guard<Principal>, given: Partial<Principal>) => guard(principal(given), call);
const key = (...scopes: string[]) => ({ id: "k", name: "k", type: "cli", scopes });
const may = (...texts: string[]) => ({ permissions: compilePermissions(texts) });

describe("guards", () => {
  it("ask for permissions", () => {
    assert.equal(asks(hasPermission("orders:read"), may("orders:*")), true);
    assert.equal(asks(hasPermission("orders:read"), may("*:read", "!orders:read")), false);
    const either = hasAnyPermission("a:b", "c:d");
    assert.deepEqual([asks(either, may("c:d")), asks(either, may("e:f"))], [true, false]);
    const both = hasAllPermissions("a:b", "c:d");
    assert.deepEqual([asks(both, may("c:*", "a:*")), asks(both, may("c:d"))], [true, false]);
    assert.equal(both.title, "hasAllPermissions(a:b, c:d)");
  });

  it("let superusers do what is not denied", () => {
    const root = { isSuperuser: true };
    assert.equal(asks(hasPermission("orders:delete"), root), true);
    assert.equal(asks(hasPermission("orders:delete"), { ...root, ...may("!orders:*") }), false);
    assert.equal(asks(hasPermission("orders:delete"), { ...root, ...may("**", "!orders:delete") }), false);
    assert.equal(asks(hasRole("admin"), root), false);
    assert.equal(asks(isSuperuser, { ...root, ...may("!**") }), true);
    assert.equal(isAdminUser, isSuperuser);
  });

  it("refuse a pattern where a name is required", () => {
    for (const bad of ["orders:*", "**", "!orders:read", ""]) {
      for (const make of [hasPermission, hasAnyPermission, hasAllPermissions, hasScope]) {
        assert.throws(() => make(bad), TypeError);
      }
      assert.throws(() => hasAllPermissions("a:b", bad), TypeError);
    }
    for (const bad of [0, -1, Number.NaN, Number.POSITIVE_INFINITY])
      assert.throws(() => maxAuthAge(bad), TypeError);
    assert.throws(() => fromAuthenticator(""), TypeError);
    assert.throws(() => hasRole(""), TypeError);
  });

  it("ask for a scope that the credential names", () => {
    const guard = hasScope("orders:read");
    for (const claims of [
      { scope: "orders:read" },
      { scope: "openid orders:read email" },
      { scope: "x:orders:read orders:read" },
      { scp: ["orders:read"] },
    ]) {
      assert.equal(asks(guard, { claims }), true, JSON.stringify(claims));
    }
    for (const claims of [
      {},
      { scope: "orders:reader" },
      { scope: "xorders:read" },
      { scope: ["orders"] },
      { scope: 1 },
    ]) {
      assert.equal(asks(guard, { claims, isSuperuser: true }), false, JSON.stringify(claims));
    }
    assert.equal(asks(guard, { apiKey: key("orders:*") }), true);
    assert.equal(asks(guard, { apiKey: key("orders:*", "!orders:read") }), false);
    assert.equal(asks(guard, { apiKey: key(), claims: { scope: "orders:read" } }), false);
  });

  it("ask how long ago and how somebody logged in", () => {
    const recent = maxAuthAge(300, () => 1_000_000);
    for (const [at, passes] of [
      [1000, true],
      [700, true],
      [699, false],
      [1061, false],
      ["1000", false],
      [undefined, false],
    ]) {
      assert.equal(asks(recent, { claims: { auth_time: at } }), passes, String(at));
    }
    for (const [amr, passes] of [
      [["pwd", "otp"], true],
      [["mfa"], true],
      [["otp", "fpt"], true],
      [["pwd"], false],
      [["otp", "sms"], false],
      [["pwd", "pin"], false],
      [["pwd", "constructor"], false],
      ["mfa", false],
      [undefined, false],
    ]) {
      assert.equal(asks(requireMfa, { claims: { amr } }), passes, String(amr));
    }
  });

  it("ask who recognised the caller", () => {
    assert.equal(asks(fromAuthenticator("jwt", "oidc"), { authenticator: "oidc" }), true);
    assert.equal(asks(fromAuthenticator("jwt"), { authenticator: "api_key" }), false);
  });

  it("stand where rules stand, by the names that other frameworks have", () => {
    const p = policyFor<Principal>();
    const table = p.routes({
      "GET /any": allowAny,
      "GET /me": isAuthenticated,
      "GET /staff": p.allOf(isAuthenticated, isStaff),
    });
    const auth = createAuth<Principal>({
      authenticators: [byName({ ada: principal(), sam: principal({ isStaff: true }) })],
      policy: [table],
    });
    const ask = (route: string, name?: string) =>
      reasonOf(atOnce(auth.decide(fakeCall(route, name ? { "x-fake": name } : {}))));
    assert.equal(ask("GET /any"), "ok");
    assert.equal(ask("GET /me"), "CREDENTIALS_MISSING");
    assert.equal(ask("GET /me", "ada"), "ok");
    assert.equal(ask("GET /staff", "ada"), "PERMISSION_DENIED");
    assert.equal(ask("GET /staff", "sam"), "ok");
  });
});

describe("the list of what somebody may do", () => {
  it("has patterns, and denials last", () => {
    assert.deepEqual(permissionsOf(principal(may("orders:*", "orders:read", "!orders:delete", "a"))), [
      "orders:*",
      "a",
      "!orders:delete",
    ]);
    assert.deepEqual(permissionsOf(principal({ isSuperuser: true, ...may("x", "!orders:delete") })), [
      "**",
      "!orders:delete",
    ]);
    assert.deepEqual(permissionsOf(principal({ apiKey: key(), ...may("auth.users:read", "a:b") })), ["a:b"]);
    assert.deepEqual(permissionsOf(principal({ apiKey: key("a:*"), ...may("*:b", "c:d") })), ["a:b"]);
  });
});
