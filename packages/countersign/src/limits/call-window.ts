import type { CallLimit, QuotaPeriod } from "../core/limit.ts";
import type { LimitTake, LimitUsage } from "./limit-store.ts";

/** Calls that were counted together: the instants of the first and the last of them in milliseconds, and how many. */
export type Slot = [first: number, last: number, calls: number];

/** A limit of so many calls is counted call by call; a larger one in so many parts of its window. */
export const finestSlots = 64;

/** Throws `RangeError` for a limit that would admit anything, and for more calls than it could ever admit. */
export function requireTake({ limit, calls = 1 }: LimitTake): void {
  requireCallLimit(limit);
  if (!Number.isSafeInteger(calls) || calls < 0 || calls > limit.limit)
    throw new RangeError("calls must be an integer from 0 to the limit");
}

/** Throws `RangeError` for a limit that would admit anything. */
export function requireCallLimit(limit: CallLimit): void {
  if (!Number.isSafeInteger(limit.limit) || limit.limit < 1)
    throw new RangeError("limit must be a positive integer");
  if (limit.kind === "quota") {
    if (!Object.hasOwn(periodStarts, limit.period)) throw new RangeError("period must be hour, day or month");
    return;
  }
  // A year is far more than anyone can want to wait; instants stay exact.
  if (!(limit.windowSeconds >= 0.001 && limit.windowSeconds <= 31_536_000))
    throw new RangeError("windowSeconds must be a number from 0.001 to 31,536,000");
}

/**
 * What was counted for one limit and one subject. In a window that slides, the calls of a slot are forgotten together, when
 * the last of them is as old as the window: never more calls than the limit are within any stretch of that length, and those of a
 * large limit are forgotten up to a 64th of the window late. Of a quota there is one slot, for its period.
 */
export class CallWindow {
  /** In ascending order. */
  readonly slots: Slot[];
  #used = 0;

  constructor(slots: Slot[] = []) {
    this.slots = slots;
    for (const [, , calls] of slots) this.#used += calls;
  }

  get used(): number {
    return this.#used;
  }

  /** Forgets what counts no more at `now`. To both sides: after a clock was far ahead, nobody waits until it is there again. */
  expire(limit: CallLimit, now: number): void {
    const { slots } = this;
    for (let slot = slots[0]; slot !== undefined && !counts(slot, limit, now); slot = slots[0]) {
      this.#used -= slot[2];
      slots.shift();
    }
    for (let slot = slots.at(-1); slot !== undefined && !counts(slot, limit, now); slot = slots.at(-1)) {
      this.#used -= slot[2];
      slots.pop();
    }
  }

  /** How long until so many more calls are admitted: milliseconds, 0 for at once. After `expire()`. */
  waitMs(limit: CallLimit, calls: number, now: number): number {
    let over = this.#used + Math.max(calls, 1) - limit.limit;
    if (over <= 0) return 0;
    for (const slot of this.slots) {
      over -= slot[2];
      if (over <= 0) return Math.ceil(endOf(slot, limit) - now);
    }
    return 0;
  }

  /** Counts calls that were admitted. */
  add(limit: CallLimit, calls: number, now: number): void {
    if (calls === 0) return;
    this.#used += calls;
    const last = this.slots.at(-1);
    if (last !== undefined && joins(last, limit, now)) {
      // In order, also where another node's clock is ahead.
      if (limit.kind === "rate" && now > last[1]) last[1] = now;
      last[2] += calls;
      return;
    }
    const at = limit.kind === "quota" ? periodAt(limit.period, now).start : now;
    this.slots.push([at, at, calls]);
  }

  takeBack(calls: number): void {
    const last = this.slots.at(-1);
    if (last === undefined) return;
    const back = Math.min(calls, last[2]);
    this.#used -= back;
    last[2] -= back;
    if (last[2] === 0) this.slots.pop();
  }

  /** When nothing of it counts any more, in milliseconds. */
  expiresAt(limit: CallLimit): number {
    const last = this.slots.at(-1);
    return last === undefined ? 0 : Math.ceil(endOf(last, limit));
  }

  /** After `expire()`. */
  usage(limit: CallLimit, now: number): LimitUsage {
    const [first] = this.slots;
    const freesInSeconds = first === undefined ? 0 : Math.ceil(endOf(first, limit) - now) / 1000;
    return { used: this.#used, freesInSeconds };
  }
}

function counts(slot: Slot, limit: CallLimit, now: number): boolean {
  if (limit.kind === "rate") return Math.abs(now - slot[1]) < limit.windowSeconds * 1000;
  // Somebody's clock may be in the next period already.
  const { start, end } = periodAt(limit.period, now);
  return slot[0] >= start && slot[0] <= end;
}

function joins(last: Slot, limit: CallLimit, now: number): boolean {
  if (limit.kind === "quota" || now <= last[1]) return true;
  return limit.limit > finestSlots && now - last[0] < (limit.windowSeconds * 1000) / finestSlots;
}

function endOf(slot: Slot, limit: CallLimit): number {
  return limit.kind === "rate" ? slot[1] + limit.windowSeconds * 1000 : periodAt(limit.period, slot[0]).end;
}

/** Where the period begins that is `more` after the one that an instant is in. */
const periodStarts: Readonly<Record<QuotaPeriod, (at: Date, more: number) => number>> = {
  hour: (at, more) =>
    Date.UTC(at.getUTCFullYear(), at.getUTCMonth(), at.getUTCDate(), at.getUTCHours() + more),
  day: (at, more) => Date.UTC(at.getUTCFullYear(), at.getUTCMonth(), at.getUTCDate() + more),
  month: (at, more) => Date.UTC(at.getUTCFullYear(), at.getUTCMonth() + more),
};

interface Period {
  readonly start: number;
  readonly end: number;
}

/** The period of each kind that was asked about last: nearly always the one that is asked about next. */
const recent: Partial<Record<QuotaPeriod, Period>> = {};

/** The period that an instant is in, in milliseconds; its end is the beginning of the next one. */
export function periodAt(period: QuotaPeriod, now: number): Period {
  const known = recent[period];
  if (known !== undefined && now >= known.start && now < known.end) return known;
  const at = new Date(now);
  const found = { start: periodStarts[period](at, 0), end: periodStarts[period](at, 1) };
  recent[period] = found;
  return found;
}
