import type { Redis } from "ioredis";
import type { CallLimit } from "../../core/limit.ts";
import { CallWindow, finestSlots, periodAt, requireTake, type Slot } from "../../limits/call-window.ts";
import { limitId } from "../../limits/limit-id.ts";
import type { LimitStore, LimitTake, LimitUsage, LimitVerdict } from "../../limits/limit-store.ts";
import { type RedisScript, readScript, takeBackScript, takeScript } from "./limit-scripts.ts";
import type { RedisConnection } from "./redis-connection.ts";

export interface RedisLimitsOptions {
  readonly connection: RedisConnection;
  /** What all keys begin with. */
  readonly prefix: string;
  /** Default: the server's clock. */
  readonly now: (() => number) | undefined;
}

type Arguments = readonly (string | number)[];

/** Counted by scripts, each of which is one step to all others. Keys expire by themselves. */
export class RedisLimits implements LimitStore {
  readonly #options: RedisLimitsOptions;
  /** How far the server's clock is ahead of this one's, as far as is known. */
  #aheadMs = 0;

  constructor(options: RedisLimitsOptions) {
    this.#options = options;
  }

  async take(takes: readonly LimitTake[]): Promise<LimitVerdict> {
    for (const take of takes) requireTake(take);
    let now = this.#options.now?.() ?? Date.now() + this.#aheadMs;
    // Only a quota can be asked about in the wrong period, and only where a period has just begun or clocks differ.
    for (let attempt = 0; attempt < 3; attempt += 1) {
      const given = takes.flatMap((take) => argumentsOf(take, now));
      const [code = 0, ...more] = (await this.#run(takeScript, takes, [this.#clock(), ...given])) as number[];
      if (code === 1) return { ok: true };
      const [first = 0, waitMs = 0] = more;
      if (code === 0) {
        const full = takes[first - 1];
        if (full === undefined) throw new TypeError("Redis named a limit that it was not asked about");
        return { ok: false, full, retryAfterSeconds: waitMs / 1000 };
      }
      this.#aheadMs = first - Date.now();
      now = first;
    }
    throw new TypeError("the clock of Redis does not stand still between two questions");
  }

  async takeBack(takes: readonly LimitTake[]): Promise<void> {
    const calls = takes.map((take) => take.calls ?? 1);
    await this.#run(takeBackScript, takes, calls);
  }

  async usage(takes: readonly LimitTake[]): Promise<readonly LimitUsage[]> {
    for (const take of takes) requireTake(take);
    const answer = (await this.#run(readScript, takes, [this.#clock()])) as [number, ...(string | null)[]];
    const [now, ...kept] = answer;
    return takes.map(({ limit }, index) => {
      const window = new CallWindow(JSON.parse(kept[index] ?? "[]") as Slot[]);
      window.expire(limit, now);
      return window.usage(limit, now);
    });
  }

  async reset(takes: readonly LimitTake[]): Promise<void> {
    if (takes.length === 0) return;
    await this.#options.connection.run((client) => client.del(...this.#keys(takes)));
  }

  async prune(): Promise<void> {
    // Keys expire.
  }

  #clock(): string | number {
    return this.#options.now?.() ?? "";
  }

  #keys(takes: readonly LimitTake[]): string[] {
    const { prefix } = this.#options;
    return takes.map((take) => `${prefix}:limit:${Buffer.from(limitId(take)).toString("base64url")}`);
  }

  #run({ lua, sha1 }: RedisScript, takes: readonly LimitTake[], given: Arguments): Promise<unknown> {
    const keys = this.#keys(takes);
    return this.#options.connection.run(async (client: Redis) => {
      try {
        return await client.evalsha(sha1, keys.length, ...keys, ...given);
      } catch (error) {
        // The server was started anew, or somebody flushed its scripts. Nothing was done.
        if (!(error as Error).message.startsWith("NOSCRIPT")) throw error;
        return client.eval(lua, keys.length, ...keys, ...given);
      }
    });
  }
}

function argumentsOf({ limit, calls = 1 }: LimitTake, now: number): Arguments {
  return [limit.kind, limit.limit, calls, ...spanOf(limit, now)];
}

function spanOf(limit: CallLimit, now: number): readonly [number, number] {
  if (limit.kind === "quota") {
    const { start, end } = periodAt(limit.period, now);
    return [start, end];
  }
  const windowMs = limit.windowSeconds * 1000;
  return [windowMs, limit.limit > finestSlots ? windowMs / finestSlots : 0];
}
