import assert from "node:assert/strict";
import { texts, unstorable } from "./hostile-text.suite.ts";
import { type Cases, conflictOn, newKey, userWithKey } from "./store-case.suite.ts";

const strangeIds = [
  "0",
  "-1",
  "+1",
  "01",
  "1.0",
  "1e3",
  " 1",
  "1 ",
  "",
  "abc",
  "0x1",
  "9223372036854775808",
  "9".repeat(40),
  "\uff11",
  "1\0",
  "NaN",
];

export const hostileCases: Cases = {
  "gives any text back as it was": async (store) => {
    const { users, apiKeys } = store;
    for (const [index, text] of texts.entries()) {
      const attributes = Object.fromEntries([[text, text]]);
      const user = await users.create({ username: text, email: `${text}@x`, passwordHash: text, attributes });
      assert.equal(user.username, text);
      assert.equal(user.attributes[text], text);
      assert.deepEqual(Object.keys(user.attributes), [text]);
      assert.deepEqual(await users.load(user.id), user);
      assert.deepEqual(await users.findByUsername(text), user);
      assert.deepEqual(await users.findByEmail(`${text}@x`), user);
      assert.equal(await users.passwordHash(user.id), text);
      assert.ok((await users.list({ limit: 99, text })).some(({ id }) => id === user.id));
      const more = { description: text, type: text, pepperId: text, scopes: [text] };
      const key = await apiKeys.create(newKey(`${index}${text}`, user.id, { name: text, ...more }));
      assert.deepEqual(await apiKeys.load(key.id), key);
      assert.deepEqual([key.name, key.description, key.scopes], [text, text, [text]]);
      assert.equal((await apiKeys.revoke(key.id, { reason: text, by: text }))?.revokedReason, text);
      await store.revocations.append([{ kind: "token", issuer: text, jti: text, expiresAt: 9e9 }]);
      const [entry] = (await store.revocations.since((await store.revocations.head()) - 1, 1)) ?? [];
      assert.deepEqual(entry?.event, { kind: "token", issuer: text, jti: text, expiresAt: 9e9 });
    }
    assert.equal((await users.list({ limit: 99 })).length, texts.length);
  },

  "refuses text that no store could give back": async (store) => {
    const { users, apiKeys } = store;
    const { user, key } = await userWithKey(store);
    for (const text of unstorable) {
      await conflictOn(store, "username", () => users.create({ username: text }));
      await conflictOn(store, "email", () => users.create({ username: "new", email: text }));
      await conflictOn(store, "passwordHash", () => users.update(user.id, { passwordHash: text }));
      await conflictOn(store, "username", () => users.update(user.id, { username: text }));
      await conflictOn(store, "id", () => apiKeys.create(newKey(text, user.id)));
      await conflictOn(store, "name", () => apiKeys.create(newKey("k2", user.id, { name: text })));
      await conflictOn(store, "reason", () => apiKeys.revoke("k1", { reason: text, by: "1" }));
      await conflictOn(store, "by", () => apiKeys.revoke("k1", { reason: "", by: text }));
    }
    assert.deepEqual(await users.load(user.id), user);
    assert.deepEqual(await apiKeys.load("k1"), key);
  },

  "finds nothing by such text": async ({ users, apiKeys }, { date: now }) => {
    await users.create({ username: "nul", email: "nul" });
    await apiKeys.create(newKey("nul", "1"));
    for (const text of [...unstorable, "nul\0", "nul\0inside"]) {
      assert.equal(await users.findByUsername(text), undefined);
      assert.equal(await users.findByEmail(text), undefined);
      assert.deepEqual(await users.list({ limit: 9, text }), []);
      assert.equal(await apiKeys.load(text), undefined);
      assert.equal(await apiKeys.revoke(text, { reason: "", by: "" }), undefined);
      assert.equal(await apiKeys.setDisabled(text, true), undefined);
      await apiKeys.addUsage([{ id: text, calls: 1, lastUsedAt: now }]);
    }
    assert.equal((await apiKeys.load("nul"))?.totalRequests, 0);
  },

  "keeps JSON text that is not well-formed": async ({ users, revocations }) => {
    const attributes = { "nul\0": "\ud800" };
    const { id } = await users.create({ username: "ada", attributes });
    assert.deepEqual((await users.load(id))?.attributes, attributes);
    await revocations.append([{ kind: "session", sessionId: "\ud800\0", expiresAt: 9e9 }]);
    assert.deepEqual((await revocations.live(new Date(0))).events[0], {
      kind: "session",
      sessionId: "\ud800\0",
      expiresAt: 9e9,
    });
  },

  "does not find a user by an id that is none": async ({ users, revocations }) => {
    await users.create({ username: "ada" });
    for (const id of strangeIds) {
      assert.equal(await users.load(id), undefined, id);
      assert.equal(await users.passwordHash(id), undefined, id);
      assert.equal(await users.update(id, { isStaff: true }), undefined, id);
      assert.equal(await users.delete(id), false, id);
      assert.deepEqual(await users.list({ limit: 9, after: id }), [], id);
    }
    assert.equal(await users.load("9223372036854775807"), undefined);
    assert.deepEqual(await users.list({ limit: 9, after: "9223372036854775807" }), []);
    assert.equal(await revocations.head(), 0);
    assert.ok(await users.load("1"));
  },
};
