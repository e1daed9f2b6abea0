import assert from "node:assert/strict";
import { auditOf } from "./session-case.suite.ts";
import { type Cases, conflictOn, eventsOf } from "./store-case.suite.ts";

const issuer = "https://accounts.example.org";

export const identityCases: Cases = {
  "links an identity to a user": async (store) => {
    const { users, identities } = store;
    const { id: userId } = await users.create({ username: "ada" });
    assert.equal(await identities.find(issuer, "s-1"), undefined);
    await identities.link({ issuer, subject: "s-1", userId }, "system");
    await identities.link({ issuer, subject: "s-2", userId }, "7");
    const found = await identities.find(issuer, "s-1");
    assert.deepEqual({ ...found }, { issuer, subject: "s-1", userId });
    assert.ok(Object.isFrozen(found));
    for (const [other, subject] of [
      [issuer, "S-1"],
      [`${issuer}/`, "s-1"],
      ["", `${issuer}s-1`],
    ] as const) {
      assert.equal(await identities.find(other, subject), undefined);
    }
    assert.deepEqual(await auditOf(store), [
      {
        actor: "system",
        action: "identity.linked",
        target: `user:${userId}`,
        details: { issuer, subject: "s-1" },
      },
      {
        actor: "7",
        action: "identity.linked",
        target: `user:${userId}`,
        details: { issuer, subject: "s-2" },
      },
    ]);
  },

  "links it once, and to a user who is there": async (store) => {
    const { users, identities } = store;
    const [ada, bob] = [await users.create({ username: "ada" }), await users.create({ username: "bob" })];
    const link = (userId: string, subject = "s") => identities.link({ issuer, subject, userId }, "system");
    await link(ada.id);
    for (const { id } of [ada, bob]) await conflictOn(store, "subject", () => link(id));
    for (const userId of ["99", "0", "x", "", "9223372036854775808"]) {
      await conflictOn(store, "userId", () => link(userId, "new"));
    }
    assert.equal((await identities.find(issuer, "s"))?.userId, ada.id);
    const tries = await Promise.allSettled(
      Array.from({ length: 20 }, (_, n) => link(n % 2 === 0 ? ada.id : bob.id, "raced")),
    );
    assert.equal(tries.filter(({ status }) => status === "fulfilled").length, 1);
  },

  "goes with its user, and is remembered": async ({ users, identities }) => {
    const [ada, bob] = [await users.create({ username: "ada" }), await users.create({ username: "bob" })];
    await identities.link({ issuer, subject: "a", userId: ada.id }, "system");
    await identities.link({ issuer, subject: "b", userId: bob.id }, "system");
    await users.delete(ada.id);
    assert.equal(await identities.find(issuer, "a"), undefined);
    assert.deepEqual(
      [await identities.isFormer(issuer, "a"), await identities.isFormer(issuer, "b")],
      [true, false],
    );
    assert.equal((await identities.find(issuer, "b"))?.userId, bob.id);
    assert.deepEqual(await identities.provision({ issuer, subject: "a" }, { username: "new" }, "system"), {
      kind: "former",
    });
    assert.equal(await users.findByUsername("new"), undefined);
    await identities.link({ issuer, subject: "a", userId: bob.id }, "system");
    assert.equal(await identities.isFormer(issuer, "a"), false);
    const subjects = (await identities.list(bob.id)).map(({ subject }) => subject);
    assert.deepEqual(
      [subjects, await identities.list(ada.id), await identities.list("x")],
      [["a", "b"], [], []],
    );
  },

  "is unlinked, which others hear of, and not provisioned again": async (store) => {
    const { users, identities } = store;
    const { id: userId } = await users.create({ username: "ada" });
    const identity = { issuer, subject: "a" };
    await identities.link({ ...identity, userId }, "system");
    const before = (await eventsOf(store)).length;
    assert.deepEqual(await identities.unlink(identity, "7"), { ...identity, userId });
    assert.deepEqual((await eventsOf(store)).slice(before), [{ kind: "user", userId, state: "changed" }]);
    assert.deepEqual((await auditOf(store)).at(-1), {
      actor: "7",
      action: "identity.unlinked",
      target: `user:${userId}`,
      details: identity,
    });
    assert.equal(await identities.unlink(identity, "7"), undefined);
    assert.deepEqual(await identities.provision(identity, { username: "b" }, "system"), { kind: "former" });
    assert.equal(await identities.isFormer(issuer, "a"), true);
    assert.equal(await identities.isFormer(issuer, "other"), false);
  },

  "is provisioned once, however many ask": async (store) => {
    const { users, identities } = store;
    const identity = { issuer, subject: "p" };
    const provision = (n: number) => identities.provision(identity, { username: `p${n}` }, "system");
    const answers = await Promise.all(Array.from({ length: 20 }, (_, n) => provision(n)));
    assert.equal(answers.filter(({ kind }) => kind === "provisioned").length, 1);
    const { userId } = (await identities.find(issuer, "p")) ?? {};
    assert.ok(answers.every((answer) => answer.kind !== "former" && answer.userId === userId));
    assert.equal((await users.list({ limit: 100 })).length, 1);
    assert.deepEqual(
      (await auditOf(store)).map(({ action, target, details }) => [action, target, details]),
      [["identity.provisioned", `user:${userId}`, identity]],
    );
    const taken = { username: (await users.list({ limit: 1 }))[0]?.username ?? "" };
    await conflictOn(store, "username", () =>
      identities.provision({ issuer, subject: "q" }, taken, "system"),
    );
    assert.equal(await identities.find(issuer, "q"), undefined);
  },
};
