import assert from "node:assert/strict";
import type { ApiKeyUsage, UsageCount } from "../api-key-contracts.ts";
import { Conflict } from "../contracts.ts";
import { type Cases, newKey, userWithKey } from "./store-case.suite.ts";

const hour = 3_600_000;
const day = 24 * hour;

export const keyUsageCases: Cases = {
  "is added once, however often a flush is told": async (store, clock) => {
    const { apiKeys } = store;
    await userWithKey(store);
    const hours: UsageCount = { startsAt: new Date(0), allowed: 3, denied: 1 };
    const usage = [{ id: "k1", calls: 3, lastUsedAt: clock.date, hours: [hours] }];
    const total = async () => (await apiKeys.load("k1"))?.totalRequests;
    const [one, other] = [{ writer: "one" }, { writer: "other" }];
    for (const [flush, expected] of [
      [{ ...one, number: 1 }, 3],
      [{ ...one, number: 1 }, 3],
      [{ ...other, number: 1 }, 6],
      [{ ...one, number: 2 }, 9],
      [{ ...one, number: 1 }, 9],
      [undefined, 12],
    ] as const) {
      await apiKeys.addUsage(usage, flush);
      assert.equal(await total(), expected);
    }
    const all = { id: "k1", period: "day", from: new Date(0), until: new Date(clock.ms + 1e12) } as const;
    const sums = (await apiKeys.usage(all)).map(({ allowed, denied }) => [allowed, denied]);
    assert.deepEqual(sums, [[12, 4]]);
    await assert.rejects(() => apiKeys.addUsage(usage, { writer: "\0", number: 1 }), Conflict);
    // After a month nobody tries again.
    const later = (days: number) => {
      const now = new Date(clock.ms + days * day);
      return { now, hours: now, days: now };
    };
    await apiKeys.prune(later(29));
    await apiKeys.addUsage(usage, { ...one, number: 2 });
    assert.equal(await total(), 12);
    await apiKeys.prune(later(31));
    await apiKeys.addUsage(usage, { ...one, number: 2 });
    assert.equal(await total(), 15);
  },

  "is counted by the hour and by the day, and what is old falls out": async (store, clock) => {
    const { apiKeys } = store;
    const { user } = await userWithKey(store);
    await apiKeys.create(newKey("k2", user.id));
    const midnight = Math.floor(clock.ms / day) * day;
    const count = (at: number, allowed: number, denied: number): UsageCount => ({
      startsAt: new Date(midnight + at),
      allowed,
      denied,
    });
    const used = (id: string, hours: readonly UsageCount[]): ApiKeyUsage => ({
      id,
      calls: 0,
      lastUsedAt: undefined,
      hours,
    });
    await apiKeys.addUsage([
      used("k1", [count(0, 1, 2), count(hour, 3, 0), count(hour, 1, 0)]),
      used("k1", [count(hour, 1, 1), count(day, 5, 0)]),
      used("k2", [count(0, 9, 9)]),
      used("gone", [count(0, 7, 7)]),
    ]);
    await apiKeys.addUsage([used("k1", [count(0, 1, 0)])]);
    const read = async (period: "hour" | "day", from = 0, until = 9 * day, id = "k1") => {
      const query = { id, period, from: new Date(midnight + from), until: new Date(midnight + until) };
      return (await apiKeys.usage(query)).map(
        ({ startsAt, allowed, denied }) => `${(startsAt.getTime() - midnight) / hour}:${allowed}/${denied}`,
      );
    };
    assert.deepEqual(await read("hour"), ["0:2/2", "1:5/1", "24:5/0"]);
    assert.deepEqual(await read("day"), ["0:7/3", "24:5/0"]);
    assert.deepEqual(await read("hour", hour, day), ["1:5/1"]);
    assert.deepEqual(await read("day", day), ["24:5/0"]);
    assert.deepEqual(await read("hour", 0, day, "k2"), ["0:9/9"]);
    assert.deepEqual(await read("hour", 0, day, "gone"), []);
    assert.deepEqual(await read("hour", 0, day, "\0"), []);
    const several = await apiKeys.usageOf({
      ids: ["k2", "gone", "k1", "\0"],
      period: "day",
      from: new Date(midnight + day),
      until: new Date(midnight + 2 * day),
    });
    assert.deepEqual([...several.keys()], ["k1"]);
    assert.deepEqual(several.get("k1"), [count(day, 5, 0)]);
    const none = { ids: [], period: "day", from: new Date(midnight), until: new Date(midnight) } as const;
    assert.equal((await apiKeys.usageOf(none)).size, 0);
    // Denied calls are no use.
    assert.deepEqual(
      [(await apiKeys.load("k1"))?.totalRequests, (await apiKeys.load("k1"))?.lastUsedAt],
      [0, undefined],
    );
    const at = (ms: number) => new Date(midnight + ms);
    await apiKeys.prune({ hours: at(day), days: at(0), now: at(day) });
    assert.deepEqual(await read("hour"), ["24:5/0"]);
    assert.deepEqual(await read("day"), ["0:7/3", "24:5/0"]);
    await apiKeys.prune({ hours: at(day), days: at(day), now: at(day) });
    assert.deepEqual(await read("day"), ["24:5/0"]);
  },

  "remembers from where a key was used, and what for": async (store, clock) => {
    const { apiKeys } = store;
    await userWithKey(store);
    const used = (at: number, more: Partial<ApiKeyUsage>): ApiKeyUsage => ({
      id: "k1",
      calls: 1,
      lastUsedAt: new Date(clock.ms + at),
      ...more,
    });
    const last = async () => {
      const key = await apiKeys.load("k1");
      return [key?.lastUsedAt?.getTime(), key?.lastUsedAddress, key?.lastUsedAgent];
    };
    await apiKeys.addUsage([
      used(10, {
        lastUsedAddress: "192.0.2.1",
        lastUsedAgent: "curl",
        networks: ["192.0.2.1"],
        scopes: ["b", "a"],
      }),
      used(5, { lastUsedAddress: "192.0.2.9", lastUsedAgent: "old", networks: ["192.0.2.9"] }),
    ]);
    assert.deepEqual(await last(), [clock.ms + 10, "192.0.2.1", "curl"]);
    await apiKeys.addUsage([
      used(7, { lastUsedAddress: "192.0.2.7", networks: ["192.0.2.1"], scopes: ["b"] }),
    ]);
    assert.deepEqual(await last(), [clock.ms + 10, "192.0.2.1", "curl"]);
    await apiKeys.addUsage([used(20, {})]);
    assert.deepEqual(await last(), [clock.ms + 20, "192.0.2.1", "curl"]);
    const traces = async (since: number) =>
      (await apiKeys.traces(["k1", "gone"], new Date(clock.ms + since))).get("k1");
    assert.deepEqual(await traces(0), { networks: 2, usedScopes: ["a", "b"] });
    assert.deepEqual(await traces(6), { networks: 1, usedScopes: ["a", "b"] });
    assert.equal((await apiKeys.traces(["gone"], clock.date)).size, 0);
    const seen = (await apiKeys.networks("k1")).map((one) => [
      one.network,
      one.lastUsedAt.getTime() - clock.ms,
    ]);
    assert.deepEqual(seen, [
      ["192.0.2.1", 10],
      ["192.0.2.9", 5],
    ]);
    assert.deepEqual([await apiKeys.networks("gone"), await apiKeys.networks("\0")], [[], []]);
    // However many there are, so many are kept.
    const networks = Array.from({ length: 300 }, (_, index) => `10.0.${index >> 8}.${index & 255}`);
    for (const network of networks) await apiKeys.addUsage([used(30, { networks: [network] })]);
    assert.equal((await traces(0))?.networks, 256);
    const now = new Date(clock.ms + 25);
    await apiKeys.prune({ hours: now, days: now, now });
    assert.equal((await traces(0))?.networks, 254);
  },
};
