import { type Timestamp, timestampFromMs } from "@bufbuild/protobuf/wkt";
import { parseDuration } from "../config/duration.ts";
import { UsageError } from "../terminal/failure.ts";
import { readInstant } from "../terminal/instant.ts";

/** How options that take an instant say so. */
export const instantForms = "a time (2026-11-22T08:00:00Z), a day of UTC, or how long ago: 15m, 24h, 30d";

interface StretchOptions {
  readonly since?: string | undefined;
  readonly until?: string | undefined;
}

/** What `--since` and `--until` narrow a list down to. Throws `UsageError` for an instant that is none, and for an end before the beginning. */
export function stretchOf({ since, until }: StretchOptions): {
  readonly since?: Timestamp;
  readonly until?: Timestamp;
} {
  const from = since === undefined ? undefined : instantOf("--since", since);
  const to = until === undefined ? undefined : instantOf("--until", until);
  if (from !== undefined && to !== undefined && from > to) throw new UsageError("--since is after --until");
  return {
    ...(from !== undefined && { since: timestampFromMs(from) }),
    ...(to !== undefined && { until: timestampFromMs(to) }),
  };
}

/** In milliseconds. */
function instantOf(option: string, text: string): number {
  const seconds = parseDuration(text);
  if (seconds !== undefined) return Date.now() - seconds * 1000;
  const at = readInstant(text);
  if (at !== undefined) return at;
  throw new UsageError(`${option} is ${instantForms}`);
}
