import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Principal } from "../../src/core/principal.ts";
import { createRevocations } from "../../src/core/revocation.ts";
import { type LinkedAccounts, oidc } from "../../src/oidc.ts";
import type { Store } from "../../src/store/contracts.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import { TestIssuer } from "../../src/testing/test-issuer.ts";
import { authOf, doorOf, issuerOf } from "./fixture.ts";

let stub: TestIssuer;
before(async () => {
  stub = await TestIssuer.start();
});
after(() => stub.close());

/** A door whose callers are the users of a store, and that hears at once of what changes there. */
async function setup(provision?: LinkedAccounts["provision"]) {
  const store = createMemoryStore();
  await store.users.create({ username: "root", isSuperuser: true });
  const revocations = createRevocations();
  let read = 0;
  const catchUp = async () => {
    const entries = (await store.revocations.since(read, 1000)) ?? [];
    for (const { event, sequence } of entries) {
      revocations.apply(event);
      read = sequence;
    }
  };
  const { users, identities } = store;
  const accounts = { users, identities, provision } as LinkedAccounts;
  const auth = authOf(
    [oidc<Principal>({ issuer: issuerOf(stub), kind: "id-token", clientId: "client-1", accounts })],
    { revocations },
  );
  const door = doorOf(auth);
  const principalOf = async (token: string): Promise<Principal> => {
    const decision = await door.decide(token);
    assert.ok(decision.ok && decision.principal, decision.ok ? "" : String(decision.denial.cause));
    return decision.principal;
  };
  return { ...door, store, catchUp, principalOf };
}

const count = async ({ users }: Store) => (await users.list({ limit: 1000 })).length;
const notLinked = "TOKEN_INVALID: this identity is linked to no user";
const former = "TOKEN_INVALID: this identity is linked no more";

describe("an identity", () => {
  it("that is linked stands for its user, with the rights that the user has now", async () => {
    const { store, principalOf, says, catchUp } = await setup();
    const ada = await store.users.create({ username: "ada", email: "ada@local.example" });
    const token = stub.token({
      email: "ada@idp.example",
      email_verified: true,
      roles: ["admin"],
      is_staff: true,
    });
    assert.equal(await says(token), notLinked);
    await store.identities.link({ issuer: stub.url, subject: "subject-1", userId: ada.id }, "system");
    const principal = await principalOf(token);
    assert.deepEqual(
      [principal.userId, principal.username, principal.email, principal.isStaff, principal.roles],
      [ada.id, "ada", "ada@local.example", false, []],
    );
    assert.equal(await principalOf(token), principal);
    await store.users.update(ada.id, { isStaff: true });
    await catchUp();
    assert.equal((await principalOf(token)).isStaff, true);
  });

  it("is never linked by an address, a username or another issuer's subject (GHSA-qq9h)", async () => {
    const { store, says } = await setup();
    const ada = await store.users.create({ username: "ada", email: "ada@example.org" });
    await store.identities.link(
      { issuer: "https://other.example", subject: "subject-1", userId: ada.id },
      "system",
    );
    const claims = { email: "ada@example.org", email_verified: true, preferred_username: "ada" };
    assert.equal(await says(stub.token(claims)), notLinked);
    assert.equal(await says(stub.token({ ...claims, sub: ada.id })), notLinked);
  });

  it("of a user who is disabled is refused at once, also where it was seen before", async () => {
    const { store, says, catchUp } = await setup();
    const ada = await store.users.create({ username: "ada" });
    await store.identities.link({ issuer: stub.url, subject: "subject-1", userId: ada.id }, "system");
    const [token, fresh] = [stub.token(), stub.token({ nonce: "another" })];
    assert.equal(await says(token), "ok");
    await store.users.update(ada.id, { isActive: false });
    await catchUp();
    assert.deepEqual([await says(token), await says(fresh)], ["USER_DISABLED", "USER_DISABLED"]);
    await store.users.update(ada.id, { isActive: true });
    await catchUp();
    assert.deepEqual([await says(token), await says(fresh)], ["ok", "ok"]);
  });

  it("that is unlinked is refused at once, also where it was seen before, and not provisioned again", async () => {
    const { store, says, catchUp } = await setup({});
    const token = stub.token();
    assert.equal(await says(token), "ok");
    await store.identities.unlink({ issuer: stub.url, subject: "subject-1" }, "system");
    await catchUp();
    assert.deepEqual([await says(token), await says(stub.token({ nonce: "2" }))], [former, former]);
    assert.equal(await count(store), 2);
  });

  it("of a user who is deleted is refused, and not provisioned again", async () => {
    const { store, says, principalOf, catchUp } = await setup({});
    const token = stub.token();
    await store.users.delete((await principalOf(token)).userId);
    await catchUp();
    const answers = [await says(token), await says(stub.token({ nonce: "2" }))];
    assert.deepEqual(answers, ["TOKEN_INVALID: no such user", former]);
    assert.equal(await count(store), 1);
  });
});

