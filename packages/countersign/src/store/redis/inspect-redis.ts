import type { Redis } from "ioredis";
import { inTime } from "./redis-connection.ts";
import { redisFailure, withoutCommand } from "./redis-error.ts";

/** What can be found out about a server without changing it. */
export interface RedisFindings {
  /** `redis://HOST:PORT/DATABASE` */
  readonly name: string;
  /** As it says it: `Redis 7.0.15`, `Valkey 8.1.0`. */
  readonly server: string;
  /** Of one question and its answer, at best. */
  readonly latencyMs: number;
  /** Whether it takes keys away before their time when its memory is full, and with them what was counted. */
  readonly evicts: boolean;
  /** A replica refuses to count. */
  readonly writable: boolean;
}

const questions = 5;

export async function inspectClient(
  name: string,
  connect: (onTrouble: (error: Error) => void) => Redis,
): Promise<RedisFindings> {
  let trouble: Error | undefined;
  const client = connect((error) => {
    trouble = error;
  });
  try {
    await client.connect();
    if (trouble !== undefined) throw trouble;
    const info = await inTime(client.info());
    return {
      name,
      server: serverOf(info),
      latencyMs: await latencyOf(client),
      evicts: !["noeviction", undefined].includes(memberOf(info, "maxmemory_policy")),
      writable: memberOf(info, "role") !== "slave",
    };
  } catch (error) {
    throw redisFailure(name, trouble ?? withoutCommand(error as Error));
  } finally {
    client.disconnect();
  }
}

function serverOf(info: string): string {
  const valkey = memberOf(info, "valkey_version");
  return valkey === undefined ? `Redis ${memberOf(info, "redis_version") ?? "?"}` : `Valkey ${valkey}`;
}

function memberOf(info: string, name: string): string | undefined {
  return new RegExp(`^${name}:(.*?)\\r?$`, "m").exec(info)?.[1];
}

async function latencyOf(client: Redis): Promise<number> {
  let best = Number.POSITIVE_INFINITY;
  for (let n = 0; n < questions; n += 1) {
    const began = performance.now();
    await client.ping();
    best = Math.min(best, performance.now() - began);
  }
  return best;
}
