import { createHash } from "node:crypto";
import type { AttemptRule } from "./session-contracts.ts";

/** The guesses of one identity that count: instants in milliseconds, in ascending order. */
export type Guesses = readonly number[];

/** `guesses`: what to keep from now on. After a refusal nothing changes. */
export type Admission =
  | { readonly ok: true; readonly guesses: Guesses }
  | { readonly ok: false; readonly retryAfterSeconds: number };

/** So many guesses wait for nothing: people mistype. */
const freeGuesses = 2;
const longestDelaySeconds = 60;

/** Under which an identity is kept: people type passwords into the field for their name. */
export function identityDigest(identity: string): Uint8Array {
  return new Uint8Array(createHash("sha256").update(identity).digest());
}

/** Throws `RangeError` or `TypeError` for a rule that would admit anything. */
export function requireAttemptRule({ limit, windowSeconds, now, freeGuesses = 0 }: AttemptRule): void {
  if (!Number.isSafeInteger(limit) || limit < 1) throw new RangeError("limit must be a positive integer");
  if (!(windowSeconds > 0 && windowSeconds < Number.POSITIVE_INFINITY))
    throw new RangeError("windowSeconds must be a positive number");
  if (!Number.isSafeInteger(freeGuesses) || freeGuesses < 0)
    throw new RangeError("freeGuesses must be a number of guesses");
  if (Number.isNaN(now.getTime())) throw new TypeError("now is not a valid date");
}

/**
 * Whether one more guess may be looked at. Guesses count for `windowSeconds` each; the one after `n` of them waits
 * until `delayMs(n)` after the last. A refused one leaves no trace.
 */
export function admitGuess(known: Guesses, rule: AttemptRule): Admission {
  const now = rule.now.getTime();
  const windowMs = rule.windowSeconds * 1000;
  // To both sides: after a clock was far ahead, nobody waits until it is there again.
  const guesses = known.filter((at) => Math.abs(now - at) < windowMs);
  const from = admittedFrom(guesses, { ...rule, windowMs });
  if (from > now) {
    return { ok: false, retryAfterSeconds: Math.ceil((from - now) / 1000) };
  }
  // In order, also where another node's clock is ahead.
  return { ok: true, guesses: [...guesses, Math.max(now, guesses.at(-1) ?? now)] };
}

/** When the last of them stops counting. */
export function guessesExpireAt(guesses: Guesses, { windowSeconds }: AttemptRule): number {
  return Math.ceil((guesses.at(-1) ?? 0) + windowSeconds * 1000);
}

/** The first instant at which another guess is admitted: the best choice of how many old ones to wait for. */
function admittedFrom(guesses: Guesses, rule: AttemptRule & { readonly windowMs: number }): number {
  const last = guesses.at(-1);
  if (last === undefined) return Number.NEGATIVE_INFINITY;
  let best = Number.POSITIVE_INFINITY;
  for (let gone = Math.max(0, guesses.length - rule.limit + 1); gone <= guesses.length; gone += 1) {
    const forgotten = gone === 0 ? Number.NEGATIVE_INFINITY : (guesses[gone - 1] ?? last) + rule.windowMs;
    best = Math.min(best, Math.max(forgotten, last + delayMs(guesses.length - gone, rule.freeGuesses)));
  }
  return best;
}

/** From the first guess on that is not free, doubling from one second. */
function delayMs(count: number, free = freeGuesses): number {
  if (count < free) return Number.NEGATIVE_INFINITY;
  return Math.min(2 ** (count - free), longestDelaySeconds) * 1000;
}
