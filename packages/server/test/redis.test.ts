import { equal, ok } from "node:assert/strict";
import { after, describe, it, type TestContext } from "node:test";
import { createRevocations } from "countersign";
import { createRevocationFollower, type Store } from "countersign/store";
import { createMemoryStore } from "countersign/store/memory";
import { openRedis } from "countersign/store/redis";
import { startRedis } from "../../../tools/redis-server.ts";
import { shareNews } from "../src/redis.ts";

const server = await startRedis();
after(() => server.stop());

/** A node that would look for itself once in an hour. */
async function startNode(context: TestContext, { revocations: log }: Store) {
  const view = createRevocations();
  // Without the store's own hints.
  const { append, head, since, live, livePage, prune } = log;
  const silent = { append, head, since, live, livePage, prune };
  const bound = Object.fromEntries(
    Object.entries(silent).map(([name, method]) => [name, method.bind(log)]),
  ) as typeof silent;
  const follower = createRevocationFollower({ log: bound, view, pollEveryMs: 3_600_000 });
  await follower.start();
  const redis = await openRedis({ url: server.url, prefix: "nodes" });
  const { caughtUp, stop } = shareNews(follower, redis);
  context.after(async () => {
    stop();
    await redis.close();
    await follower.stop();
  });
  return { view, follower, caughtUp, redis };
}

describe("nodes that share a Redis", () => {
  it("hear of each other's revocations at once", async (context) => {
    const store = createMemoryStore();
    const [here, there] = [await startNode(context, store), await startNode(context, store)];
    const took: number[] = [];
    for (let n = 0; n < 40; n += 1) {
      const keyId = `key${n}`;
      await store.revocations.append([{ kind: "key", keyId, state: "revoked" }]);
      const began = performance.now();
      await here.caughtUp();
      const verdict = () => there.view.check({ keyId }, there.view.version);
      while (verdict() === "good") {
        ok(performance.now() - began < 5000, "it never heard");
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
      took.push(performance.now() - began);
      equal(verdict(), "key-revoked");
    }
    took.sort((a, b) => a - b);
    context.diagnostic(`median ${took[20]?.toFixed(1)} ms, slowest of 40 ${took[39]?.toFixed(1)} ms`);
    ok((took[20] ?? 0) < 100);
  });

  it("say nothing where nothing has changed", async (context) => {
    const store = createMemoryStore();
    const { caughtUp, redis } = await startNode(context, store);
    const heard: (number | undefined)[] = [];
    redis.onAnnounced((head) => heard.push(head));
    await until(() => heard.length > 0);
    await caughtUp();
    await store.revocations.append([{ kind: "roles" }]);
    await caughtUp();
    await caughtUp();
    await until(() => heard.includes(1));
    equal(heard.filter((head) => head !== undefined).length, 1);
  });
});

async function until(done: () => boolean): Promise<void> {
  const end = performance.now() + 5000;
  while (!done()) {
    ok(performance.now() < end);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
