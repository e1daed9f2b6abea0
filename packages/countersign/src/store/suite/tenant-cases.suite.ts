import assert from "node:assert/strict";
import { Conflict, type Store } from "../contracts.ts";
import { unstorable } from "./hostile-text.suite.ts";
import { auditOf, newSession, rotation } from "./session-case.suite.ts";
import { type Cases, conflictOn, eventsOf, newKey } from "./store-case.suite.ts";

const by = "7";

async function isActive(store: Store, id: string): Promise<boolean | undefined> {
  return (await store.users.load(id))?.isActive;
}

const idsOf = (rows: readonly { readonly id: string }[]): string[] => rows.map(({ id }) => id);

export const tenantCases: Cases = {
  "gives back what was created, and changes what it is told to": async (store, clock) => {
    const { tenants } = store;
    const made = await tenants.create({ id: "acme", name: "Acme Inc." }, by);
    const expected = { id: "acme", name: "Acme Inc.", disabledAt: undefined };
    assert.deepEqual({ ...made }, { ...expected, createdAt: clock.date, updatedAt: clock.date });
    assert.ok(Object.isFrozen(made));
    assert.deepEqual(await tenants.find("acme"), made);
    assert.equal((await tenants.create({ id: "b-2" }, by)).name, "b-2");
    clock.ms += 5;
    const changed = await tenants.update("acme", { name: "ACME" }, by);
    assert.deepEqual(
      [changed?.name, changed?.updatedAt, changed?.createdAt],
      ["ACME", clock.date, made.createdAt],
    );
    clock.ms += 5;
    assert.deepEqual(await tenants.update("acme", { name: "ACME" }, by), changed);
    assert.deepEqual(await tenants.update("acme", {}, by), changed);
    for (const id of ["nobody", "Acme", "", ...unstorable]) {
      assert.equal(await tenants.find(id), undefined);
      assert.equal(await tenants.update(id, { name: "x" }, by), undefined);
      assert.equal(await tenants.setDisabled(id, true, by), undefined);
      assert.equal(await tenants.delete(id, by), false);
    }
    const rows = await store.audit.list({ limit: 9 });
    assert.deepEqual(rows.map(({ action, target, after }) => [action, target, after?.["name"]]).reverse(), [
      ["tenant.created", "tenant:acme", "Acme Inc."],
      ["tenant.created", "tenant:b-2", "b-2"],
      ["tenant.updated", "tenant:acme", "ACME"],
    ]);
    assert.deepEqual(await eventsOf(store), []);
  },

  "takes ids that are labels and names that are one line, each once": async (store) => {
    const { tenants } = store;
    await tenants.create({ id: "acme", name: "Ölwerk" }, by);
    for (const id of ["", "A", "a_b", "-a", "a-", "a/b", "a.b", "é", "a".repeat(64), ...unstorable])
      await conflictOn(store, "id", () => tenants.create({ id, name: "x" }, by));
    await conflictOn(store, "id", () => tenants.create({ id: "acme", name: "other" }, by));
    for (const name of ["", " ", "a\nb", "x".repeat(101), "ÖLWERK", ...unstorable]) {
      await conflictOn(store, "name", () => tenants.create({ id: "other", name }, by));
    }
    await tenants.create({ id: "a".repeat(63) }, by);
    await conflictOn(store, "name", () => tenants.update("a".repeat(63), { name: "öLWERK" }, by));
    assert.equal((await tenants.update("acme", { name: "ÖLWERK" }, by))?.name, "ÖLWERK");
    for (const text of unstorable) {
      await conflictOn(store, "by", () => tenants.create({ id: "x" }, text));
      await conflictOn(store, "by", () => tenants.update("acme", { name: "x" }, text));
      await conflictOn(store, "by", () => tenants.setDisabled("acme", true, text));
      await conflictOn(store, "by", () => tenants.delete("acme", text));
    }
    const both = await Promise.allSettled([
      tenants.create({ id: "twin" }, by),
      tenants.create({ id: "twin" }, by),
    ]);
    assert.equal(both.filter(({ status }) => status === "fulfilled").length, 1);
  },

  "lists in order of id, page by page": async ({ tenants }) => {
    for (const id of ["b", "a", "c-1", "c"]) await tenants.create({ id }, by);
    assert.deepEqual(idsOf(await tenants.list({ limit: 9 })), ["a", "b", "c", "c-1"]);
    assert.deepEqual(idsOf(await tenants.list({ limit: 2, after: "a" })), ["b", "c"]);
    assert.deepEqual(await tenants.list({ limit: 2, after: "c-1" }), []);
    await assert.rejects(() => tenants.list({ limit: 0 }), RangeError);
  },

  "keeps users and their keys, and tells which are whose": async (store, clock) => {
    const { users, apiKeys, tenants } = store;
    await tenants.create({ id: "acme" }, by);
    await tenants.create({ id: "globex" }, by);
    await conflictOn(store, "tenant", () => users.create({ username: "x", tenantId: "nobody" }));
    for (const tenantId of unstorable)
      await conflictOn(store, "tenant", () => users.create({ username: "x", tenantId }));
    const root = await users.create({ username: "root", isSuperuser: true });
    const ada = await users.create({ username: "ada", tenantId: "acme" });
    const bob = await users.create({ username: "bob", tenantId: "globex" });
    assert.deepEqual([root.tenantId, ada.tenantId], [undefined, "acme"]);
    assert.deepEqual(await users.load(ada.id), ada);
    assert.equal((await users.findByUsername("ada"))?.tenantId, "acme");
    assert.equal((await users.update(ada.id, { isStaff: true }))?.tenantId, "acme");
    const listed = async (tenantId?: string) => idsOf(await users.list({ limit: 9, tenantId }));
    assert.deepEqual(await listed(), [root.id, ada.id, bob.id]);
    assert.deepEqual(await listed("acme"), [ada.id]);
    assert.deepEqual(await listed(""), [root.id]);
    assert.deepEqual(await listed("nobody"), []);
    assert.deepEqual(idsOf(await users.list({ limit: 9, tenantId: "acme", text: "bob" })), []);
    for (const text of unstorable) assert.deepEqual(await listed(text), []);
    assert.equal((await apiKeys.create(newKey("k1", root.id))).tenantId, undefined);
    assert.equal((await apiKeys.create(newKey("k2", ada.id))).tenantId, "acme");
    await apiKeys.create(newKey("k3", bob.id));
    assert.equal((await apiKeys.load("k2"))?.tenantId, "acme");
    const keys = async (tenantId?: string) =>
      idsOf(await apiKeys.list({ limit: 9, tenantId, now: clock.date })).sort();
    assert.deepEqual(await keys(), ["k1", "k2", "k3"]);
    assert.deepEqual(await keys("acme"), ["k2"]);
    assert.deepEqual(await keys(""), ["k1"]);
    for (const text of ["nobody", ...unstorable]) assert.deepEqual(await keys(text), []);
    // A key outlives its user, and stays its tenant's.
    await users.delete(ada.id);
    assert.deepEqual(await keys("acme"), ["k2"]);
  },

  "disables all users of a tenant, and no other": async (store, clock) => {
    const { users, tenants, sessions } = store;
    await tenants.create({ id: "acme" }, by);
    const [ada, eve, bob] = [
      await users.create({ username: "ada", tenantId: "acme" }),
      await users.create({ username: "eve", tenantId: "acme" }),
      await users.create({ username: "bob" }),
    ];
    await sessions.create(newSession("s1", ada.id, clock));
    await users.update(eve.id, { isActive: false });
    const before = (await eventsOf(store)).length;
    clock.ms += 5;
    assert.deepEqual((await tenants.setDisabled("acme", true, by))?.disabledAt, clock.date);
    assert.deepEqual(
      [await isActive(store, ada.id), await isActive(store, eve.id), await isActive(store, bob.id)],
      [false, false, true],
    );
    assert.deepEqual(
      (await users.list({ limit: 9 })).map((user) => user.isActive),
      [false, false, true],
    );
    assert.equal((await users.findByUsername("ada"))?.isActive, false);
    assert.equal((await users.update(ada.id, { isActive: true }))?.isActive, false);
    assert.equal((await users.update(ada.id, { isStaff: true }))?.isActive, false);
    await assert.rejects(sessions.create(newSession("s2", ada.id, clock)), Conflict);
    assert.equal((await sessions.rotate("s1", rotation(1, clock))).kind, "over");
    assert.equal((await users.create({ username: "late", tenantId: "acme" })).isActive, false);
    await tenants.setDisabled("acme", true, by);
    await tenants.setDisabled("acme", false, by);
    await tenants.setDisabled("acme", false, by);
    assert.deepEqual([await isActive(store, ada.id), await isActive(store, eve.id)], [true, false]);
    assert.equal((await sessions.rotate("s1", rotation(1, clock))).kind, "rotated");
    assert.deepEqual(
      (await eventsOf(store)).slice(before).filter(({ kind }) => kind === "tenant"),
      ["disabled", "enabled"].map((state) => ({ kind: "tenant", tenantId: "acme", state })),
    );
    assert.deepEqual(
      (await auditOf(store)).slice(1).map(({ action }) => action),
      ["tenant.disabled", "tenant.enabled"],
    );
  },

  "has superusers who do not count as those of the installation": async (store) => {
    const { users, tenants } = store;
    await tenants.create({ id: "acme" }, by);
    const theirs = await users.create({ username: "boss", isSuperuser: true, tenantId: "acme" });
    assert.equal(await users.firstSuperuser(), undefined);
    const root = await users.create({ username: "root", isSuperuser: true });
    assert.equal((await users.firstSuperuser())?.id, root.id);
    await conflictOn(store, "isSuperuser", () => users.update(root.id, { isSuperuser: false }));
    await conflictOn(store, "isActive", () => users.update(root.id, { isActive: false }));
    await conflictOn(store, "id", () => users.delete(root.id));
    assert.equal((await users.update(theirs.id, { isSuperuser: false }))?.isSuperuser, false);
    await users.update(theirs.id, { isSuperuser: true });
    assert.equal(await users.delete(theirs.id), true);
  },

  "has roles of its own, which are there for nobody else": async (store, clock) => {
    const { users, roles, tenants, apiKeys } = store;
    await tenants.create({ id: "acme" }, by);
    await tenants.create({ id: "globex" }, by);
    const [ada, bob, root] = [
      await users.create({ username: "ada", tenantId: "acme" }),
      await users.create({ username: "bob", tenantId: "globex" }),
      await users.create({ username: "root" }),
    ];
    await roles.create({ name: "support", permissions: ["orders:read"] }, by);
    const made = await roles.create({ name: "acme/support", permissions: [], inherits: ["support"] }, by);
    assert.deepEqual([made.tenantId, (await roles.find("support"))?.tenantId], ["acme", undefined]);
    await conflictOn(store, "tenant", () => roles.create({ name: "nobody/x", permissions: [] }, by));
    for (const name of ["acme/", "/x", "Acme/x", "acme/a/b", "acme/-"])
      await conflictOn(store, "name", () => roles.create({ name, permissions: [] }, by));
    // Neither another tenant's nor the installation's own roles inherit from it.
    for (const name of ["globex/x", "x"]) {
      const heir = { name, permissions: [], inherits: ["acme/support"] };
      await conflictOn(store, "inherits", () => roles.create(heir, by));
      await roles.create({ name, permissions: [] }, by);
      await conflictOn(store, "inherits", () => roles.update(name, { addInherits: ["acme/support"] }, by));
    }
    await roles.create({ name: "acme/lead", permissions: [], inherits: ["acme/support"] }, by);
    const names = async (tenantId?: string) =>
      (await roles.list({ limit: 20, tenantId })).filter((role) => !role.builtIn).map(({ name }) => name);
    assert.deepEqual(await names(), ["acme/lead", "acme/support", "globex/x", "support", "x"]);
    assert.deepEqual(await names("acme"), ["acme/lead", "acme/support", "support", "x"]);
    for (const text of ["", "nobody"]) assert.deepEqual(await names(text), ["support", "x"]);
    for (const text of unstorable) assert.ok((await names(text)).every((name) => !name.includes("/")));
    assert.deepEqual(await roles.assign(ada.id, "acme/support", by), ["acme/support"]);
    assert.deepEqual(await roles.assign(ada.id, "support", by), ["acme/support", "support"]);
    for (const { id } of [bob, root])
      await conflictOn(store, "role", () => roles.assign(id, "acme/support", by));
    await conflictOn(store, "roles", () => users.create({ username: "x", roles: ["acme/support"] }));
    await conflictOn(store, "roles", () =>
      users.create({ username: "x", tenantId: "globex", roles: ["acme/support"] }),
    );
    const eve = await users.create({ username: "eve", tenantId: "acme", roles: ["acme/lead", "support"] });
    assert.deepEqual(eve.roles, ["acme/lead", "support"]);
    await conflictOn(store, "roles", () => apiKeys.create(newKey("k1", bob.id, { roles: ["acme/lead"] })));
    await apiKeys.create(newKey("k2", eve.id, { roles: ["acme/lead"] }));
    clock.ms += 5;
    await roles.delete("support", { force: true }, by);
    assert.deepEqual((await roles.find("acme/support"))?.inherits, []);
  },

  "says whose its audit rows are": async (store) => {
    const { users, roles, tenants, audit, sessions, apiKeys } = store;
    await tenants.create({ id: "acme" }, by);
    const ada = await users.create({ username: "ada", tenantId: "acme" });
    const bob = await users.create({ username: "bob" });
    await roles.create({ name: "acme/x", permissions: [] }, bob.id);
    await roles.create({ name: "x", permissions: [] }, bob.id);
    await roles.assign(ada.id, "x", bob.id);
    await roles.assign(bob.id, "x", bob.id);
    await sessions.revokeAll(ada.id, { reason: "", by: bob.id });
    await audit.append({ actor: ada.id, action: "a", target: "thing:1", details: {} });
    await audit.append({ actor: bob.id, action: "b", target: "thing:1", details: { userId: ada.id } });
    await audit.append({ actor: "system", action: "c", target: "user:99", details: {} });
    await audit.append({ actor: ada.id, action: "d", target: "user:99", details: {} });
    const rows = await audit.list({ limit: 50, tenantId: "acme" });
    assert.deepEqual(rows.map(({ action, target }) => `${action} ${target}`).reverse(), [
      "tenant.created tenant:acme",
      `user.created user:${ada.id}`,
      "role.created role:acme/x",
      `role.assigned user:${ada.id}`,
      `session.all_revoked user:${ada.id}`,
      "a thing:1",
      "b thing:1",
      "d user:99",
    ]);
    assert.ok(rows.every(({ tenantId }) => tenantId === "acme"));
    const all = await audit.list({ limit: 50 });
    assert.deepEqual(
      all.filter(({ tenantId }) => tenantId === undefined).map(({ action }) => action),
      ["c", "role.assigned", "role.created", "user.created"],
    );
    await apiKeys.create(newKey("k1", ada.id));
    await users.delete(ada.id);
    const after = await audit.list({ limit: 2, tenantId: "acme" });
    assert.deepEqual(
      after.map(({ action }) => action),
      ["user.deleted", "key.created"],
    );
    for (const text of unstorable) assert.deepEqual(await audit.list({ limit: 9, tenantId: text }), []);
  },

  "goes when it is empty, with its roles, and its id is never given again": async (store) => {
    const { users, roles, tenants } = store;
    await tenants.create({ id: "acme", name: "Acme" }, by);
    const ada = await users.create({ username: "ada", tenantId: "acme" });
    await roles.create({ name: "acme/x", permissions: [] }, by);
    await conflictOn(store, "id", () => tenants.delete("acme", by));
    await users.delete(ada.id);
    const before = (await eventsOf(store)).length;
    assert.equal(await tenants.delete("acme", by), true);
    assert.deepEqual((await eventsOf(store)).slice(before), [
      { kind: "tenant", tenantId: "acme", state: "disabled" },
      { kind: "roles" },
    ]);
    assert.equal(await tenants.delete("acme", by), false);
    assert.deepEqual([await tenants.find("acme"), await roles.find("acme/x")], [undefined, undefined]);
    assert.deepEqual(await tenants.list({ limit: 9 }), []);
    assert.equal(await tenants.setDisabled("acme", false, by), undefined);
    await conflictOn(store, "id", () => tenants.create({ id: "acme", name: "Other" }, by));
    await conflictOn(store, "tenant", () => users.create({ username: "x", tenantId: "acme" }));
    await conflictOn(store, "tenant", () => roles.create({ name: "acme/x", permissions: [] }, by));
    assert.equal((await tenants.create({ id: "acme2", name: "Acme" }, by)).name, "Acme");
    // One of a user who comes and the end of the tenant wins.
    const both = await Promise.allSettled([
      tenants.delete("acme2", by),
      users.create({ username: "late", tenantId: "acme2" }),
    ]);
    assert.equal(both.filter(({ status }) => status === "fulfilled").length, 1);
  },
};
