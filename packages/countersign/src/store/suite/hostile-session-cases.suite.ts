import assert from "node:assert/strict";
import { texts, unstorable } from "./hostile-text.suite.ts";
import { auditOf, newSession, rotation, userWithSession } from "./session-case.suite.ts";
import { newSigningKey } from "./signing-key-cases.suite.ts";
import { type Cases, conflictOn } from "./store-case.suite.ts";

export const hostileSessionCases: Cases = {
  "gives any text back as it was": async (store, clock) => {
    const { users, sessions, audit, signingKeys, identities } = store;
    const { id: userId } = await users.create({ username: "ada" });
    for (const text of texts) {
      const more = { methods: [text], address: text, userAgent: text };
      const session = await sessions.create(newSession(text, userId, clock, more));
      assert.deepEqual([session.id, session.methods, session.userAgent], [text, [text], text]);
      assert.deepEqual(await sessions.load(text), session);
      assert.equal((await sessions.rotate(text, rotation(1, clock))).kind, "rotated");
      assert.equal((await sessions.revoke(text, { reason: text, by: text }))?.revokedReason, text);
      const details = Object.fromEntries([[text, text]]);
      const row = await audit.append({ actor: text, action: text, target: text, details });
      assert.deepEqual(await audit.list({ limit: 9, action: text, target: text }), [row]);
      assert.deepEqual(Object.entries(row.details), [[text, text]]);
      const key = { algorithm: text, publicJwk: text, activeFrom: clock.date };
      await signingKeys.rotate(newSigningKey(text, clock, key), "retire", text);
      const keys = await signingKeys.list(clock.date);
      assert.ok(keys.some(({ kid, publicJwk }) => kid === text && publicJwk === text));
      assert.ok(await signingKeys.extend(text, 1000));
      assert.ok(await signingKeys.remove(text, newSigningKey(`after ${text}`, clock, key), text));
      await identities.link({ issuer: text, subject: text, userId }, text);
      assert.equal((await identities.find(text, text))?.subject, text);
      await sessions.revokeAll(userId, { reason: text, by: text, except: text });
      assert.equal((await auditOf(store)).at(-1)?.details["reason"], text);
    }
    assert.equal((await sessions.list({ limit: 99 })).length, texts.length);
  },

  "refuses text that no store could give back": async (store, clock) => {
    const { sessions, audit, signingKeys, identities, totp } = store;
    const { user, session } = await userWithSession(store, clock);
    await totp.enroll(user.id, new Uint8Array());
    await signingKeys.createFirst(newSigningKey("k1", clock), "7");
    const entry = { actor: "7", action: "a", target: "t", details: {} };
    const identity = { issuer: "i", subject: "s", userId: user.id };
    for (const text of unstorable) {
      const refused = (field: string, work: () => Promise<unknown>) => conflictOn(store, field, work);
      await refused("id", () => sessions.create(newSession(text, user.id, clock)));
      for (const field of ["address", "userAgent"]) {
        await refused(field, () => sessions.create(newSession("s2", user.id, clock, { [field]: text })));
      }
      for (const [field, why] of [
        ["reason", { reason: text, by: "7" }],
        ["by", { reason: "", by: text }],
      ] as const) {
        await refused(field, () => sessions.revoke("s1", why));
        await refused(field, () => sessions.revokeAll(user.id, why));
      }
      for (const field of ["actor", "action", "target"]) {
        await refused(field, () => audit.append({ ...entry, [field]: text }));
      }
      for (const field of ["kid", "algorithm", "publicJwk"]) {
        const other = newSigningKey("k2", clock, { [field]: text });
        await refused(field, () => signingKeys.createFirst(other, "7"));
        await refused(field, () => signingKeys.rotate(other, "retire", "7"));
        await refused(field, () => signingKeys.remove("k1", other, "7"));
      }
      await refused("by", () => signingKeys.createFirst(newSigningKey("k2", clock), text));
      await refused("by", () => signingKeys.rotate(newSigningKey("k2", clock), "remove", text));
      await refused("by", () => signingKeys.remove("k1", newSigningKey("k2", clock), text));
      for (const field of ["issuer", "subject"]) {
        await refused(field, () => identities.link({ ...identity, [field]: text }, "7"));
      }
      await refused("by", () => identities.link(identity, text));
      await refused("by", () => totp.disable(user.id, text));
    }
    assert.deepEqual(await sessions.load("s1"), session);
    assert.ok(await totp.load(user.id));
    assert.equal(await identities.find("i", "s"), undefined);
    assert.equal((await signingKeys.list(clock.date)).length, 1);
  },

  "finds nothing by such text": async (store, clock) => {
    const { users, sessions, audit, signingKeys, identities } = store;
    const { id: userId } = await users.create({ username: "ada" });
    await sessions.create(newSession("nul", userId, clock));
    await audit.append({ actor: "7", action: "nul", target: "nul", details: {} });
    await identities.link({ issuer: "nul", subject: "nul", userId }, "7");
    await signingKeys.createFirst(newSigningKey("nul", clock), "7");
    for (const text of [...unstorable, "nul\0", "nul\0inside"]) {
      assert.equal(await sessions.load(text), undefined);
      assert.deepEqual(await sessions.rotate(text, rotation(1, clock)), { kind: "over" });
      assert.equal(await sessions.revoke(text, { reason: "", by: "" }), undefined);
      assert.deepEqual(
        await sessions.list({ limit: 9, after: { createdAt: new Date(clock.ms - 1), id: text } }),
        [],
      );
      assert.deepEqual(await audit.list({ limit: 9, action: text }), []);
      assert.deepEqual(await audit.list({ limit: 9, target: text }), []);
      assert.equal(await signingKeys.remove(text, newSigningKey("k2", clock), "7"), undefined);
      assert.equal(await signingKeys.extend(text, 1), false);
      assert.equal(await identities.find("nul", text), undefined);
      assert.equal(await identities.find(text, "nul"), undefined);
    }
  },

  "keeps JSON text that is not well-formed": async (store, clock) => {
    const { id } = await store.users.create({ username: "ada" });
    const methods = ["\ud800", "nul\0"];
    await store.sessions.create(newSession("s1", id, clock, { methods }));
    assert.deepEqual((await store.sessions.load("s1"))?.methods, methods);
    const details = { "nul\0": "\ud800" };
    await store.audit.append({ actor: "7", action: "a", target: "t", details });
    assert.deepEqual((await auditOf(store))[0]?.details, details);
  },
};
