import assert from "node:assert/strict";
import { Conflict } from "../contracts.ts";
import { type Cases, eventsOf, newKey, userWithKey } from "./store-case.suite.ts";

const many = Array.from({ length: 200 }, (_, index) => index);

export const concurrencyCases: Cases = {
  "creates 200 users at once": async ({ users }) => {
    const created = await Promise.all(many.map((n) => users.create({ username: `user${n}` })));
    assert.equal(new Set(created.map(({ id }) => id)).size, 200);
    assert.equal((await users.list({ limit: 500 })).length, 200);
  },

  "lets one of many take a name": async ({ users, apiKeys }) => {
    const results = await Promise.allSettled(
      many.map((n) => users.create({ username: n % 2 === 0 ? "ada" : "ADA" })),
    );
    const refused = results.filter((result) => result.status === "rejected");
    assert.equal(refused.length, 199);
    assert.ok(refused.every(({ reason }) => reason instanceof Conflict && reason.field === "username"));
    const keys = await Promise.allSettled(
      many.map((n) => apiKeys.create(newKey(`k${n}`, "1", { name: "one" }))),
    );
    assert.equal(keys.filter(({ status }) => status === "fulfilled").length, 1);
  },

  "loses none of 200 updates": async (store) => {
    const { user } = await userWithKey(store);
    await Promise.all(many.map((n) => store.users.update(user.id, { attributes: { [`a${n}`]: "x" } })));
    assert.equal(Object.keys((await store.users.load(user.id))?.attributes ?? {}).length, 200);
    assert.equal((await eventsOf(store)).length, 200);
  },

  "counts 200 additions exactly": async (store, { date: lastUsedAt }) => {
    await userWithKey(store);
    await Promise.all(many.map((calls) => store.apiKeys.addUsage([{ id: "k1", calls, lastUsedAt }])));
    assert.equal((await store.apiKeys.load("k1"))?.totalRequests, 19_900);
  },

  "numbers the log without gaps": async ({ revocations }) => {
    const event = (n: number) => ({ kind: "session", sessionId: `s${n}`, expiresAt: 9e9 }) as const;
    const last = await Promise.all(
      many.map((n) => revocations.append(n % 2 === 0 ? [event(n)] : [event(n), event(n)])),
    );
    assert.equal(new Set(last).size, 200);
    const entries = (await revocations.since(0, 1000)) ?? [];
    assert.deepEqual(
      entries.map(({ sequence }) => sequence),
      Array.from({ length: 300 }, (_, index) => index + 1),
    );
  },

  "leaves one active superuser however many step down at once": async ({ users }) => {
    const ids = await Promise.all(
      many
        .slice(0, 20)
        .map(async (n) => (await users.create({ username: `root${n}`, isSuperuser: true })).id),
    );
    const results = await Promise.allSettled(
      ids.map((id, n) => {
        if (n % 3 === 0) return users.delete(id);
        return users.update(id, n % 3 === 1 ? { isActive: false } : { isSuperuser: false });
      }),
    );
    assert.equal(results.filter(({ status }) => status === "rejected").length, 1);
    assert.ok(await users.firstSuperuser());
  },

  "never shows a change without its event": async (store) => {
    const { users, revocations } = store;
    const { id } = await users.create({ username: "ada" });
    const check = async () => {
      const seen = Number((await users.load(id))?.attributes["n"] ?? 0);
      // Read after the user: what was seen there must be in the log by now.
      assert.ok((await revocations.head()) >= seen);
    };
    const writes = many.slice(1).map((n) => users.update(id, { attributes: { n: String(n) } }));
    await Promise.all([...writes, ...many.map(check)]);
    assert.equal(await revocations.head(), 199);
  },

  "does not let what fails spoil what runs beside it": async (store) => {
    const { user } = await userWithKey(store);
    await store.users.create({ username: "bob" });
    const results = await Promise.allSettled(
      many.map((n) =>
        n % 2 === 0
          ? store.users.update(user.id, { attributes: { [`a${n}`]: "x" } })
          : store.users.update(user.id, { username: "BOB", attributes: { [`a${n}`]: "x" } }),
      ),
    );
    assert.equal(results.filter(({ status }) => status === "rejected").length, 100);
    assert.equal(Object.keys((await store.users.load(user.id))?.attributes ?? {}).length, 100);
    assert.equal(await store.revocations.head(), 100);
  },
};
