import type { Store } from "countersign/store";
import type { SharedRedis } from "countersign/store/redis";
import type { Config } from "../config/config.ts";
import { type NodeLimits, nodeLimits } from "../limits.ts";
import { openNodeRedis } from "../redis.ts";

/** The limits of a configuration where no server is: what is counted in the memory of one cannot be seen from here. */
export function localLimits(
  config: Config,
  store: Store,
): { limits(): Promise<NodeLimits>; close(): Promise<void> } {
  let opening: Promise<SharedRedis | undefined> | undefined;
  return {
    async limits() {
      opening ??= openNodeRedis(config, { onError: () => {} });
      return nodeLimits({ config, store, redis: await opening, memory: undefined });
    },
    async close() {
      await (await opening)?.close();
    },
  };
}
