import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ApiKeyUsage } from "./contracts.ts";
import { createMemoryStore } from "./memory.ts";
import { newKey } from "./suite/store-case.suite.ts";
import { createUsageRecorder } from "./usage.ts";

const never = 2 ** 30;

/** A store of usage that can be told to fail, and to wait. */
class FakeKeys {
  readonly totals = new Map<string, number>();
  readonly lastUse = new Map<string, number>();
  fails = false;
  failures = 0;
  overlapping = 0;
  mostOverlapping = 0;
  gate: Promise<void> = Promise.resolve();

  async addUsage(usage: readonly ApiKeyUsage[]): Promise<void> {
    this.overlapping += 1;
    this.mostOverlapping = Math.max(this.mostOverlapping, this.overlapping);
    await this.gate;
    this.overlapping -= 1;
    if (this.fails || this.failures > 0) {
      this.failures -= 1;
      throw new Error("no space");
    }
    for (const { id, calls, lastUsedAt } of usage) {
      this.totals.set(id, (this.totals.get(id) ?? 0) + calls);
      this.lastUse.set(id, Math.max(this.lastUse.get(id) ?? 0, lastUsedAt?.getTime() ?? 0));
    }
  }
}

describe("usage recorder", () => {
  it("adds up and flushes", async () => {
    const { users, apiKeys } = createMemoryStore();
    await users.create({ username: "ada" });
    for (const id of ["a", "b"]) await apiKeys.create(newKey(id, "1"));
    const usage = createUsageRecorder({ apiKeys, flushEveryMs: never });
    usage.record("a", 20);
    usage.record("a", 10);
    usage.record("b", 5);
    usage.record("gone", 5);
    assert.equal((await apiKeys.load("a"))?.totalRequests, 0);
    await usage.flush();
    const a = await apiKeys.load("a");
    assert.deepEqual([a?.totalRequests, a?.lastUsedAt], [2, new Date(20)]);
    await usage.flush();
    usage.record("a", 15);
    await usage.close();
    assert.equal((await apiKeys.load("a"))?.totalRequests, 3);
    assert.deepEqual((await apiKeys.load("a"))?.lastUsedAt, new Date(20));
  });

  it("keeps the counts of a flush that failed, beside new ones", async () => {
    const apiKeys = new FakeKeys();
    const usage = createUsageRecorder({ apiKeys, flushEveryMs: never });
    apiKeys.fails = true;
    usage.record("a", 30);
    const failing = usage.flush();
    usage.record("a", 10);
    usage.record("b", 1);
    await assert.rejects(failing, /no space/);
    await assert.rejects(usage.close(), /no space/);
    apiKeys.fails = false;
    usage.record("a", 20);
    await usage.close();
    assert.deepEqual(
      [...apiKeys.totals],
      [
        ["a", 3],
        ["b", 1],
      ],
    );
    assert.deepEqual(
      [...apiKeys.lastUse],
      [
        ["a", 30],
        ["b", 1],
      ],
    );
  });

  it("waits for a flush under way, and for what it took", async () => {
    const apiKeys = new FakeKeys();
    const { promise, resolve } = Promise.withResolvers<void>();
    apiKeys.gate = promise;
    const usage = createUsageRecorder({ apiKeys, flushEveryMs: never });
    usage.record("a", 1);
    const first = usage.flush();
    let done = false;
    const second = usage.flush().then(() => {
      done = true;
    });
    for (let turn = 0; turn < 20; turn += 1) await undefined;
    assert.equal(done, false);
    resolve();
    await Promise.all([first, second]);
    assert.deepEqual([...apiKeys.totals], [["a", 1]]);
  });

  it("retries in a waiting flush what the one before could not write", async () => {
    const apiKeys = new FakeKeys();
    const { promise, resolve } = Promise.withResolvers<void>();
    apiKeys.gate = promise;
    apiKeys.failures = 1;
    const usage = createUsageRecorder({ apiKeys, flushEveryMs: never });
    usage.record("a", 1);
    const first = usage.flush();
    const second = usage.flush();
    resolve();
    await assert.rejects(first, /no space/);
    await second;
    assert.deepEqual([...apiKeys.totals], [["a", 1]]);
  });

  it("is exact while many flush at once, and some fail", async () => {
    const apiKeys = new FakeKeys();
    const usage = createUsageRecorder({ apiKeys, flushEveryMs: never });
    const flushes: Promise<void>[] = [];
    for (let n = 0; n < 5000; n += 1) {
      usage.record(`k${n % 7}`, n);
      apiKeys.fails = n % 3 === 0;
      if (n % 11 === 0) flushes.push(usage.flush());
      if (n % 50 === 0) await undefined;
    }
    await Promise.allSettled(flushes);
    apiKeys.fails = false;
    await usage.close();
    assert.equal(
      [...apiKeys.totals.values()].reduce((sum, calls) => sum + calls),
      5000,
    );
    assert.equal(apiKeys.lastUse.get("k1"), 4999 - ((4999 - 1) % 7));
    assert.equal(apiKeys.mostOverlapping, 1);
  });

  it("flushes by its timer, and reports what fails", async (context) => {
    context.mock.timers.enable({ apis: ["setInterval"] });
    const apiKeys = new FakeKeys();
    const errors: unknown[] = [];
    const usage = createUsageRecorder({ apiKeys, onError: (error) => errors.push(error) });
    const turns = async () => {
      for (let turn = 0; turn < 20; turn += 1) await undefined;
    };
    usage.record("a", 1);
    context.mock.timers.tick(1999);
    await turns();
    assert.equal(apiKeys.totals.size, 0);
    apiKeys.fails = true;
    context.mock.timers.tick(1);
    await turns();
    assert.equal(errors.length, 1);
    apiKeys.fails = false;
    context.mock.timers.tick(2000);
    await turns();
    assert.equal(apiKeys.totals.get("a"), 1);
    await usage.close();
    usage.record("a", 1);
    context.mock.timers.tick(20_000);
    await turns();
    assert.equal(apiKeys.totals.get("a"), 1);
  });
});
