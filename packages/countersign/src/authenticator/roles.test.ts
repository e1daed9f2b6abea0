import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { createAuth } from "../core/auth.ts";
import { admitted, atOnce, fakeCall, reasonOf } from "../core/fakes.suite.ts";
import { hasPermission, hasRole } from "../core/guards.ts";
import { policyFor } from "../core/policy.ts";
import { grants, holdsRole, type Principal, permissionsOf } from "../core/principal.ts";
import { createRevocations } from "../core/revocation.ts";
import type { RoleDefinition } from "../core/role.ts";
import { createRoleDirectory } from "../core/role-directory.ts";
import type { UserAccount } from "../core/user.ts";
import { hmacKey } from "../jwt/key.ts";
import { createKeyRing } from "../jwt/key-ring.ts";
import { signToken } from "../jwt/signer.ts";
import type { ApiKeyRecord } from "../store/contracts.ts";
import { principalOf } from "./account.ts";
import { account, FakeTable, pepper, storedKey } from "./accounts.suite.ts";
import { apiKey } from "./api-key.ts";
import { jwt } from "./jwt.ts";

const signing = hmacKey({ algorithm: "HS256", secret: new Uint8Array(32).fill(1) });

/** A user with a token and a key, and roles that a test can change. */
async function setup(
  owner: Partial<UserAccount>,
  key: Partial<ApiKeyRecord>,
  roles: readonly RoleDefinition[],
) {
  const stored = storedKey(key);
  const users = new FakeTable(account(owner));
  const keys = new FakeTable<ApiKeyRecord>(stored.record);
  const revocations = createRevocations();
  const source = { now: roles, load: () => source.now };
  const directory = await createRoleDirectory({ source, revocations });
  const p = policyFor<Principal>();
  const auth = createAuth<Principal>({
    authenticators: [
      apiKey({ keys, users, peppers: [pepper] }),
      jwt({ keys: createKeyRing([signing]), users, requiredClaims: [] }),
    ],
    policy: [
      p.routes({
        "GET /orders": hasPermission("orders:read"),
        "GET /support": hasRole("support"),
        "GET /": "authenticated",
      }),
    ],
    revocations,
    roles: directory,
  });
  const token = signToken(
    { token_type: "access", sub: "1", roles: ["old"], exp: (Date.now() / 1000 + 900) | 0 },
    signing,
  );
  const ask = (headers: Record<string, string>) => (route: string) =>
    atOnce(auth.decide(fakeCall(route, headers)));
  const byToken = ask({ authorization: `Bearer ${token}` });
  const byKey = ask({ "x-api-key": stored.key });
  const set = async (definitions: readonly RoleDefinition[]): Promise<void> => {
    source.now = definitions;
    await directory.reload();
  };
  return { users, keys, byToken, byKey, set };
}

const support = { name: "support", permissions: ["orders:read"] };
const lead = { name: "lead", permissions: [], inherits: ["support"] };

describe("roles of accounts", () => {
  it("count as they are now, with the token and the key that there are, and nothing is read again", async () => {
    const { users, keys, byToken, byKey, set } = await setup({ roles: ["lead"] }, {}, [support, lead]);
    const both = (route: string) => [reasonOf(byToken(route)), reasonOf(byKey(route))];
    assert.deepEqual(both("GET /orders"), ["ok", "ok"]);
    assert.deepEqual(both("GET /support"), ["ok", "ok"]);
    const loads = [users.loads, keys.loads];
    await set([{ ...support, permissions: [] }, lead]);
    assert.deepEqual(both("GET /orders"), ["PERMISSION_DENIED", "PERMISSION_DENIED"]);
    await set([support, { ...lead, inherits: [] }]);
    assert.deepEqual(both("GET /orders"), ["PERMISSION_DENIED", "PERMISSION_DENIED"]);
    assert.deepEqual(both("GET /support"), ["PERMISSION_DENIED", "PERMISSION_DENIED"]);
    await set([support, { ...lead, permissions: ["orders:*"] }]);
    assert.deepEqual(both("GET /orders"), ["ok", "ok"]);
    await set([]);
    assert.deepEqual(both("GET /orders"), ["PERMISSION_DENIED", "PERMISSION_DENIED"]);
    assert.deepEqual([users.loads, keys.loads], loads);
  });

  it("and their denials bind superusers", async () => {
    const { byToken, byKey, set } = await setup({ isSuperuser: true, roles: ["support"] }, {}, []);
    assert.equal(reasonOf(byToken("GET /orders")), "ok");
    await set([{ name: "support", permissions: ["!orders:*"] }]);
    assert.equal(reasonOf(byToken("GET /orders")), "PERMISSION_DENIED");
    assert.equal(reasonOf(byKey("GET /orders")), "PERMISSION_DENIED");
    assert.deepEqual(permissionsOf(admitted(byToken("GET /")).principal as Principal), ["**", "!orders:*"]);
  });

  it("that a token was signed with are informational where there is a user source", async () => {
    const { byToken } = await setup({}, {}, [{ name: "old", permissions: ["orders:read"] }]);
    assert.equal(reasonOf(byToken("GET /orders")), "PERMISSION_DENIED");
    assert.deepEqual(admitted(byToken("GET /")).principal?.roles, []);
  });

  it("that a token was signed with count where there is none", async () => {
    const source = { load: () => [support] };
    const auth = createAuth<Principal>({
      authenticators: [jwt({ keys: createKeyRing([signing]), requiredClaims: [] })],
      policy: [policyFor<Principal>().routes({ "GET /orders": hasPermission("orders:read") })],
      roles: await createRoleDirectory({ source }),
    });
    const ask = (claims: object) => {
      const exp = Math.floor(Date.now() / 1000) + 900;
      const token = signToken({ token_type: "access", sub: "1", exp, ...claims }, signing);
      return reasonOf(atOnce(auth.decide(fakeCall("GET /orders", { authorization: `Bearer ${token}` }))));
    };
    assert.equal(ask({ roles: ["support"] }), "ok");
    assert.equal(ask({ permissions: ["orders:*"] }), "ok");
    assert.equal(ask({ roles: ["support"], permissions: ["!*:read"] }), "PERMISSION_DENIED");
    assert.equal(ask({ roles: ["other"], permissions: ["orders*"] }), "PERMISSION_DENIED");
  });
});

