import { after } from "node:test";
import { startRedis } from "../../../../tools/redis-server.ts";
import { openRedis } from "./redis.ts";
import { describeLimits } from "./store.suite.ts";

const server = await startRedis();
after(() => server.stop());

let count = 0;

describeLimits("Redis", async (now) => {
  count += 1;
  const store = await openRedis({ url: server.url, prefix: `test${count}`, now });
  return { store, dispose: () => store.close() };
});
