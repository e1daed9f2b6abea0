import type { RedisCommand } from "countersign/store/redis";
import { Durations } from "./number-histogram.ts";

/** Counts what Redis is asked, as plain numbers. */
export class RedisCounts {
  readonly durations = new Durations();
  readonly outcomes: Record<RedisCommand["outcome"], number> = { ok: 0, refused: 0, unavailable: 0 };

  readonly observe = ({ milliseconds, outcome }: RedisCommand): void => {
    this.durations.add(milliseconds / 1000);
    this.outcomes[outcome] += 1;
  };
}
