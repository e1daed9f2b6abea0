import { timestampDate } from "@bufbuild/protobuf/wkt";
import type { ApiKeyUsage } from "../api/protos.ts";

export interface Day {
  /** Seconds since the epoch, at midnight of UTC. */
  readonly at: number;
  readonly allowed: number;
  readonly denied: number;
}

const length = 86_400;

/** The last days with today, those without a call among them. */
export function lastDays(usage: readonly ApiKeyUsage[], count: number, now = Date.now()): readonly Day[] {
  const today = Math.floor(now / 1000 / length) * length;
  const known = new Map(
    usage.map(({ startsAt, allowed, denied }) => [
      startsAt ? timestampDate(startsAt).getTime() / 1000 : 0,
      { allowed: Number(allowed), denied: Number(denied) },
    ]),
  );
  return Array.from({ length: count }, (_, index) => {
    const at = today - (count - 1 - index) * length;
    return { at, ...(known.get(at) ?? { allowed: 0, denied: 0 }) };
  });
}
