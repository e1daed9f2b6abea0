import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { fakeCall, principal } from "./fakes.suite.ts";
import { inTenant, ofInstallation } from "./guards.ts";
import { compilePermissions } from "./permission-set.ts";
import { grants } from "./principal.ts";
import { createRevocations } from "./revocation.ts";
import { isRoleName } from "./role.ts";
import {
  isForTenants,
  isRoleFor,
  isTenantId,
  roleOfTenant,
  tenantOfRole,
  tenantViolations,
} from "./tenant.ts";

const installation = [
  ...["auth.tenants:read", "auth.tenants:write", "auth.signing_keys:read", "auth.signing_keys:write"],
  ...["auth.policy:read", "auth.tokens:mint", "auth.tokens:inspect"],
  // What nobody has thought of yet.
  ...["auth.future:read", "auth.users", "auth.", "auth.usersx:read"],
];
const shared = [
  ...["auth.users:read", "auth.users:write", "auth.keys:read", "auth.keys:write", "auth.keys:validate"],
  ...["auth.sessions:read", "auth.sessions:write", "auth.roles:read", "auth.roles:write"],
  ...[
    "auth.tokens:introspect",
    "auth.tokens:revoke",
    "auth.audit:read",
    "orders:read",
    "users:list",
    "authors:write",
  ],
];

describe("somebody in a tenant", () => {
  it("never holds a permission that concerns the installation, whatever they were given", () => {
    const patterns = fc.constantFrom(
      "**",
      "*:read",
      "*:write",
      "auth.tenants:*",
      "auth.policy:read",
      ...installation,
    );
    fc.assert(
      fc.property(
        fc.record({
          isStaff: fc.boolean(),
          isSuperuser: fc.boolean(),
          permissions: fc.array(patterns).map(compilePermissions),
          apiKey: fc.option(
            fc.record({
              ...{ id: fc.constant("k"), name: fc.constant("k"), type: fc.constant("cli") },
              scopes: fc.array(fc.oneof(patterns, fc.constant("superuser"))),
            }),
            { nil: undefined },
          ),
        }),
        fc.constantFrom(...installation),
        (given, permission) => {
          assert.equal(grants(principal({ ...given, tenantId: "acme" }), permission), false);
        },
      ),
    );
  });

  it("holds every other one as anybody does", () => {
    const patterns = fc.constantFrom(
      "**",
      "*:read",
      "auth.users:*",
      "!auth.keys:*",
      "!orders:read",
      "orders:*",
    );
    fc.assert(
      fc.property(
        fc.record({ isSuperuser: fc.boolean(), permissions: fc.array(patterns).map(compilePermissions) }),
        fc.constantFrom(...shared),
        (given, permission) => {
          const member = principal({ ...given, tenantId: "acme" });
          assert.equal(grants(member, permission), grants(principal(given), permission));
        },
      ),
    );
    assert.ok(shared.every(isForTenants));
  });

  it("passes the guards that ask for it", () => {
    const call = fakeCall("/");
    const [ada, root] = [principal({ tenantId: "acme" }), principal()];
    assert.deepEqual([inTenant("acme")(ada, call), inTenant("globex")(ada, call)], [true, false]);
    assert.deepEqual([inTenant("acme")(root, call), ofInstallation(ada, call)], [false, false]);
    assert.equal(ofInstallation(root, call), true);
    for (const bad of ["", "Acme", "a/b", "*"]) assert.throws(() => inTenant(bad), TypeError);
  });
});

describe("names", () => {
  it("of tenants are labels, and those of their roles begin with them", () => {
    for (const id of ["a", "acme", "a-b", "0", "a".repeat(63)]) assert.ok(isTenantId(id), id);
    for (const id of ["", "A", "a_b", "-a", "a-", "a/b", "a.b", "é", "a".repeat(64), "a b", "a\n"])
      assert.ok(!isTenantId(id), id);
    assert.deepEqual([tenantOfRole("acme/support"), tenantOfRole("support")], ["acme", undefined]);
    assert.equal(roleOfTenant("acme", "support"), "acme/support");
    for (const name of ["acme/support", `${"a".repeat(63)}/${"b".repeat(100)}`]) assert.ok(isRoleName(name));
    for (const name of ["acme/", "/x", "Acme/x", "acme/a/b", "acme/-x", `acme/${"b".repeat(101)}`, "a,/x"])
      assert.ok(!isRoleName(name), name);
    assert.deepEqual(
      [isRoleFor("acme", "acme/x"), isRoleFor("acme", "x"), isRoleFor("acme", "globex/x")],
      [true, true, false],
    );
    assert.deepEqual([isRoleFor(undefined, "x"), isRoleFor(undefined, "acme/x")], [true, false]);
    assert.deepEqual(
      tenantViolations({ id: "A", name: " " }).map(({ field }) => field),
      ["id", "name"],
    );
    assert.deepEqual(tenantViolations({ name: "Ädler & Söhne" }), []);
    for (const name of ["", "a\nb", "x".repeat(101), "\ud800"])
      assert.equal(tenantViolations({ name }).length, 1);
  });
});

describe("a tenant that is disabled", () => {
  it("refuses its users, and nobody else, until it is enabled", () => {
    const view = createRevocations();
    const [ada, bob] = [{ userId: "1", tenantId: "acme" }, { userId: "2" }];
    const since = view.version;
    view.apply({ kind: "tenant", tenantId: "acme", state: "disabled" });
    assert.deepEqual([view.check(ada, since), view.check(bob, since)], ["user-disabled", "good"]);
    view.flush();
    assert.equal(view.check(ada, view.version), "user-disabled", "a gap in the log does not let it in");
    view.apply({ kind: "tenant", tenantId: "acme", state: "enabled" });
    assert.deepEqual([view.check(ada, since), view.check(ada, view.version)], ["stale", "good"]);
    view.apply({ kind: "user", userId: "1", state: "disabled" });
    view.apply({ kind: "tenant", tenantId: "acme", state: "enabled" });
    assert.equal(view.check(ada, view.version), "user-disabled", "who was disabled by themselves stays so");
  });
});
