import type { LimitStore } from "../limits/limit-store.ts";
import { inspectClient, type RedisFindings } from "./redis/inspect-redis.ts";
import { createClient, RedisConnection, type RedisObserver } from "./redis/redis-connection.ts";
import { RedisLimits } from "./redis/redis-limits.ts";
import { RedisNews } from "./redis/redis-news.ts";
import { redisTarget } from "./redis/redis-target.ts";

export type { RedisFindings } from "./redis/inspect-redis.ts";
export type { RedisCommand, RedisObserver } from "./redis/redis-connection.ts";

export interface RedisOptions {
  /** `rediss://USER:PASSWORD@HOST:PORT/DATABASE?sslrootcert=FILE`, or `redis://` without TLS. */
  readonly url: string;
  /** What all keys and the channel begin with: one for each installation. Default: `countersign`. */
  readonly prefix?: string | undefined;
  /** Hears once of each time that the server goes away. What it is given holds no password. */
  readonly onError?: ((error: Error) => void) | undefined;
  /** Hears of every command. Default: nothing is measured. */
  readonly observe?: RedisObserver | undefined;
  /** Milliseconds since the epoch, for tests. Default: the server's clock, which all nodes share. */
  readonly now?: (() => number) | undefined;
}

/** What a Redis or Valkey server does for nodes that share a store. It holds nothing that cannot be lost. */
export interface SharedRedis {
  /** For rates. What it counts is gone when the server loses its memory: quotas are better kept in SQL. */
  readonly limits: LimitStore;
  /** Tells other nodes that the revocation log has got as far as that. Lost where the server is away: whoever follows the log polls. */
  announce(head: number): void;
  /**
   * Calls back when another node, or this one, has announced something; undefined when something may have been missed.
   * Returns the way to stop that.
   */
  onAnnounced(listener: (head: number | undefined) => void): () => void;
  /** What there is to be read of it, at any moment. */
  readings(): { readonly away: boolean };
  close(): Promise<void>;
}

/**
 * Connects to a server, Redis 6.2 or newer or Valkey. One that is away is looked for until `close()`: meanwhile counting rejects
 * with `StoreUnavailable` within two seconds, and soon at once. Throws `StoreUnavailable` for a server that refuses us, and
 * `TypeError` for a URL that is none.
 */
export async function openRedis(options: RedisOptions): Promise<SharedRedis> {
  const { prefix = "countersign", onError = () => {}, observe, now } = options;
  if (!/^[\w.:-]{1,64}$/.test(prefix)) throw new TypeError("prefix: letters, digits, and _ . : -");
  const target = redisTarget(options.url);
  const channel = `${prefix}:revocations`;
  const connection = new RedisConnection(target, onError, observe);
  try {
    await connection.open();
  } catch (error) {
    connection.close();
    throw error;
  }
  const news = new RedisNews(target, channel);
  return Object.freeze({
    limits: new RedisLimits({ connection, prefix, now }),
    announce(head: number) {
      connection.run((client) => client.publish(channel, String(head))).catch(() => {});
    },
    onAnnounced: (listener: (head: number | undefined) => void) =>
      news.subscribe((message) => {
        const head = message === undefined ? undefined : Number(message);
        listener(Number.isSafeInteger(head) ? head : undefined);
      }),
    readings: () => ({ away: connection.isAway }),
    async close() {
      news.close();
      connection.close();
    },
  });
}

/** Looks at a server. Throws `StoreUnavailable` and `TypeError` as `openRedis` does, and also for one that is away. */
export async function inspectRedis(url: string): Promise<RedisFindings> {
  const target = redisTarget(url);
  return inspectClient(target.name, (onTrouble) => createClient(target, onTrouble));
}
