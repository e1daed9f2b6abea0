import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { parseDuration } from "../config/duration.ts";
import { readKeyStart } from "../keys/key-start.ts";
import { UsageError } from "../terminal/failure.ts";

/** An id as it was given, or that of what a key is shown to begin with. A whole key is a secret in an argument, and is not repeated. */
export function keyId(text: string): string {
  const start = readKeyStart(text);
  if (!start?.isWhole) return start?.id ?? text;
  throw new UsageError(
    `that is a whole key, which should not stand in an argument: name it by its id, ${start.id}`,
  );
}

const longestSeconds = 100 * 365 * 86_400;

/** The milliseconds of a duration that an option gives; undefined where it is not there. */
export function msOf(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const seconds = parseDuration(text);
  if (seconds === undefined) throw new UsageError(`${option} is a duration such as 4s, 15m, 24h or 30d`);
  if (seconds > longestSeconds) throw new UsageError(`${option} is at most 36500d`);
  return seconds * 1000;
}

/** When a new key ends. */
export function expiryFrom(text: string | undefined): {
  readonly expiresAt?: ReturnType<typeof timestampFromMs>;
} {
  const ms = msOf("--expires", text);
  if (ms === undefined) return {};
  if (ms === 0) throw new UsageError("--expires is at least 1s");
  return { expiresAt: timestampFromMs(Date.now() + ms) };
}

const periods: Readonly<Record<string, string>> = {
  s: "second",
  m: "minute",
  h: "hour",
  d: "day",
  month: "month",
};

interface CallLimit {
  readonly calls: bigint;
  readonly per: string;
}

/** Reads limits such as `100/m`: so many calls in each period. Throws `UsageError` that names all that are none. */
export function limitsFrom(texts: readonly string[] = []): readonly CallLimit[] {
  const limits = texts.map(limitFrom);
  const stray = texts.filter((_, index) => limits[index] === undefined);
  if (stray.length === 0) return limits.filter((limit) => limit !== undefined);
  throw new UsageError(
    `--limit is a number for a period: 100/m, 5000/d, or per s, h or month (not ${stray.join(", ")})`,
  );
}

function limitFrom(text: string): CallLimit | undefined {
  const [, calls, unit = ""] = /^(\d{1,12})\/([a-z]+)$/.exec(text) ?? [];
  const per = periods[unit] ?? Object.values(periods).find((name) => name === unit);
  return calls === undefined || per === undefined ? undefined : { calls: BigInt(calls), per };
}