describe("roles of keys", () => {
  it("limit a key to what they allow and its owner may now", async () => {
    const { byKey, set } = await setup({ roles: ["lead"] }, { roles: ["support"] }, [support, lead]);
    assert.equal(reasonOf(byKey("GET /orders")), "ok");
    assert.equal(reasonOf(byKey("GET /support")), "ok");
    assert.deepEqual(admitted(byKey("GET /")).principal?.roles, ["support"]);
    await set([support, { name: "lead", permissions: ["orders:*"] }]);
    assert.equal(reasonOf(byKey("GET /orders")), "ok", "by the owner's other role");
    assert.equal(reasonOf(byKey("GET /support")), "PERMISSION_DENIED", "the owner holds it no more");
    await set([support, { name: "lead", permissions: [] }]);
    assert.equal(reasonOf(byKey("GET /orders")), "PERMISSION_DENIED", "the owner may not");
  });

  it("still limit it when they are gone", async () => {
    const owner = { isSuperuser: true, isStaff: true, roles: ["support"] };
    const { byKey } = await setup(owner, { roles: ["gone"] }, [support]);
    assert.equal(reasonOf(byKey("GET /orders")), "PERMISSION_DENIED");
    const { principal } = admitted(byKey("GET /"));
    assert.deepEqual([principal?.isSuperuser, principal?.isStaff], [false, false]);
  });

  it("add to its scopes, and scopes alone give no role", async () => {
    const roles = [support, { name: "all", permissions: ["**"] }];
    const one = await setup(
      { roles: ["all", "support"] },
      { scopes: ["reports:*", "!reports:delete"], roles: ["support"] },
      roles,
    );
    assert.equal(reasonOf(one.byKey("GET /orders")), "ok");
    const principal = admitted(one.byKey("GET /")).principal as Principal;
    assert.deepEqual(
      ["reports:read", "reports:delete", "x:y"].map((name) => grants(principal, name)),
      [true, false, false],
    );
    assert.deepEqual(permissionsOf(principal), ["reports:*", "orders:read", "!reports:delete"]);
    const other = await setup({ roles: ["support"] }, { scopes: ["orders:*"] }, roles);
    assert.equal(reasonOf(other.byKey("GET /orders")), "ok");
    assert.equal(reasonOf(other.byKey("GET /support")), "PERMISSION_DENIED");
  });

  it("never let it do more than its owner, and fewer of them never give more", async () => {
    const text = fc.constantFrom("o:r", "o:*", "*:r", "**", "auth.x:w", "!o:r", "!**");
    const name = fc.constantFrom("o:r", "o:w", "p:r", "auth.x:w");
    const names = ["a", "b", "c"];
    await fc.assert(
      fc.asyncProperty(
        fc.tuple(...names.map(() => fc.array(text, { maxLength: 3 }))),
        fc.record({ isSuperuser: fc.boolean(), roles: fc.subarray(names) }),
        fc.record({ roles: fc.subarray(names), scopes: fc.array(text, { maxLength: 3 }) }),
        name,
        async (permissions, owner, limits, asked) => {
          const roles = names.map((role, index) => ({ name: role, permissions: permissions[index] ?? [] }));
          const directory = await createRoleDirectory({ source: { load: () => roles } });
          const withKey = (more: typeof limits): Principal =>
            principalOf(
              account(owner),
              { authenticator: "k", apiKey: { id: "k", name: "k", type: "cli", ...more } },
              directory,
            );
          const self = principalOf(account(owner), { authenticator: "jwt" }, directory);
          const key = withKey(limits);
          assert.ok(!grants(key, asked) || grants(self, asked));
          for (const role of names) assert.ok(!holdsRole(key, role) || holdsRole(self, role));
          const listed = await createRoleDirectory({
            source: { load: () => [{ name: "l", permissions: [...permissionsOf(key)] }] },
          });
          // The list says no less than what is granted; `auth.` cannot be taken out of a wildcard.
          assert.ok(!grants(key, asked) || listed.permissionsOf(["l"]).has(asked));
        },
      ),
    );
  });
});
