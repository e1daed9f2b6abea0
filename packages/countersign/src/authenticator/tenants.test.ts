import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createAuth } from "../core/auth.ts";
import { admitted, atOnce, fakeCall, reasonOf } from "../core/fakes.suite.ts";
import { policyFor } from "../core/policy.ts";
import type { Principal } from "../core/principal.ts";
import { createRevocations } from "../core/revocation.ts";
import type { UserAccount } from "../core/user.ts";
import { hmacKey } from "../jwt/key.ts";
import { createKeyRing } from "../jwt/key-ring.ts";
import { claimsForUser, createJwtForUser, signToken } from "../jwt/signer.ts";
import type { ApiKeyRecord } from "../store/contracts.ts";
import { account, FakeTable, pepper, storedKey } from "./accounts.suite.ts";
import { apiKey } from "./api-key.ts";
import { jwt } from "./jwt.ts";
import { createAccountFinder } from "./linked-accounts.ts";

const key = hmacKey({ algorithm: "HS256", secret: new Uint8Array(32).fill(1) });
const keys = createKeyRing([key]);
const policy = [policyFor<Principal>().routes({ "GET /": "authenticated" })];
const bearer = (token: string) => fakeCall("GET /", { authorization: `Bearer ${token}` });

describe("callers of a tenant", () => {
  it("have it from their account, with a token and with a key, and are refused while it is disabled", () => {
    const stored = storedKey();
    const users = new FakeTable<UserAccount>(account({ tenantId: "acme" }));
    const revocations = createRevocations();
    const auth = createAuth<Principal>({
      authenticators: [
        apiKey({ keys: new FakeTable<ApiKeyRecord>(stored.record), users, peppers: [pepper] }),
        jwt({ keys, users }),
      ],
      policy,
      revocations,
    });
    // The claim is informational: the account counts.
    const token = signToken({ ...claimsForUser(account()), tenant: "globex" }, key);
    const calls = [bearer(token), fakeCall("GET /", { "x-api-key": stored.key })];
    for (const call of calls) assert.equal(admitted(atOnce(auth.decide(call))).principal?.tenantId, "acme");
    const reads = users.loads;
    for (const call of calls) assert.equal(reasonOf(atOnce(auth.decide(call))), "ok");
    assert.equal(users.loads, reads, "warm");
    revocations.apply({ kind: "tenant", tenantId: "globex", state: "disabled" });
    for (const call of calls) assert.equal(reasonOf(atOnce(auth.decide(call))), "ok");
    assert.equal(users.loads, reads, "another tenant's end is nobody else's business");
    revocations.apply({ kind: "tenant", tenantId: "acme", state: "disabled" });
    for (const call of calls) assert.equal(reasonOf(atOnce(auth.decide(call))), "USER_DISABLED");
    revocations.apply({ kind: "tenant", tenantId: "acme", state: "enabled" });
    for (const call of calls) assert.equal(reasonOf(atOnce(auth.decide(call))), "ok");
    assert.ok(users.loads > reads, "read anew");
  });

  it("have it from the signed claim where there are no accounts; one that cannot be read is refused", () => {
    const revocations = createRevocations();
    const auth = createAuth<Principal>({ authenticators: [jwt({ keys })], policy, revocations });
    const decide = (token: string) => atOnce(auth.decide(bearer(token)));
    const token = createJwtForUser(account({ tenantId: "acme" }), { key });
    assert.equal(admitted(decide(token)).principal?.tenantId, "acme");
    assert.equal(admitted(decide(createJwtForUser(account(), { key }))).principal?.tenantId, undefined);
    const claims = claimsForUser(account());
    for (const tenant of [null, "", 7, ["acme"], { id: "acme" }, "a\nb"])
      assert.equal(reasonOf(decide(signToken({ ...claims, tenant }, key))), "TOKEN_INVALID", String(tenant));
    revocations.apply({ kind: "tenant", tenantId: "acme", state: "disabled" });
    assert.equal(reasonOf(decide(token)), "USER_DISABLED");
  });

  it("cannot be signed into another one by the way of extra claims", () => {
    const account1 = account({ tenantId: "acme" });
    assert.throws(() => claimsForUser(account1, { extraClaims: { tenant: "globex" } }), /cannot set tenant/);
    assert.equal(claimsForUser(account1)["tenant"], "acme");
    assert.ok(!("tenant" in JSON.parse(JSON.stringify(claimsForUser(account())))));
  });
});

describe("a tenant's issuer", () => {
  const facts = { authenticator: "oidc" };
  const identity = { issuer: "https://id.acme.example", subject: "s" };

  async function findWith(owner: Partial<UserAccount>, tenantId: string | undefined) {
    const users = new FakeTable<UserAccount>(account(owner));
    const identities = { find: async () => ({ ...identity, userId: "1" }) };
    return createAccountFinder({ users, identities, tenantId })(identity, {}, facts, undefined);
  }

  it("speaks for that tenant's users alone", async () => {
    assert.ok(!("ok" in (await findWith({ tenantId: "acme" }, "acme"))));
    assert.ok(!("ok" in (await findWith({ tenantId: "acme" }, undefined))));
    for (const tenantId of [undefined, "globex"]) {
      const found = await findWith({ tenantId, isSuperuser: true }, "acme");
      assert.deepEqual("ok" in found && [found.ok, found.reason], [false, "TOKEN_INVALID"]);
    }
  });

  it("makes users of that tenant", async () => {
    const made: unknown[] = [];
    const identities = {
      find: async () => undefined,
      isFormer: async () => false,
      provision: async (_identity: unknown, user: unknown) => {
        made.push(user);
        return { kind: "provisioned" as const, userId: "1" };
      },
    };
    const users = new FakeTable<UserAccount>(account({ tenantId: "acme" }));
    const find = createAccountFinder({ users, identities, provision: {}, tenantId: "acme" });
    assert.ok(!("ok" in (await find(identity, { preferred_username: "ada" }, facts, undefined))));
    assert.deepEqual(made, [{ username: "ada", email: undefined, tenantId: "acme" }]);
  });
});
