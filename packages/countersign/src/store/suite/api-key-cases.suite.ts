import assert from "node:assert/strict";
import { apiKeyStatus } from "../api-key-status.ts";
import type { ApiKeyQuery, ApiKeyStatus, Store } from "../contracts.ts";
import { type Cases, conflictOn, eventsOf, newKey, plainKey, userWithKey } from "./store-case.suite.ts";

export const apiKeyCases: Cases = {
  "gives back what was created": async ({ users, apiKeys, revocations }, clock) => {
    const { id: userId } = await users.create({ username: "ada" });
    const digest = new Uint8Array([0, 255, 0, 7]);
    const expiresAt = new Date(clock.ms + 1000);
    const scopes = ["orders:read", "b"];
    const key = await apiKeys.create(
      newKey("k1", userId, { digest, expiresAt, scopes, roles: ["viewer"], description: "for ci" }),
    );
    const expected = {
      id: "k1",
      name: "name of k1",
      description: "for ci",
      type: "service",
      userId,
      digest: new Uint8Array([0, 255, 0, 7]),
      pepperId: "p1",
      scopes: ["orders:read", "b"],
      roles: ["viewer"],
      createdAt: clock.date,
      expiresAt: new Date(clock.ms + 1000),
      disabledAt: undefined,
      revokedAt: undefined,
      revokedReason: undefined,
      revokedBy: undefined,
      lastUsedAt: undefined,
      totalRequests: 0,
      madeBy: undefined,
      tenantId: undefined,
      ...plainKey,
    };
    assert.deepEqual({ ...key }, expected);
    digest[0] = 9;
    scopes.push("admin");
    expiresAt.setTime(0);
    key.digest[1] = 9;
    key.createdAt.setTime(0);
    assert.ok(Object.isFrozen(key) && Object.isFrozen(key.scopes));
    assert.deepEqual({ ...(await apiKeys.load("k1")) }, expected);
    const plain = await apiKeys.create(newKey("k2", userId));
    assert.deepEqual([plain.description, plain.scopes, plain.expiresAt], ["", [], undefined]);
    assert.equal(await apiKeys.load("K1"), undefined);
    assert.equal(await revocations.head(), 0);
  },

  "refuses a taken name or id and a missing user": async (store) => {
    const { users, apiKeys } = store;
    const { user, key } = await userWithKey(store);
    const bob = await users.create({ username: "bob" });
    await conflictOn(store, "id", () => apiKeys.create(newKey("k1", bob.id, { name: "other" })));
    await conflictOn(store, "name", () => apiKeys.create(newKey("k2", user.id, { name: key.name })));
    for (const userId of ["99", "0", "-1", "abc", "", "9223372036854775808"]) {
      await conflictOn(store, "userId", () => apiKeys.create(newKey("k3", userId)));
    }
    await users.delete(bob.id);
    await conflictOn(store, "userId", () => apiKeys.create(newKey("k3", bob.id)));
    const eve = await users.create({ username: "eve" });
    assert.ok(await apiKeys.create(newKey("k4", eve.id, { name: key.name })));
    await apiKeys.setDisabled("k1", true);
    await conflictOn(store, "name", () => apiKeys.create(newKey("k5", user.id, { name: key.name })));
    await apiKeys.revoke("k1", { reason: "", by: "system" });
    assert.ok(await apiKeys.create(newKey("k5", user.id, { name: key.name })));
    await conflictOn(store, "id", () => apiKeys.create(newKey("k1", user.id, { name: "free" })));
  },

  "keeps names in NFC: what looks alike is one name": async (store) => {
    const { users, apiKeys } = store;
    const { user } = await userWithKey(store);
    const [composed, apart] = ["caf\u00e9", "cafe\u0301"];
    assert.equal((await apiKeys.create(newKey("k2", user.id, { name: apart }))).name, composed);
    for (const name of [composed, apart]) {
      await conflictOn(store, "name", () => apiKeys.create(newKey("k3", user.id, { name })));
      await conflictOn(store, "name", () => apiKeys.update("k1", { name }, "7"));
      const found = await apiKeys.list({ limit: 9, text: name, now: new Date() });
      assert.deepEqual(
        found.map(({ id }) => id),
        ["k2"],
      );
    }
    const before = await apiKeys.load("k2");
    assert.deepEqual(await apiKeys.update("k2", { name: apart }, "7"), before, "nothing changes");
    const { id: userId } = await users.create({ username: "eve" });
    assert.ok(await apiKeys.create(newKey("k3", userId, { name: apart })));
  },

  "revokes once": async (store, clock) => {
    const { apiKeys } = store;
    const { key } = await userWithKey(store);
    clock.ms += 5;
    const revoked = await apiKeys.revoke("k1", { reason: "leaked", by: "7" });
    const why = { revokedAt: clock.date, revokedReason: "leaked", revokedBy: "7" };
    assert.deepEqual(revoked, { ...key, ...why });
    clock.ms += 5;
    assert.deepEqual(await apiKeys.revoke("k1", { reason: "again", by: "8" }), revoked);
    assert.deepEqual(await apiKeys.setDisabled("k1", true), revoked);
    assert.deepEqual(await apiKeys.load("k1"), revoked);
    assert.deepEqual(await eventsOf(store), [{ kind: "key", keyId: "k1", state: "revoked" }]);
    assert.equal(await apiKeys.revoke("nope", { reason: "", by: "" }), undefined);
    assert.equal(await apiKeys.setDisabled("nope", true), undefined);
  },

  "disables and enables": async (store, clock) => {
    const { apiKeys } = store;
    const { key } = await userWithKey(store);
    assert.deepEqual(await apiKeys.setDisabled("k1", false), key);
    clock.ms += 5;
    const disabled = await apiKeys.setDisabled("k1", true);
    assert.deepEqual(disabled, { ...key, disabledAt: clock.date });
    clock.ms += 5;
    assert.deepEqual(await apiKeys.setDisabled("k1", true), disabled);
    assert.deepEqual(await apiKeys.load("k1"), disabled);
    assert.deepEqual(await apiKeys.setDisabled("k1", false), key);
    const changed = { kind: "key", keyId: "k1", state: "changed" };
    assert.deepEqual(await eventsOf(store), [changed, changed]);
  },

  "lists newest first, page by page, with equal instants": async ({ users, apiKeys }, clock) => {
    const { id: userId } = await users.create({ username: "ada" });
    for (const id of ["b", "d", "a", "c", "e"]) {
      await apiKeys.create(newKey(id, userId));
      if (id === "a") clock.ms += 1;
    }
    const now = clock.date;
    const seen: string[] = [];
    for (let after: ApiKeyQuery["after"]; ; ) {
      const page = await apiKeys.list({ limit: 2, after, now });
      const last = page.at(-1);
      if (last === undefined) break;
      seen.push(...page.map(({ id }) => id));
      after = { createdAt: last.createdAt, id: last.id };
    }
    assert.deepEqual(seen, ["e", "c", "d", "b", "a"]);
    await assert.rejects(() => apiKeys.list({ limit: 0, now }), RangeError);
  },

  "lists the keys of one user": async ({ users, apiKeys }, { date: now }) => {
    const [ada, bob] = [await users.create({ username: "ada" }), await users.create({ username: "bob" })];
    await apiKeys.create(newKey("a1", ada.id));
    await apiKeys.create(newKey("b1", bob.id));
    const found = async (userId: string) =>
      (await apiKeys.list({ limit: 9, userId, now })).map(({ id }) => id);
    assert.deepEqual(await found(ada.id), ["a1"]);
    assert.deepEqual(await found("99"), []);
    assert.deepEqual(await found("x"), []);
    await users.delete(ada.id);
    assert.deepEqual(await found(ada.id), ["a1"]);
  },

  "lists those that are asked for by id, in order and within the other filters": async (
    { users, apiKeys },
    clock,
  ) => {
    const [ada, bob] = [await users.create({ username: "ada" }), await users.create({ username: "bob" })];
    for (const id of ["a1", "a2", "a3"]) {
      await apiKeys.create(newKey(id, ada.id));
      clock.ms += 1;
    }
    await apiKeys.create(newKey("b1", bob.id));
    const now = clock.date;
    const found = async (ids: readonly string[], more: Partial<ApiKeyQuery> = {}) =>
      (await apiKeys.list({ limit: 9, ids, now, ...more })).map(({ id }) => id).join();
    assert.equal(await found(["a1", "b1", "a3", "a1"]), "b1,a3,a1");
    assert.equal(await found(["a1", "b1"], { userId: ada.id }), "a1");
    assert.equal(await found(["a1", "a2"], { tenantId: "acme" }), "");
    assert.equal(
      await found(["a1", "a2", "a3"], { sort: { by: "createdAt", descending: false }, limit: 2 }),
      "a1,a2",
    );
    assert.equal(
      await found(["a1", "a2"], { after: { id: "a2", createdAt: new Date(now.getTime() - 2) } }),
      "a1",
    );
    assert.equal(await found(["a", "A1", "gone", "a1\0", "\ud800", "", "'"]), "");
    assert.equal(await found(["gone", "a1\0", "a2"]), "a2");
    assert.equal(await found([]), "");
    const many = Array.from({ length: 999 }, (_, n) => `gone${n}`);
    assert.equal(await found([...many, "a2"]), "a2");
  },

  "filters by status, to the millisecond": async (store, clock) => {
    await keysOfEveryStatus(store, clock.ms + 10);
    const expected: Record<number, Record<ApiKeyStatus, string>> = {
      9: {
        active: "expiring,plain",
        disabled: "disabled,expiring-disabled",
        expired: "",
        revoked: "all,revoked",
      },
      10: {
        active: "plain",
        disabled: "disabled",
        expired: "expiring,expiring-disabled",
        revoked: "all,revoked",
      },
    };
    for (const [after, byStatus] of Object.entries(expected)) {
      const now = new Date(clock.ms + Number(after));
      for (const status of ["active", "disabled", "expired", "revoked"] as const) {
        const keys = await store.apiKeys.list({ limit: 99, status, now });
        assert.equal(
          keys
            .map(({ id }) => id)
            .sort()
            .join(),
          byStatus[status],
          `${status} after ${after} ms`,
        );
        for (const key of keys) assert.equal(apiKeyStatus(key, now), status);
      }
    }
    const now = new Date(clock.ms + 10);
    const first = await store.apiKeys.list({ limit: 1, status: "expired", now });
    assert.deepEqual(
      first.map(({ id }) => id),
      ["expiring-disabled"],
    );
  },

  "adds up usage, and last use never goes back": async (store, { ms, date: now }) => {
    const { apiKeys } = store;
    await userWithKey(store);
    const used = (id: string, calls: number, at: number) => ({ id, calls, lastUsedAt: new Date(ms + at) });
    await apiKeys.addUsage([]);
    await apiKeys.addUsage([used("k1", 3, 50), used("gone", 9, 50), used("k1", 2, 20), used("k1", 1, 70)]);
    assert.deepEqual([(await apiKeys.load("k1"))?.totalRequests, await lastUse(store)], [6, ms + 70]);
    await apiKeys.addUsage([used("k1", 1, 60)]);
    assert.deepEqual([(await apiKeys.load("k1"))?.totalRequests, await lastUse(store)], [7, ms + 70]);
    await apiKeys.revoke("k1", { reason: "", by: "system" });
    await apiKeys.addUsage([used("k1", 1, 80)]);
    assert.deepEqual(
      [(await apiKeys.list({ limit: 9, now }))[0]?.totalRequests, await lastUse(store)],
      [8, ms + 80],
    );
    assert.equal(await store.revocations.head(), 1);
  },

  "adds up usage of more keys than one statement takes": async ({ users, apiKeys }, { date }) => {
    const { id: userId } = await users.create({ username: "ada" });
    const ids = Array.from({ length: 601 }, (_, index) => `k${index}`);
    for (const id of ids) await apiKeys.create(newKey(id, userId));
    await apiKeys.addUsage(ids.map((id, index) => ({ id, calls: index + 1, lastUsedAt: date })));
    const keys = await apiKeys.list({ limit: 1000, now: date });
    for (const key of keys) assert.equal(key.totalRequests, Number(key.id.slice(1)) + 1);
    assert.equal(keys.length, 601);
  },
};

async function keysOfEveryStatus({ users, apiKeys }: Store, expiry: number): Promise<void> {
  const { id: userId } = await users.create({ username: "ada" });
  const expiresAt = new Date(expiry);
  for (const id of ["plain", "disabled", "revoked"]) await apiKeys.create(newKey(id, userId));
  for (const id of ["expiring", "expiring-disabled", "all"])
    await apiKeys.create(newKey(id, userId, { expiresAt }));
  for (const id of ["disabled", "expiring-disabled", "all"]) await apiKeys.setDisabled(id, true);
  for (const id of ["revoked", "all"]) await apiKeys.revoke(id, { reason: "", by: "system" });
}

async function lastUse({ apiKeys }: Store): Promise<number | undefined> {
  return (await apiKeys.load("k1"))?.lastUsedAt?.getTime();
}
