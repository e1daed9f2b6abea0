import assert from "node:assert/strict";
import { auditOf } from "./session-case.suite.ts";
import { type Cases, conflictOn } from "./store-case.suite.ts";

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

  "goes with its user": async ({ users, identities }) => {
    const [ada, bob] = [await users.create({ username: "ada" }), await users.create({ username: "bob" })];
    await identities.link({ issuer, subject: "a", userId: ada.id }, "system");
    await identities.link({ issuer, subject: "b", userId: bob.id }, "system");
    await users.delete(ada.id);
    assert.equal(await identities.find(issuer, "a"), undefined);
    assert.equal((await identities.find(issuer, "b"))?.userId, bob.id);
    await identities.link({ issuer, subject: "a", userId: bob.id }, "system");
  },
};
