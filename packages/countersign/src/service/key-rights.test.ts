import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { principalOf } from "../authenticator/account.ts";
import { grants, type Principal } from "../core/principal.ts";
import { createRoleDirectory } from "../core/role-directory.ts";
import { ApiKeyService } from "../gen/auth/v1/api_keys_pb.ts";
import { compileRestriction } from "../keys/key-restriction.ts";
import type { ApiKeyRecord } from "../store/contracts.ts";
import { keyService } from "./key-service.suite.ts";

// A key never exceeds its owner, and a key that makes keys makes none that exceeds it.

const names = ["orders", "users", "auth.keys"].flatMap((resource) =>
  ["read", "write", "delete"].map((action) => `${resource}:${action}`),
);
const pattern = fc.oneof(
  fc.constantFrom(...names),
  fc.constantFrom("orders:*", "users:*", "auth.keys:*", "*:read", "*:write", "**"),
  fc.constantFrom("!orders:delete", "!users:*", "!*:write", "!auth.keys:write"),
);
const patterns = fc.uniqueArray(pattern, { maxLength: 5 });
const scopes = fc.uniqueArray(fc.oneof(pattern, fc.constantFrom("staff", "superuser")), { maxLength: 5 });

function requireNoMore(key: Principal, owner: Principal, what: string): void {
  for (const name of names) assert.ok(!grants(key, name) || grants(owner, name), `${what}: ${name}`);
  assert.ok(!key.isStaff || owner.isStaff, `${what}: staff`);
  assert.ok(!key.isSuperuser || owner.isSuperuser, `${what}: superuser`);
}

describe("the rights of a key", () => {
  it("are those of its scopes and of its owner, both, also when the owner's roles change", async () => {
    const property = fc.asyncProperty(
      patterns,
      patterns,
      scopes,
      fc.boolean(),
      fc.boolean(),
      async (before, after, limited, isStaff, isSuperuser) => {
        let held = before;
        const source = {
          load: async () => [{ name: "held", permissions: held, inherits: [] as string[] }],
        };
        const roles = await createRoleDirectory({ source: source as never });
        const account = { id: "1", username: "ada", email: undefined, isActive: true, isStaff, isSuperuser };
        const owner = { ...account, roles: ["held"], permissions: [] };
        const apiKey = { id: "k", name: "k", type: "cli", scopes: limited, roles: [] };
        const key = principalOf(owner, { authenticator: "api_key", apiKey, onScopeUsed: () => {} }, roles);
        const self = principalOf(owner, { authenticator: "jwt" }, roles);
        requireNoMore(key, self, "at first");
        for (const name of names) {
          const covered =
            limited.length === 0 ? !name.startsWith("auth.") : key.apiKey?.limits?.has(name) === true;
          assert.ok(!grants(key, name) || covered, `beyond its scopes: ${name}`);
        }
        held = after;
        await roles.reload();
        // The very same principals, as caches keep them.
        requireNoMore(key, self, "after a change");
      },
    );
    await fc.assert(property, { numRuns: 300 });
  });

  it("are never more than those of the key that made it, whatever it asks for", async () => {
    const { call, outcome, holder, store } = await keyService();
    const owner = await store.users.create({ username: "ada", isSuperuser: true, isStaff: true });
    const ranges = fc.uniqueArray(fc.constantFrom("10.0.0.0/8", "10.1.0.0/16", "0.0.0.0/0", "::/0"), {
      maxLength: 2,
    });
    const methods = fc.uniqueArray(fc.constantFrom("/a.B/C", "/a.B/*", "/a.D/E"), { maxLength: 2 });
    const limits = fc.record({ scopes, addressRanges: ranges, methods });
    // Of all that can be wished for, hardly anything is allowed: half of the children wish for some of what their maker has.
    const makerAndWish = fc.oneof(
      fc.tuple(limits, limits),
      limits.chain((own) => fc.tuple(fc.constant(own), someOf(own))),
    );
    const { user } = await keyOf(owner.id);
    let [count, admitted] = [0, 0];
    const property = fc.asyncProperty(makerAndWish, async ([own, wanted]) => {
      count += 1;
      const made = await call(user, ApiKeyService.method.createApiKey, {
        ...own,
        name: `maker ${count}`,
        scopes: [
          ...own.scopes.filter((scope) => scope !== "!auth.keys:write" && scope !== "!*:write"),
          "auth.keys:write",
        ],
      });
      const maker = await holder(made.apiKey?.id ?? "");
      const name = `child ${count}`;
      if ((await outcome(maker, ApiKeyService.method.createApiKey, { ...wanted, name })) !== "ok") return;
      admitted += 1;
      const [record] = await store.apiKeys.list({ limit: 1, madeBy: made.apiKey?.id, now: new Date() });
      const child = await holder(record?.id ?? "");
      requireNoMore(child, maker, JSON.stringify([own, wanted]));
      const parent = (await store.apiKeys.load(made.apiKey?.id ?? "")) ?? assert.fail();
      for (const procedure of ["/a.B/C", "/a.B/D", "/a.D/E", "/x.Y/Z"])
        for (const address of ["10.1.2.3:1", "10.2.2.3:1", "192.0.2.1:1", "[::1]:1"])
          assert.ok(
            !lets(record ?? parent, procedure, address) || lets(parent, procedure, address),
            `${procedure} ${address}`,
          );
    });
    await fc.assert(property, { numRuns: 200 });
    assert.ok(admitted >= 10, `${admitted} of ${count}`);

    async function keyOf(id: string) {
      const account = (await store.users.load(id)) ?? assert.fail();
      return { user: principalOf(account, { authenticator: "jwt" }) };
    }
  });
});

interface Limits {
  readonly scopes: string[];
  readonly addressRanges: string[];
  readonly methods: string[];
}

/** Some of each, or all. An empty list would be no limit. */
function someOf({ scopes, addressRanges, methods }: Limits): fc.Arbitrary<Limits> {
  const some = (all: string[]) => fc.subarray(all, { minLength: Math.min(1, all.length) });
  return fc.record({ scopes: some(scopes), addressRanges: some(addressRanges), methods: some(methods) });
}

function lets(record: ApiKeyRecord, procedure: string, address: string): boolean {
  return compileRestriction(record)?.problemOf({ procedure }, address) === undefined;
}
