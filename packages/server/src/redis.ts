import type { RevocationFollower } from "countersign/store";
import type { RedisObserver, SharedRedis } from "countersign/store/redis";
import type { Config } from "./config/config.ts";
import { ConfigError } from "./config/config-error.ts";

/** The Redis of a configuration; undefined without one. One that is away is looked for; one that refuses us stops the start. */
export async function openNodeRedis(
  { redis, secrets }: Pick<Config, "redis" | "secrets">,
  {
    onError,
    observe,
  }: { readonly onError: (error: Error) => void; readonly observe?: RedisObserver | undefined },
): Promise<SharedRedis | undefined> {
  if (secrets.redisUrl === undefined) return undefined;
  // The driver is loaded when it is needed.
  const { openRedis } = await import("countersign/store/redis");
  try {
    return await openRedis({ url: secrets.redisUrl, prefix: redis.prefix, onError, observe });
  } catch (error) {
    if (error instanceof TypeError) throw new ConfigError(`redis.url: ${error.message}`);
    throw error;
  }
}

/**
 * Follows what other nodes announce, and announces what this one has caught up with: that is how a change is told. Returns
 * `caughtUp`, and the way to stop.
 */
export function shareNews(
  follower: RevocationFollower,
  redis: SharedRedis | undefined,
): { readonly caughtUp: () => Promise<void>; readonly stop: () => void } {
  if (redis === undefined) return { caughtUp: () => follower.catchUp(), stop: () => {} };
  // What everybody has been told.
  let told = follower.head ?? 0;
  const stop = redis.onAnnounced((head) => {
    told = Math.max(told, head ?? 0);
    // This node may have said it.
    if (head !== undefined && head <= (follower.head ?? -1)) return;
    // What cannot be read now is told by whoever polls.
    follower.catchUp().catch(() => {});
  });
  return {
    stop,
    async caughtUp() {
      await follower.catchUp();
      const { head = 0 } = follower;
      if (head <= told) return;
      told = head;
      redis.announce(head);
    },
  };
}
