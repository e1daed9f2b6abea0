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

/** What `--since` and `--until` narrow a list down to. Throws `UsageError` for an instant that is none. */
export function stretchOf({ since, until }: StretchOptions): {
  readonly since?: Timestamp;
  readonly until?: Timestamp;
} {
  return {
    ...(since !== undefined && { since: timestampFromMs(instantOf("--since", since)) }),
    ...(until !== undefined && { until: timestampFromMs(instantOf("--until", until)) }),
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