describe("provisioning", () => {
  it("makes one plain user of any number of first calls", async () => {
    const { store, principalOf } = await setup({});
    const claims = { preferred_username: "Grace Hopper", email: "grace@example.org", email_verified: true };
    const rights = { is_staff: true, is_superuser: true, roles: ["admin"] };
    const tokens = Array.from({ length: 50 }, (_, n) => stub.token({ ...claims, ...rights, nonce: `${n}` }));
    const ids = new Set((await Promise.all(tokens.map(principalOf))).map(({ userId }) => userId));
    assert.equal(ids.size, 1);
    assert.equal(await count(store), 2);
    const user = await store.users.load([...ids][0] ?? "");
    assert.deepEqual(
      [user?.username, user?.email, user?.isStaff, user?.isSuperuser],
      ["Grace-Hopper", "grace@example.org", false, false],
    );
    assert.equal(await store.users.passwordHash(user?.id ?? ""), undefined);
  });

  it("makes one user, also where two nodes share a store", async () => {
    const { store } = await setup();
    const { users, identities } = store;
    const nodes = [1, 2].map(() =>
      doorOf(
        authOf([
          oidc<Principal>({
            issuer: issuerOf(stub),
            kind: "id-token",
            clientId: "client-1",
            accounts: { users, identities, provision: {} },
          }),
        ]),
      ),
    );
    const token = stub.token({ sub: "raced" });
    const said = await Promise.all(Array.from({ length: 20 }, (_, n) => nodes[n % 2]?.says(token)));
    assert.deepEqual(new Set(said), new Set(["ok"]));
    assert.equal(await count(store), 2);
  });

  it("takes no name and no address that somebody else has", async () => {
    const { store, principalOf } = await setup({ usernameClaim: "nickname" });
    await store.users.create({ username: "Ada", email: "ada@example.org" });
    const person = async (given: Readonly<Record<string, unknown>>) => {
      const { username, email } = await principalOf(stub.token(given));
      return [username, email];
    };
    const verified = { email: "ada@example.org", email_verified: true };
    const [name, email] = await person({ sub: "a", nickname: "ada", ...verified });
    assert.match(name ?? "", /^ada-[0-9a-f]{6}$/);
    assert.equal(email, undefined);
    assert.deepEqual(await person({ sub: "b", nickname: "bob", email: "bob@x.example" }), ["bob", undefined]);
    const [nameless] = await person({ sub: "c" });
    assert.match(nameless ?? "", /^user-[0-9a-f]{12}$/);
    // A username must not pass for another user's address or id.
    assert.deepEqual((await person({ sub: "d", nickname: "ada@example.org" }))[0], "ada-example.org");
    assert.deepEqual((await person({ sub: "e", nickname: "1" }))[0], "user-1");
    for (const [sub, nickname] of [
      ["f", " "],
      ["g", 7],
      ["h", "\u{1f600}"],
      ["i", "--"],
    ] as const)
      assert.match((await person({ sub, nickname }))[0] ?? "", /^user-[0-9a-f]{12}$/);
    assert.equal((await person({ sub: "j", nickname: "\u{20000}".repeat(300) }))[0]?.length, 200);
  });

  it("that fails is UNAVAILABLE, and makes nobody", async () => {
    const { store, says } = await setup({});
    const broken = { ...store.identities, find: async () => undefined, isFormer: async () => false };
    const accounts = {
      users: store.users,
      identities: { ...broken, provision: () => Promise.reject(new Error("disk full")) },
      provision: {},
    };
    const door = doorOf(
      authOf([oidc<Principal>({ issuer: issuerOf(stub), kind: "id-token", clientId: "client-1", accounts })]),
    );
    assert.equal(await door.says(stub.token()), "UNAVAILABLE");
    assert.equal(await count(store), 1);
    assert.equal(await says(stub.token()), "ok");
  });
});
