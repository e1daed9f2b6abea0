import assert from "node:assert/strict";
import { builtInRoles } from "../built-in-roles.ts";
import type { Store } from "../contracts.ts";
import { unstorable } from "./hostile-text.suite.ts";
import { auditOf } from "./session-case.suite.ts";
import { type Cases, conflictOn, eventsOf, newKey } from "./store-case.suite.ts";

const by = "7";
const support = { name: "support", permissions: ["orders:*", "!orders:delete"] };

async function rolesOf(store: Store, id: string): Promise<readonly string[]> {
  return (await store.users.load(id))?.roles ?? assert.fail("no such user");
}

export const roleCases: Cases = {
  "begins with the built-in roles, which stay as they are": async (store) => {
    const { roles } = store;
    const all = await roles.load();
    assert.deepEqual(
      all.map(({ name }) => name),
      ["admin", "key-manager", "viewer"],
    );
    for (const role of all) {
      const known = builtInRoles.find(({ name }) => name === role.name);
      assert.deepEqual(
        [role.permissions, role.description, role.builtIn],
        [known?.permissions, known?.description, true],
      );
    }
    await conflictOn(store, "name", () => roles.update("admin", { addPermissions: ["**"] }, by));
    await conflictOn(store, "name", () => roles.update("viewer", { description: "mine" }, by));
    for (const force of [false, true])
      await conflictOn(store, "name", () => roles.delete("viewer", { force }, by));
    await conflictOn(store, "name", () => roles.create({ name: "admin", permissions: [] }, by));
    assert.deepEqual(await roles.load(), all);
  },

  "gives back what was created": async (store, clock) => {
    const { roles } = store;
    const permissions = ["orders:read", "!orders:delete", "orders:read"];
    const inherits = ["viewer"];
    const made = await roles.create({ name: "support", description: "d", permissions, inherits }, by);
    permissions.push("**");
    inherits.push("admin");
    const expected = {
      name: "support",
      description: "d",
      permissions: ["!orders:delete", "orders:read"],
      inherits: ["viewer"],
      builtIn: false,
      tenantId: undefined,
      createdAt: clock.date,
      updatedAt: clock.date,
    };
    assert.deepEqual({ ...made }, expected);
    assert.ok(Object.isFrozen(made) && Object.isFrozen(made.permissions) && Object.isFrozen(made.inherits));
    made.createdAt.setTime(0);
    assert.deepEqual({ ...(await roles.find("support")) }, expected);
    assert.equal(await roles.find("Support"), undefined);
    assert.deepEqual(await eventsOf(store), [{ kind: "roles" }]);
    const [row] = await store.audit.list({ limit: 1 });
    assert.deepEqual(
      [row?.actor, row?.action, row?.target, row?.before],
      [by, "role.created", "role:support", undefined],
    );
    assert.deepEqual(row?.after, {
      description: "d",
      permissions: '["!orders:delete","orders:read"]',
      inherits: '["viewer"]',
    });
  },

  "lists in order of name, page by page": async ({ roles }) => {
    for (const name of ["b", "Z", "a.1", "a-1"]) await roles.create({ name, permissions: [] }, by);
    const names = async (query: { limit: number; after?: string }) =>
      (await roles.list(query)).map(({ name }) => name);
    assert.deepEqual(await names({ limit: 9 }), ["Z", "a-1", "a.1", "admin", "b", "key-manager", "viewer"]);
    assert.deepEqual(await names({ limit: 2, after: "a-1" }), ["a.1", "admin"]);
    assert.deepEqual(await names({ limit: 2, after: "viewer" }), []);
    assert.deepEqual(
      (await roles.load()).map(({ name }) => name),
      await names({ limit: 9 }),
    );
    await assert.rejects(() => roles.list({ limit: 0 }), RangeError);
  },

  "changes what it is told to, and leaves alone what does not change": async (store, clock) => {
    const { roles } = store;
    await roles.create(support, by);
    clock.ms += 5;
    const changed = await roles.update(
      "support",
      {
        description: "d",
        addPermissions: ["a:b", "orders:*"],
        removePermissions: ["!orders:delete", "x"],
        addInherits: ["viewer"],
      },
      by,
    );
    assert.deepEqual(
      [changed?.permissions, changed?.inherits, changed?.description, changed?.updatedAt],
      [["a:b", "orders:*"], ["viewer"], "d", clock.date],
    );
    assert.equal((await eventsOf(store)).length, 2);
    clock.ms += 5;
    const same = await roles.update(
      "support",
      { addPermissions: ["a:b"], removeInherits: ["admin"], description: "d" },
      by,
    );
    assert.deepEqual(same, changed);
    assert.equal((await eventsOf(store)).length, 2);
    assert.deepEqual(
      (await auditOf(store)).map(({ action }) => action),
      ["role.created", "role.updated"],
    );
    assert.equal(await roles.update("nobody", { description: "x" }, by), undefined);
  },

  "refuses circles, parents that are not there, and what is no role": async (store) => {
    const { roles } = store;
    await roles.create({ name: "a", permissions: [] }, by);
    await roles.create({ name: "b", permissions: [], inherits: ["a"] }, by);
    await roles.create({ name: "c", permissions: [], inherits: ["b"] }, by);
    for (const addInherits of [["c"], ["b"], ["a"], ["gone"]]) {
      await conflictOn(store, "inherits", () => roles.update("a", { addInherits }, by));
    }
    await conflictOn(store, "inherits", () =>
      roles.create({ name: "d", permissions: [], inherits: ["d"] }, by),
    );
    await conflictOn(store, "inherits", () =>
      roles.create({ name: "d", permissions: [], inherits: ["gone"] }, by),
    );
    for (let n = 4; n <= 10; n += 1) {
      await roles.create({ name: `r${n}`, permissions: [], inherits: [n === 4 ? "c" : `r${n - 1}`] }, by);
    }
    await conflictOn(store, "inherits", () =>
      roles.create({ name: "r11", permissions: [], inherits: ["r10"] }, by),
    );
    await conflictOn(store, "permissions", () => roles.create({ name: "d", permissions: ["o*"] }, by));
    await conflictOn(store, "permissions", () => roles.update("a", { addPermissions: ["!"] }, by));
    for (const name of ["", "a b", "a,b", "é", "-a", "x".repeat(101), ...unstorable]) {
      await conflictOn(store, "name", () => roles.create({ name, permissions: [] }, by));
      assert.equal(await roles.find(name), undefined);
      assert.equal(await roles.update(name, { description: "x" }, by), undefined);
      assert.equal(await roles.delete(name, { force: true }, by), false);
    }
    for (const text of unstorable) {
      await conflictOn(store, "description", () => roles.update("a", { description: text }, by));
      await conflictOn(store, "by", () => roles.update("a", { description: "x" }, text));
      await conflictOn(store, "by", () => roles.create({ name: "d", permissions: [] }, text));
      await conflictOn(store, "by", () => roles.delete("a", { force: true }, text));
    }
    // The circle that two changes at once would make.
    await roles.update("b", { removeInherits: ["a"] }, by);
    const both = await Promise.allSettled([
      roles.update("a", { addInherits: ["b"] }, by),
      roles.update("b", { addInherits: ["a"] }, by),
    ]);
    assert.equal(both.filter(({ status }) => status === "fulfilled").length, 1);
  },

  "loses none of many changes at once": async (store) => {
    const { roles } = store;
    await roles.create({ name: "a", permissions: [] }, by);
    const many = Array.from({ length: 50 }, (_, n) => `p:${String(n).padStart(2, "0")}`);
    await Promise.all(many.map((text) => roles.update("a", { addPermissions: [text] }, by)));
    assert.deepEqual((await roles.find("a"))?.permissions, many);
    assert.equal((await eventsOf(store)).length, 51);
  },

  "gives roles to users, and takes them away": async (store, clock) => {
    const { roles, users } = store;
    await roles.create(support, by);
    const { id } = await users.create({ username: "ada" });
    clock.ms += 5;
    assert.deepEqual(await roles.assign(id, "viewer", by), ["viewer"]);
    assert.deepEqual(await roles.assign(id, "support", by), ["support", "viewer"]);
    assert.deepEqual(await roles.assign(id, "support", by), ["support", "viewer"]);
    const ada = await users.load(id);
    assert.deepEqual([ada?.roles, ada?.updatedAt], [["support", "viewer"], clock.date]);
    assert.ok(Object.isFrozen(ada?.roles));
    assert.deepEqual((await users.findByUsername("ada"))?.roles, ["support", "viewer"]);
    assert.deepEqual((await users.list({ limit: 1 }))[0]?.roles, ["support", "viewer"]);
    assert.deepEqual((await users.update(id, { isStaff: true }))?.roles, ["support", "viewer"]);
    assert.deepEqual(await roles.unassign(id, "viewer", by), ["support"]);
    assert.deepEqual(await roles.unassign(id, "viewer", by), ["support"]);
    await users.update(id, { isActive: false });
    assert.deepEqual(await roles.assign(id, "viewer", by), ["support", "viewer"]);
    const states = ["changed", "changed", "changed", "changed", "disabled", "disabled"];
    assert.deepEqual(
      (await eventsOf(store)).slice(1),
      states.map((state) => ({ kind: "user", userId: id, state })),
    );
    const rows = (await auditOf(store)).slice(1);
    assert.deepEqual(
      rows.map(({ action, details }) => `${action} ${details["role"]}`),
      ["role.assigned viewer", "role.assigned support", "role.unassigned viewer", "role.assigned viewer"],
    );
    assert.ok(rows.every(({ actor, target }) => actor === by && target === `user:${id}`));
    await conflictOn(store, "role", () => roles.assign(id, "nobody", by));
    for (const text of unstorable) {
      await conflictOn(store, "role", () => roles.assign(id, text, by));
      await conflictOn(store, "by", () => roles.assign(id, "viewer", text));
      assert.deepEqual(await roles.unassign(id, text, by), ["support", "viewer"]);
    }
    for (const unknown of ["99", "0", "x", ""]) {
      assert.equal(await roles.assign(unknown, "viewer", by), undefined);
      assert.equal(await roles.unassign(unknown, "viewer", by), undefined);
    }
  },

  "makes users and keys with roles that are there": async (store) => {
    const { users, apiKeys } = store;
    const ada = await users.create({ username: "ada", roles: ["viewer", "key-manager", "viewer"] });
    assert.deepEqual(ada.roles, ["key-manager", "viewer"]);
    assert.deepEqual(await users.load(ada.id), ada);
    await conflictOn(store, "roles", () => users.create({ username: "bob", roles: ["viewer", "nobody"] }));
    assert.equal(await users.findByUsername("bob"), undefined);
    const key = await apiKeys.create(newKey("k1", ada.id, { roles: ["viewer"] }));
    assert.deepEqual([key.roles, (await apiKeys.load("k1"))?.roles], [["viewer"], ["viewer"]]);
    for (const role of ["nobody", "Viewer", "", ...unstorable]) {
      await conflictOn(store, "roles", () => apiKeys.create(newKey("k2", ada.id, { roles: [role] })));
      await conflictOn(store, "roles", () => users.create({ username: "bob", roles: [role] }));
    }
  },

  "deletes a role that nobody has, and with force any": async (store) => {
    const { roles, users, apiKeys } = store;
    const remove = (force: boolean) => roles.delete("support", { force }, by);
    await roles.create(support, by);
    assert.equal(await remove(false), true);
    assert.equal(await remove(false), false);
    await roles.create(support, by);
    const { id } = await users.create({ username: "ada", roles: ["support", "viewer"] });
    const gone = await users.create({ username: "gone", roles: ["support"] });
    await users.update(gone.id, { isActive: false });
    await roles.create({ name: "lead", permissions: [], inherits: ["support", "viewer"] }, by);
    await apiKeys.create(newKey("k1", id, { roles: ["support"] }));
    await conflictOn(store, "name", () => remove(false));
    const before = (await eventsOf(store)).length;
    assert.equal(await remove(true), true);
    assert.deepEqual((await eventsOf(store)).slice(before), [
      { kind: "user", userId: id, state: "changed" },
      { kind: "user", userId: gone.id, state: "disabled" },
      { kind: "roles" },
    ]);
    assert.deepEqual([await rolesOf(store, id), await rolesOf(store, gone.id)], [["viewer"], []]);
    assert.deepEqual((await roles.find("lead"))?.inherits, ["viewer"]);
    assert.deepEqual((await apiKeys.load("k1"))?.roles, ["support"], "still limited, to nothing");
    await roles.create(support, by);
    assert.deepEqual(await rolesOf(store, id), ["viewer"], "nobody has it again");
    await conflictOn(store, "name", () => remove(false));
    await apiKeys.revoke("k1", { reason: "", by });
    assert.equal(await remove(false), true, "a revoked key keeps no role");
  },

  "takes a user's roles along": async ({ roles, users }) => {
    await roles.create(support, by);
    const { id } = await users.create({ username: "ada", roles: ["support"] });
    await users.delete(id);
    assert.equal(await roles.delete("support", { force: false }, by), true);
  },
};
