import assert from "node:assert/strict";
import type { UserQuery } from "../contracts.ts";
import { type Cases, conflictOn, eventsOf, newKey } from "./store-case.suite.ts";

export const userCases: Cases = {
  "gives back what was created, with numbers from 1": async ({ users, revocations }, clock) => {
    const ada = await users.create({
      username: "Ada",
      email: "Ada@Example.org",
      isStaff: true,
      isSuperuser: true,
      passwordHash: "$argon2id$1",
      attributes: { team: "engines", empty: "" },
    });
    const bob = await users.create({ username: "bob" });
    const eve = await users.create({ username: "eve" });
    assert.deepEqual([ada.id, bob.id, eve.id], ["1", "2", "3"]);
    assert.deepEqual(
      { ...ada },
      {
        id: "1",
        username: "Ada",
        email: "Ada@Example.org",
        isActive: true,
        isStaff: true,
        isSuperuser: true,
        roles: [],
        permissions: [],
        attributes: { team: "engines" },
        createdAt: clock.date,
        updatedAt: clock.date,
        passwordLockedAt: undefined,
        tenantId: undefined,
      },
    );
    assert.deepEqual(await users.load("1"), ada);
    assert.deepEqual(await users.load("2"), bob);
    assert.deepEqual(
      [bob.email, bob.isStaff, bob.isSuperuser, bob.isActive],
      [undefined, false, false, true],
    );
    assert.equal(await users.passwordHash("1"), "$argon2id$1");
    assert.equal(await users.passwordHash("2"), undefined);
    assert.equal(await revocations.head(), 0);
  },

  "never gives the id of a deleted user again": async ({ users }) => {
    await users.create({ username: "a" });
    const last = await users.create({ username: "b" });
    assert.equal(await users.delete(last.id), true);
    assert.equal((await users.create({ username: "b" })).id, "3");
  },

  "finds by username and email without regard to case or form": async ({ users }) => {
    const ada = await users.create({ username: "Ada\u00c5\ufb01", email: "\u00c9MILE@example.org" });
    for (const name of ["Ada\u00c5\ufb01", "ada\u00e5fi", "ADAA\u030aFI"]) {
      assert.deepEqual(await users.findByUsername(name), ada, name);
    }
    const script = await users.create({ username: "\u210cilbert\u2122" });
    assert.deepEqual(await users.findByUsername("hilberttm"), script);
    assert.deepEqual(await users.findByEmail("e\u0301mile@EXAMPLE.org"), ada);
    assert.equal(await users.findByUsername("\u00c9mile@example.org"), undefined);
    assert.equal(await users.findByEmail(""), undefined);
    assert.equal(await users.findByUsername(""), undefined);
  },

  "keeps usernames and emails unique without regard to case": async (store) => {
    const { users } = store;
    const ada = await users.create({ username: "Ada", email: "ada@x.org" });
    const bob = await users.create({ username: "Bob", email: "bob@x.org" });
    await conflictOn(store, "username", () => users.create({ username: "aDA" }));
    await conflictOn(store, "username", () => users.create({ username: "\uff41\uff44\uff41" }));
    await conflictOn(store, "email", () => users.create({ username: "c", email: "ADA@X.ORG" }));
    await conflictOn(store, "username", () => users.update(bob.id, { username: "ADA" }));
    await conflictOn(store, "email", () =>
      users.update(bob.id, { email: "Ada@x.org", attributes: { a: "b" } }),
    );
    assert.deepEqual(await users.load(bob.id), bob);
    // One's own name in other letters is no conflict, and a name that was given up is free.
    assert.equal((await users.update(ada.id, { username: "ADA", email: "ADA@x.org" }))?.username, "ADA");
    await users.update(ada.id, { username: "lovelace", email: "" });
    assert.equal((await users.update(bob.id, { username: "ada", email: "ada@x.org" }))?.email, "ada@x.org");
    assert.equal((await users.findByUsername("ADA"))?.id, bob.id);
    assert.equal((await users.findByEmail("ada@X.org"))?.id, bob.id);
    assert.equal(await users.findByUsername("bob"), undefined);
    // Many may have no email.
    await users.create({ username: "d", email: "" });
    await users.create({ username: "e", email: "" });
  },

  "changes what the patch names, and nothing else": async ({ users }, clock) => {
    const before = await users.create({
      username: "ada",
      email: "a@x",
      passwordHash: "old",
      attributes: { a: "1", b: "2" },
    });
    clock.ms += 5;
    const after = await users.update(before.id, {
      isStaff: true,
      attributes: { b: "", c: "3", __proto__x: "4" },
    });
    const attributes = { a: "1", c: "3", __proto__x: "4" };
    assert.deepEqual(after, { ...before, isStaff: true, attributes, updatedAt: clock.date });
    assert.deepEqual(await users.load(before.id), after);
    assert.equal(await users.passwordHash(before.id), "old");
    assert.equal((await users.update(before.id, { passwordHash: "new", email: "" }))?.email, undefined);
    assert.equal(await users.passwordHash(before.id), "new");
  },

  "tells of every change in the log": async (store) => {
    const { users } = store;
    const { id } = await users.create({ username: "ada" });
    await users.update(id, { attributes: { a: "1" } });
    await users.update(id, { isActive: false });
    await users.update(id, { isStaff: true });
    await users.update(id, { isActive: true, isStaff: false });
    await users.update(id, { passwordHash: "new" });
    await users.update(id, { passwordHash: "new", isActive: true, attributes: { a: "1", b: "" } });
    await users.update(id, {});
    await users.delete(id);
    const states = ["changed", "disabled", "disabled", "enabled", "changed", "deleted"];
    assert.deepEqual(
      await eventsOf(store),
      states.map((state) => ({ kind: "user", userId: id, state })),
    );
  },

  "leaves a user alone whom a patch does not change": async ({ users }, clock) => {
    const before = await users.create({ username: "ada", attributes: { a: "1" } });
    clock.ms += 5;
    assert.deepEqual(await users.update(before.id, { username: "ada", email: "", isActive: true }), before);
  },

  "keeps the last active superuser": async (store) => {
    const { users } = store;
    const root = await users.create({ username: "root", isSuperuser: true });
    const other = await users.create({ username: "other", isSuperuser: true });
    assert.equal((await users.firstSuperuser())?.id, root.id);
    await users.update(root.id, { isActive: false });
    assert.equal((await users.firstSuperuser())?.id, other.id);
    await conflictOn(store, "isActive", () => users.update(other.id, { isActive: false }));
    await conflictOn(store, "isSuperuser", () => users.update(other.id, { isSuperuser: false }));
    await conflictOn(store, "isSuperuser", () =>
      users.update(other.id, { isSuperuser: false, isActive: false }),
    );
    await conflictOn(store, "id", () => users.delete(other.id));
    assert.deepEqual(await users.load(other.id), other);
    assert.ok(await users.update(other.id, { isStaff: true, isSuperuser: true, isActive: true }));
    // An inactive superuser may go, and with another active one, so may this one.
    await users.update(root.id, { isActive: true });
    assert.ok(await users.update(other.id, { isActive: false }));
    assert.equal(await users.delete(other.id), true);
    await conflictOn(store, "id", () => users.delete(root.id));
  },

  "has no superuser to protect where there is none": async ({ users }) => {
    const { id } = await users.create({ username: "ada" });
    assert.equal(await users.firstSuperuser(), undefined);
    assert.ok(await users.update(id, { isActive: false }));
    assert.equal(await users.delete(id), true);
  },

  "deletes a user and revokes the keys, whose records stay": async (store, clock) => {
    const { users, apiKeys } = store;
    const [ada, bob] = [await users.create({ username: "ada" }), await users.create({ username: "bob" })];
    for (const id of ["k1", "k2", "k3"]) await apiKeys.create(newKey(id, ada.id));
    const other = await apiKeys.create(newKey("k4", bob.id));
    const lost = await apiKeys.revoke("k2", { reason: "lost", by: "7" });
    clock.ms += 5;
    assert.equal(await users.delete(ada.id), true);
    assert.equal(await users.delete(ada.id), false);
    for (const id of ["k1", "k3"]) {
      const key = await apiKeys.load(id);
      assert.deepEqual(
        [key?.revokedReason, key?.revokedBy, key?.revokedAt],
        ["user deleted", "system", clock.date],
      );
    }
    assert.deepEqual(await apiKeys.load("k2"), lost);
    assert.deepEqual(await apiKeys.load("k4"), other);
    const [, user, ...keys] = await eventsOf(store);
    assert.deepEqual(user, { kind: "user", userId: ada.id, state: "deleted" });
    assert.deepEqual(keys.map((event) => event.kind === "key" && `${event.keyId} ${event.state}`).sort(), [
      "k1 revoked",
      "k3 revoked",
    ]);
    assert.equal(await users.load(ada.id), undefined);
    assert.equal(await users.findByUsername("ada"), undefined);
    assert.equal(await users.passwordHash(ada.id), undefined);
    assert.equal(await users.update(ada.id, { isStaff: true }), undefined);
  },

  "lists in order of id, page by page, also past 9": async ({ users }) => {
    for (let n = 1; n <= 12; n += 1) await users.create({ username: `user${n}` });
    const seen: string[] = [];
    for (let after: string | undefined; ; after = seen.at(-1)) {
      const page = await users.list({ limit: 5, after });
      assert.ok(page.length <= 5);
      if (page.length === 0) break;
      seen.push(...page.map(({ id }) => id));
    }
    assert.deepEqual(
      seen,
      Array.from({ length: 12 }, (_, index) => String(index + 1)),
    );
    // The last user of a page may be gone when the next one is asked for.
    await users.delete("5");
    assert.deepEqual(
      (await users.list({ limit: 2, after: "5" })).map(({ id }) => id),
      ["6", "7"],
    );
    for (const limit of [0, -1, 1.5, Number.NaN])
      await assert.rejects(() => users.list({ limit }), RangeError);
  },

  "lists by a part of the username or email": async ({ users }) => {
    await users.create({ username: "Ada_Lovelace", email: "ada@math.org" });
    await users.create({ username: "bob", email: "BOB@Engine.org" });
    await users.create({ username: "100%" });
    const found = async (text: string) => (await users.list({ limit: 9, text })).map(({ id }) => id).join();
    assert.equal(await found("LOVE"), "1");
    assert.equal(await found("engine"), "2");
    assert.equal(await found(".ORG"), "1,2");
    assert.equal(await found("%"), "3");
    assert.equal(await found("_"), "1");
    assert.equal(await found(""), "1,2,3");
    assert.equal(await found("nobody"), "");
    assert.equal((await users.list({ limit: 9, text: "org", after: "1" })).length, 1);
  },

  "lists those that are asked for by id, in order and within the other filters": async ({ users }) => {
    for (let n = 1; n <= 12; n += 1) await users.create({ username: `user${n}` });
    await users.delete("3");
    const found = async (ids: readonly string[], more: Partial<UserQuery> = {}) =>
      (await users.list({ limit: 9, ids, ...more })).map(({ id }) => id).join();
    assert.equal(await found(["11", "2", "3", "1", "2"]), "1,2,11");
    assert.equal(await found(["11", "2", "1"], { limit: 2 }), "1,2");
    assert.equal(await found(["11", "2", "1"], { after: "1" }), "2,11");
    assert.equal(await found(["11", "2", "1"], { text: "user1" }), "1,11");
    assert.equal(await found(["1", "2"], { tenantId: "acme" }), "");
    assert.equal(await found(["0", "-1", "01", "x", "", "9223372036854775808", "99"]), "");
    assert.equal(await found(["x", "9223372036854775807", "2"]), "2");
    assert.equal(await found([]), "");
  },

  "hands out records that nobody shares": async ({ users }) => {
    const attributes = { a: "1" };
    const created = await users.create({ username: "ada", attributes });
    attributes.a = "2";
    assert.ok(
      Object.isFrozen(created) && Object.isFrozen(created.attributes) && Object.isFrozen(created.roles),
    );
    created.createdAt.setTime(0);
    const loaded = await users.load(created.id);
    assert.equal(loaded?.attributes["a"], "1");
    assert.notEqual(loaded?.createdAt.getTime(), 0);
  },
};
