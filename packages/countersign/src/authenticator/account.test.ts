import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { grants, type Principal } from "../core/principal.ts";
import type { UserAccount } from "../core/user.ts";
import { principalOf } from "./account.ts";
import { account } from "./accounts.suite.ts";

function withKey(owner: Partial<UserAccount>, scopes: readonly string[]): Principal {
  return principalOf(account(owner), {
    authenticator: "api_key",
    apiKey: { id: "k", name: "k", type: "cli", scopes },
  });
}

describe("what a key may do", () => {
  it("without scopes: what its owner may, flags included, except managing keys and accounts", () => {
    const key = withKey(
      { isStaff: true, isSuperuser: true, permissions: ["orders:read", "auth.add_apikey"] },
      [],
    );
    assert.deepEqual([key.isStaff, key.isSuperuser], [true, true]);
    assert.ok(grants(key, "orders:read"));
    for (const permission of ["auth.add_apikey", "auth.change_user", "auth."])
      assert.ok(!grants(key, permission));
  });

  it("with scopes: staff and superuser only if they were granted and the owner is one now", () => {
    const flags = ({ isStaff, isSuperuser }: Principal) => [isStaff, isSuperuser];
    const both = { isStaff: true, isSuperuser: true };
    assert.deepEqual(flags(withKey(both, ["orders:read"])), [false, false]);
    assert.deepEqual(flags(withKey(both, ["staff"])), [true, false]);
    assert.deepEqual(flags(withKey(both, ["superuser"])), [false, true]);
    assert.deepEqual(flags(withKey({}, ["staff", "superuser"])), [false, false]);
  });

  it("with scopes: what they name and the owner holds now", () => {
    const key = withKey({ permissions: ["orders:read"] }, ["orders:read", "orders:write"]);
    assert.deepEqual([...key.permissions], ["orders:read"]);
    assert.ok(!grants(key, "orders:write"));
  });

  it("with scopes and a superuser as owner: what they name, and no more", () => {
    const key = withKey({ isSuperuser: true }, ["orders:read", "auth.change_user"]);
    assert.ok(grants(key, "orders:read"));
    assert.ok(grants(key, "auth.change_user"));
    assert.ok(!grants(key, "orders:write"));
    assert.equal(key.isSuperuser, false);
  });

  it("is never more than its owner may, and less scopes never give more", () => {
    const permission = fc.constantFrom("a:read", "a:write", "auth.change_user", "staff", "superuser");
    const some = fc.uniqueArray(permission);
    fc.assert(
      fc.property(
        fc.record({ isStaff: fc.boolean(), isSuperuser: fc.boolean(), permissions: some }),
        some,
        permission,
        (owner, scopes, asked) => {
          const key = withKey(owner, scopes);
          const self = principalOf(account(owner), { authenticator: "jwt" });
          assert.ok(!grants(key, asked) || grants(self, asked));
          assert.ok(!key.isStaff || owner.isStaff);
          assert.ok(!key.isSuperuser || owner.isSuperuser);
          const [, ...fewer] = scopes;
          if (fewer.length > 0) assert.ok(!grants(withKey(owner, fewer), asked) || grants(key, asked));
        },
      ),
    );
  });

  it("cannot be changed by the handler that it reaches", () => {
    assert.ok(Object.isFrozen(withKey({}, [])));
  });
});
