import assert from "node:assert/strict";
import type { ApiKeyQuery, ApiKeyRotation } from "../api-key-contracts.ts";
import { apiKeyStatus } from "../api-key-status.ts";
import type { Store } from "../contracts.ts";
import { type Cases, conflictOn, eventsOf, newKey, type TestClock, userWithKey } from "./store-case.suite.ts";

const hour = 3_600_000;

function rotation(id: string, clock: TestClock, more: Partial<ApiKeyRotation> = {}): ApiKeyRotation {
  const digest = new Uint8Array([9]);
  const graceEndsAt = new Date(clock.ms + hour);
  return { id, digest, pepperId: "p1", expiresAt: undefined, graceEndsAt, by: "7", ...more };
}

const actions = async ({ audit }: Store): Promise<string[]> =>
  (await audit.list({ limit: 100 }))
    .filter(({ target }) => target.startsWith("key:"))
    .map(({ action, actor }) => `${action} by ${actor}`)
    .reverse();

export const keyChangeCases: Cases = {
  "are kept, each with its audit row, and what is not named stays": async (store, clock) => {
    const { apiKeys } = store;
    const { key } = await userWithKey(store);
    clock.ms += 5;
    const limits = {
      scopes: ["a:b"],
      addressRanges: ["10.0.0.0/8"],
      methods: ["/a.B/*"],
      tags: ["ci", "eu"],
    };
    const callLimits = [{ calls: 5, per: "minute" as const }];
    const expiresAt = new Date(clock.ms + hour);
    const updated = await apiKeys.update("k1", { ...limits, callLimits, expiresAt, name: "new" }, "7");
    const expected = { ...key, ...limits, callLimits, expiresAt, name: "new", updatedAt: clock.date };
    assert.deepEqual(updated, expected);
    assert.deepEqual(await apiKeys.load("k1"), expected);
    clock.ms += 5;
    // Nothing is changed: nothing is written.
    assert.deepEqual(
      await apiKeys.update("k1", { ...limits, callLimits, expiresAt, name: "new" }, "7"),
      expected,
    );
    assert.equal((await apiKeys.update("k1", { expiresAt: "never" }, "7"))?.expiresAt, undefined);
    assert.deepEqual(await eventsOf(store), Array(2).fill({ kind: "key", keyId: "k1", state: "changed" }));
    assert.deepEqual(await actions(store), ["key.created by system", "key.updated by 7", "key.updated by 7"]);
    const [, row] = await store.audit.list({ limit: 2, action: "key.updated" });
    assert.deepEqual([row?.target, row?.related], ["key:k1", `user:${key.userId}`]);
    assert.deepEqual([row?.before?.["tags"], row?.after?.["tags"]], ["[]", '["ci","eu"]']);
    assert.deepEqual([row?.before?.["expiresAt"], row?.after?.["expiresAt"]], ["", expiresAt.toISOString()]);
    assert.equal(await apiKeys.update("nope", { name: "x" }, "7"), undefined);
    await apiKeys.create(newKey("k2", key.userId));
    await conflictOn(store, "name", () => apiKeys.update("k2", { name: "new" }, "7"));
    await conflictOn(store, "roles", () => apiKeys.update("k2", { roles: ["nobody"] }, "7"));
    await apiKeys.setDisabled("k2", true, "8");
    await apiKeys.setDisabled("k2", false, "8");
    await apiKeys.revoke("k2", { reason: "", by: "9" });
    await conflictOn(store, "id", () => apiKeys.update("k2", { description: "x" }, "7"));
    assert.deepEqual((await actions(store)).slice(-3), [
      "key.disabled by 8",
      "key.enabled by 8",
      "key.revoked by 9",
    ]);
  },

  "rotate into a key of its own, and the old one ends with its grace": async (store, clock) => {
    const { apiKeys } = store;
    const user = await store.users.create({ username: "ada" });
    const more = { scopes: ["a:b"], tags: ["ci"], addressRanges: ["10.0.0.0/8"], description: "d" };
    const old = await apiKeys.create(newKey("k1", user.id, more));
    clock.ms += 5;
    const rotated = await apiKeys.rotate("k1", rotation("k2", clock, { prefix: "cs_x" }));
    const now = clock.date;
    const graceEndsAt = new Date(clock.ms + hour);
    assert.deepEqual(rotated?.previous, {
      ...old,
      ...{ rotatedAt: now, graceEndsAt, replacedBy: "k2", revokedReason: "rotated", revokedBy: "7" },
    });
    const digest = new Uint8Array([9]);
    assert.deepEqual(rotated?.created, {
      ...old,
      id: "k2",
      digest,
      prefix: "cs_x",
      createdAt: now,
      replaces: "k1",
    });
    assert.deepEqual(await apiKeys.load("k2"), rotated?.created);
    assert.deepEqual(await eventsOf(store), [{ kind: "key", keyId: "k1", state: "changed" }]);
    await conflictOn(store, "id", () => apiKeys.rotate("k1", rotation("k3", clock)));
    await conflictOn(store, "expiresAt", () => apiKeys.update("k1", { expiresAt: "never" }, "7"));
    // The name belongs to the new one now.
    await conflictOn(store, "name", () => apiKeys.create(newKey("k3", user.id, { name: old.name })));
    const statuses = async (): Promise<string> => {
      const keys = await apiKeys.list({ limit: 9, now: clock.date });
      return keys.map((key) => apiKeyStatus(key, clock.date)).join();
    };
    assert.equal(await statuses(), "active,active");
    clock.ms += hour - 1;
    assert.equal(await statuses(), "active,active");
    clock.ms += 1;
    assert.equal(await statuses(), "active,revoked");
    const revoked = await apiKeys.list({ limit: 9, status: "revoked", now: clock.date });
    assert.deepEqual(
      revoked.map(({ id }) => id),
      ["k1"],
    );
    assert.equal((await apiKeys.list({ limit: 9, status: "active", now: clock.date })).length, 1);
    assert.deepEqual(await apiKeys.revoke("k1", { reason: "again", by: "8" }), rotated?.previous);
    assert.equal(await apiKeys.rotate("nope", rotation("k9", clock)), undefined);
    const done = ["key.created by system", "key.created by 7", "key.rotated by 7"];
    assert.deepEqual(await actions(store), done);
  },

  "rotate with no grace, with an early end, and never past the old end": async (store, clock) => {
    const { apiKeys } = store;
    const { user } = await userWithKey(store);
    const at = new Date(clock.ms);
    const { previous } = (await apiKeys.rotate("k1", rotation("k2", clock, { graceEndsAt: at }))) ?? {};
    assert.deepEqual([previous?.revokedAt, previous?.revokedReason], [at, "rotated"]);
    assert.deepEqual(await eventsOf(store), [{ kind: "key", keyId: "k1", state: "revoked" }]);
    await conflictOn(store, "id", () => apiKeys.rotate("k1", rotation("k3", clock)));
    await apiKeys.rotate("k2", rotation("k3", clock));
    const early = await apiKeys.revoke("k2", { reason: "no longer used", by: "8" });
    assert.deepEqual([early?.revokedAt, early?.revokedReason, early?.revokedBy], [at, "no longer used", "8"]);
    const soon = new Date(clock.ms + 10);
    await apiKeys.create(newKey("e1", user.id, { expiresAt: soon }));
    assert.deepEqual((await apiKeys.rotate("e1", rotation("e2", clock)))?.previous.graceEndsAt, soon);
    await apiKeys.setDisabled("e2", true);
    await conflictOn(store, "id", () => apiKeys.rotate("e2", rotation("e3", clock)));
    // All or nothing: an id that is taken leaves the old one as it was.
    await conflictOn(store, "id", () => apiKeys.rotate("k3", rotation("e1", clock)));
    assert.equal((await apiKeys.load("k3"))?.replacedBy, undefined);
    clock.ms += 10;
    const expired = await apiKeys.create(newKey("f1", user.id, { expiresAt: new Date(clock.ms) }));
    assert.equal(apiKeyStatus(expired, clock.date), "expired");
    await conflictOn(store, "id", () => apiKeys.rotate("f1", rotation("f2", clock)));
    await conflictOn(store, "expiresAt", () => apiKeys.update("f1", { expiresAt: "never" }, "7"));
  },

  "are listed by type, tag, text, end and use": async ({ users, apiKeys }, clock) => {
    const { id: userId } = await users.create({ username: "ada" });
    const soon = new Date(clock.ms + hour);
    await apiKeys.create(newKey("Abc1", userId, { name: "Nightly Ä", type: "cli", tags: ["ci", "a_b"] }));
    await apiKeys.create(
      newKey("k2", userId, { name: "hook", type: "webhook", expiresAt: soon, prefix: "cs_dev_k2" }),
    );
    clock.ms += 1000;
    await apiKeys.create(newKey("k3", userId, { name: "late", tags: ["axb"] }));
    await apiKeys.addUsage([{ id: "Abc1", calls: 1, lastUsedAt: clock.date }]);
    const list = async (query: Partial<ApiKeyQuery>): Promise<string> => {
      const keys = await apiKeys.list({ limit: 9, now: clock.date, ...query });
      return keys.map(({ id }) => id).join();
    };
    assert.equal(await list({ type: "cli" }), "Abc1");
    assert.equal(await list({ tag: "ci" }), "Abc1");
    assert.equal(await list({ tag: "a_b" }), "Abc1");
    assert.equal(await list({ tag: "c" }), "");
    assert.equal(await list({ text: "nIGHT" }), "Abc1");
    assert.equal(await list({ text: "Ä" }), "Abc1");
    assert.equal(await list({ text: "Ab" }), "Abc1");
    assert.equal(await list({ text: "cs_dev_" }), "k2");
    assert.equal(await list({ text: "%" }), "");
    assert.equal(await list({ expiringBefore: new Date(clock.ms + hour) }), "k2");
    assert.equal(await list({ expiringBefore: soon }), "");
    assert.equal(await list({ unusedSince: clock.date }), "k2");
    assert.equal(await list({ unusedSince: new Date(clock.ms + 1) }), "k3,k2,Abc1");
    assert.equal(await list({ text: "k", type: "webhook", status: "active", limit: 1 }), "k2");
    for (const text of ["\0", "\ud800"]) assert.equal(await list({ text, tag: text, type: text }), "");
  },

  "are given out by a link once": async (store, clock) => {
    const { apiKeys } = store;
    const { id: userId } = await store.users.create({ username: "ada" });
    const sealed = new Uint8Array([1, 2, 3]);
    const link = (byte: number) => ({
      digest: new Uint8Array(32).fill(byte),
      sealed,
      expiresAt: new Date(clock.ms + hour),
    });
    await apiKeys.create(newKey("k1", userId, { link: link(1) }));
    await apiKeys.rotate("k1", rotation("k2", clock, { link: link(2) }));
    await apiKeys.create(newKey("k3", userId, { link: link(3) }));
    await apiKeys.create(newKey("k4", userId, { link: link(4) }));
    const reveal = (byte: number) => apiKeys.reveal(new Uint8Array(32).fill(byte), "192.0.2.1");
    const both = await Promise.all([reveal(1), reveal(1)]);
    assert.deepEqual(both.map(({ kind }) => kind).sort(), ["gone", "revealed"]);
    assert.deepEqual(
      both.find(({ kind }) => kind === "revealed"),
      { kind: "revealed", apiKeyId: "k1", sealed },
    );
    assert.deepEqual(await reveal(1), { kind: "gone", revealedAt: clock.date });
    assert.equal((await reveal(2)).kind, "revealed");
    assert.deepEqual(await reveal(9), { kind: "unknown" });
    await apiKeys.revoke("k3", { reason: "", by: "7" });
    assert.deepEqual(await reveal(3), { kind: "gone", revealedAt: undefined });
    clock.ms += hour;
    assert.deepEqual(await reveal(4), { kind: "gone", revealedAt: undefined });
    const rows = (await store.audit.list({ limit: 100 })).filter(({ action }) => action === "key.revealed");
    assert.deepEqual(
      rows.map(({ target, details }) => [target, details["address"]]),
      [
        ["key:k2", "192.0.2.1"],
        ["key:k1", "192.0.2.1"],
      ],
    );
    const prune = (now: Date) => apiKeys.prune({ hours: now, days: now, now });
    await prune(clock.date);
    assert.equal((await reveal(4)).kind, "gone");
    await prune(new Date(clock.ms + 8 * 24 * hour));
    assert.equal((await reveal(4)).kind, "unknown");
  },
};
