import { StoreUnavailable } from "countersign/store";
import type { RedisFindings } from "countersign/store/redis";
import type { Config } from "../config/config.ts";
import { type Check, fail, ok, warn } from "./check.ts";

const name = "redis";

/** Counting a call waits for it. */
const slowMs = 10;

/** Looks at the Redis of a configuration without changing it. Nothing where there is none. */
export async function checkRedis({ secrets, limits }: Config): Promise<readonly Check[]> {
  if (secrets.redisUrl === undefined) return [];
  const { inspectRedis } = await import("countersign/store/redis");
  try {
    const findings = await inspectRedis(secrets.redisUrl);
    const { latencyMs } = findings;
    const detail = `${findings.name} answers: ${findings.server}, ${latencyMs.toFixed(1)} ms`;
    const answers =
      latencyMs < slowMs ? ok(name, detail) : warn(name, detail, "put it and the server closer together");
    return [answers, ...checkUse(findings, Object.keys(limits).length)];
  } catch (error) {
    // What was foreseen names its remedy itself.
    if (error instanceof StoreUnavailable) return [fail(name, error.message)];
    return [fail(name, `it cannot be looked at (${(error as Error).message})`, "look at redis.url")];
  }
}

function checkUse({ evicts, writable }: RedisFindings, limits: number): readonly Check[] {
  if (!writable)
    return [fail(name, "the server is a replica, and counts nothing", "name the primary in redis.url")];
  if (!evicts || limits === 0) return [];
  return [
    warn(
      name,
      "with its memory full it forgets calls that were counted",
      "set maxmemory-policy noeviction, or give it memory of its own",
    ),
  ];
}
