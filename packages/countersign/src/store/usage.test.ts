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
  it("adds a part at a time where it is told to, and tries again only what was not added", async () => {
    const apiKeys = new FakeKeys();
    const usage = createUsageRecorder({ apiKeys, flushEveryMs: never, batchSize: 2 });
    for (const id of ["a", "b", "c", "d", "e"]) usage.record(id, 1);
    const { addUsage } = FakeKeys.prototype;
    let batches = 0;
    apiKeys.addUsage = async function (batch) {
      assert.ok(batch.length <= 2);
      batches += 1;
      apiKeys.failures = batches === 2 ? 1 : 0;
      return addUsage.call(this, batch);
    };
    await assert.rejects(usage.flush(), /no space/);
    await usage.close();
    assert.deepEqual(Object.fromEntries(apiKeys.totals), { a: 1, b: 1, c: 1, d: 1, e: 1 });
  });

  it("rests between two transactions of the timer, for a second in all, and not while somebody waits", async (t) => {
    t.mock.timers.enable({ apis: ["setInterval", "setTimeout"] });
    const turn = async (ms: number) => {
      t.mock.timers.tick(ms);
      for (let n = 0; n < 20; n++) await null;
    };
    const apiKeys = new FakeKeys();
    const recorder = (restMs: number) =>
      createUsageRecorder({ apiKeys, flushEveryMs: 2000, batchSize: 1, restMs });
    const usage = recorder(10);
    for (const id of ["a", "b", "c", "d", "e"]) usage.record(id, 1);
    await turn(2000);
    assert.equal(apiKeys.totals.size, 1);
    await turn(9);
    assert.equal(apiKeys.totals.size, 1);
    await turn(1);
    assert.equal(apiKeys.totals.size, 2);
    await usage.flush();
    assert.equal(apiKeys.totals.size, 5);
    await usage.close();

    apiKeys.totals.clear();
    const slow = recorder(1000);
    for (let id = 0; id < 10; id++) slow.record(String(id), 1);
    await turn(2000);
    for (let n = 0; n < 10; n++) await turn(100);
    assert.equal(apiKeys.totals.size, 10);
    await slow.close();
  });

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

  it("counts by the hour, allowed and denied, and remembers from where and what for", async () => {
    const { users, apiKeys } = createMemoryStore();
    const { id: userId } = await users.create({ username: "ada" });
    await apiKeys.create(newKey("a", userId));
    const usage = createUsageRecorder({ apiKeys, flushEveryMs: never });
    const hour = 3_600_000;
    const from = (address: string, agent: string) => ({ peer: { address }, header: () => [agent] });
    const at = 500_000 * hour;
    usage.record("a", at + hour - 1, from("192.0.2.1:1", "curl/8"));
    usage.record("a", at + hour, from("192.0.2.1:1", "curl/8"));
    usage.recordDenied("a", at + hour + 5);
    usage.record("a", at + hour + 1, from("[2001:db8::7]:9", "gr\u0000pc\u00e9"));
    usage.recordDenied("a", at + 5);
    for (const scope of ["x:y", "x:y", "z"]) usage.recordScope("a", scope);
    await usage.flush();
    const range = { from: new Date(at), until: new Date(at + 2 * hour) };
    const counts = (await apiKeys.usage({ id: "a", period: "hour", ...range })).map(
      ({ startsAt, allowed, denied }) => [(startsAt.getTime() - at) / hour, allowed, denied],
    );
    assert.deepEqual(counts, [
      [0, 1, 1],
      [1, 2, 1],
    ]);
    const key = await apiKeys.load("a");
    assert.deepEqual(
      [key?.lastUsedAddress, key?.lastUsedAgent, key?.totalRequests],
      ["2001:db8::7", "gr?pc?", 3],
    );
    const traces = (await apiKeys.traces(["a"], new Date(0))).get("a");
    assert.deepEqual(traces, { networks: 2, usedScopes: ["x:y", "z"] });
    await usage.close();
  });

  it("is exact for many nodes that count at once, while their store fails now and then", async () => {
    const { users, apiKeys } = createMemoryStore();
    const { id: userId } = await users.create({ username: "ada" });
    await apiKeys.create(newKey("a", userId));
    let turn = 0;
    const failing = {
      async addUsage(counted: readonly ApiKeyUsage[]) {
        turn += 1;
        await undefined;
        if (turn % 3 === 0) throw new Error("no space");
        await apiKeys.addUsage(counted);
      },
    };
    const nodes = [1, 2, 3].map(() => createUsageRecorder({ apiKeys: failing, flushEveryMs: never }));
    for (let call = 0; call < 999; call += 1) {
      const node = nodes[call % 3];
      if (call % 10 === 0) node?.recordDenied("a", 3_600_000 * call);
      else node?.record("a", 3_600_000 * call);
      if (call % 50 === 0) await Promise.allSettled(nodes.map((one) => one.flush()));
    }
    for (const node of nodes) while ((await node.close().catch(() => "again")) === "again");
    const counts = await apiKeys.usage({
      id: "a",
      period: "hour",
      from: new Date(0),
      until: new Date(3_600_000 * 1000),
    });
    assert.deepEqual(
      counts.map(({ allowed, denied }) => allowed + denied),
      Array(999).fill(1),
    );
    assert.equal((await apiKeys.load("a"))?.totalRequests, 899);
  });
});
