import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { inspect } from "node:util";
import { TestAuthority } from "../../../../tools/certificates.ts";
import { redisPassword, startRedis } from "../../../../tools/redis-server.ts";
import type { RateLimit } from "../core/limit.ts";
import { StoreUnavailable } from "./contracts.ts";
import { inspectRedis, openRedis, type SharedRedis } from "./redis.ts";
import { readRedisUrl } from "./redis-url.ts";

const server = await startRedis();
after(() => server.stop());

const limit: RateLimit = { kind: "rate", name: "calls", limit: 2, windowSeconds: 600 };

async function opened(prefix: string, work: (redis: SharedRedis, errors: readonly Error[]) => Promise<void>) {
  const errors: Error[] = [];
  const redis = await openRedis({ url: server.url, prefix, onError: (error) => errors.push(error) });
  try {
    await work(redis, errors);
  } finally {
    await redis.close();
  }
}

async function until(what: string, done: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + 5000;
  while (!(await done())) {
    assert.ok(performance.now() < end, what);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

describe("a Redis server", () => {
  it("that forgets its scripts is told them again", () =>
    opened("flushed", async ({ limits }) => {
      const take = { limit, subject: "ada" };
      assert.equal((await limits.take([take])).ok, true);
      await server.command("SCRIPT", "FLUSH");
      const verdicts = await Promise.all(Array.from({ length: 20 }, async () => limits.take([take])));
      assert.equal(verdicts.filter(({ ok }) => ok).length, 1);
    }));

  it("keeps nothing for ever, and nobody's name", () =>
    opened("kept", async ({ limits }) => {
      await limits.take([
        { limit: { ...limit, windowSeconds: 5 }, subject: "ada" },
        { limit: { kind: "quota", name: "calls", limit: 5, period: "hour" }, subject: "ada" },
      ]);
      const keys = (await server.command("KEYS", "kept:*")) as string[];
      assert.equal(keys.length, 2);
      const lives = await Promise.all(keys.map(async (key) => Number(await server.command("PTTL", key))));
      assert.ok(lives.every((ms) => ms > 60_000 && ms <= 3_660_000));
      assert.ok(lives.some((ms) => ms <= 65_000));
      assert.ok(!keys.join().includes("ada"));
    }));

  it("has the clock: those of nodes may be as far apart as they like", async (context) => {
    await opened("clocks", async ({ limits: here }) => {
      await opened("clocks", async ({ limits: there }) => {
        const quota = { kind: "quota", name: "calls", limit: 3, period: "month" } as const;
        const takes = [
          { limit, subject: "ada" },
          { limit: quota, subject: "ada" },
        ];
        assert.equal((await here.take(takes)).ok, true);
        context.mock.timers.enable({ apis: ["Date"], now: Date.UTC(1999, 0, 1) });
        assert.equal((await there.take(takes)).ok, true);
        context.mock.timers.setTime(Date.UTC(2099, 0, 1));
        const verdict = await here.take(takes);
        assert.ok(!verdict.ok && verdict.full.limit.name === "calls" && verdict.full.limit.kind === "rate");
        assert.ok(verdict.retryAfterSeconds <= 600);
        context.mock.timers.reset();
      });
    });
  });

  it("that goes away is told of once, answers at once that it is away, and is found again", async (context) => {
    await opened("away", async ({ limits }, errors) => {
      const take = { limit: { ...limit, limit: 1_000_000 }, subject: "ada" };
      assert.equal((await limits.take([take])).ok, true);
      for (let round = 1; round <= 2; round += 1) {
        await server.kill();
        const began = performance.now();
        for (let n = 0; n < 20; n += 1)
          await assert.rejects(
            async () => limits.take([take]),
            (error: Error) => isAway(error),
          );
        assert.ok(performance.now() - began < 2000);
        await server.start();
        const back = performance.now();
        await until("it is found again", async () => works(() => limits.take([take])));
        context.diagnostic(`found again after ${(performance.now() - back).toFixed(0)} ms`);
        assert.equal(errors.length, round);
      }
      assert.ok(errors.every((error) => isAway(error)));
    });
  });

  it("may be away when it is opened", async () => {
    await server.kill();
    const errors: Error[] = [];
    const redis = await openRedis({ url: server.url, onError: (error) => errors.push(error) });
    await assert.rejects(
      async () => redis.limits.take([{ limit, subject: "x" }]),
      (error: Error) => isAway(error),
    );
    assert.equal(errors.length, 1);
    await server.start();
    await until("it is found", async () => works(() => redis.limits.take([{ limit, subject: "x" }])));
    await redis.close();
  });

  it("that refuses us stops the start, and its password is told nobody", async () => {
    const wrong = server.url.replace(/:[^:@]+@/, ":a-wrong-password@");
    for (const url of [wrong, `redis://127.0.0.1:${server.port}`, `${server.url}/9999`]) {
      const errors: Error[] = [];
      const opening = openRedis({ url, onError: (error) => errors.push(error) });
      opening.then((redis) => redis.close()).catch(() => {});
      const failure = await opening.catch((error: Error) => error);
      assert.ok(failure instanceof StoreUnavailable, url.slice(-10));
      assert.match(failure.message, /^redis:\/\/127\.0\.0\.1:\d+\/\d* refuses this program/);
      const inspected = await inspectRedis(url).catch((error: Error) => error);
      const told = inspect([failure, inspected, ...errors], { depth: 20, showHidden: true });
      assert.ok(!told.includes("a-wrong-password") && !told.includes(redisPassword), told);
      assert.ok(!told.includes(encodeURIComponent(redisPassword)), told);
    }
  });

  it("carries news to every node, and to one that was away that it may have missed some", () =>
    opened("news", (here) =>
      opened("news", async (there) => {
        const heard: (number | undefined)[] = [];
        const stop = there.onAnnounced((head) => heard.push(head));
        await until("the news", async () => {
          here.announce(7);
          return heard.includes(7);
        });
        await server.command("PUBLISH", "news:revocations", "not a number");
        await until("the odd news", async () => heard.at(-1) === undefined);
        // Before, because the connection may be there again before a restart is over.
        heard.length = 0;
        await server.restart();
        await until("the connection", async () => heard.includes(undefined));
        await until("more news", async () => {
          here.announce(8);
          return heard.includes(8);
        });
        stop();
      }),
    ));

  it("is looked at without a change", async () => {
    const findings = await inspectRedis(server.url);
    assert.match(findings.server, /^(Redis|Valkey) \d+\./);
    assert.ok(findings.latencyMs > 0 && findings.writable && !findings.evicts);
    await server.command("CONFIG", "SET", "maxmemory-policy", "allkeys-lru");
    assert.equal((await inspectRedis(server.url)).evicts, true);
    await server.command("CONFIG", "SET", "maxmemory-policy", "noeviction");
  });

  it("speaks TLS, and nobody else is believed to be it", async () => {
    const authority = new TestAuthority("redis");
    const issued = authority.issue({ subject: "/CN=localhost", dns: ["localhost"], ips: ["127.0.0.1"] });
    const secure = await startRedis({ tls: { ...issued, authority: authority.certificate } });
    try {
      const url = `${secure.url}/0?sslrootcert=${encodeURIComponent(authority.certificate)}`;
      for (const good of [url, url.replace("127.0.0.1", "localhost")]) {
        const redis = await openRedis({ url: good });
        assert.equal((await redis.limits.take([{ limit, subject: good }])).ok, true);
        await redis.close();
      }
      await assert.rejects(openRedis({ url: secure.url }), /refuses this program/);
    } finally {
      await secure.stop();
    }
  });
});

describe("a Redis URL", () => {
  it("is read, and named without its secrets", () => {
    const { name, host, port, database, tls } = readRedisUrl("rediss://u:p%40@[::1]:6380/3");
    assert.deepEqual([name, host, port, database, tls], ["rediss://[::1]:6380/3", "::1", 6380, 3, true]);
    assert.equal(readRedisUrl("redis://cache").name, "redis://cache:6379/");
  });

  it("that cannot be used is refused without being repeated", () => {
    for (const url of [
      "",
      "cache:6379",
      "http://user:secret@cache",
      "redis://",
      "redis://user:secret@cache/name",
      "redis://user:secret@cache?tls=true",
      "redis://user:secret@cache?sslrootcert=ca.pem",
      "redis://user:secret@cache:99999",
    ])
      assert.throws(
        () => readRedisUrl(url),
        (error: Error) => error instanceof TypeError && !error.message.includes("secret"),
      );
  });
});

function isAway(error: Error): boolean {
  assert.ok(error instanceof StoreUnavailable, String(error));
  assert.match(error.message, /away/);
  assert.ok(!inspect(error, { depth: 20, showHidden: true }).includes(redisPassword));
  return true;
}

async function works(work: () => unknown): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (error) {
    return !isAway(error as Error);
  }
}
