import assert from "node:assert/strict";
import type { CallLimit } from "../../core/limit.ts";
import type { LimitStore, LimitTake } from "../../limits/limit-store.ts";
import type { TestClock } from "./store-case.suite.ts";

/** What is looked at: a whole store, or limits alone. */
export interface WithLimits {
  readonly limits: LimitStore;
}

export type LimitCases = Readonly<Record<string, (parts: WithLimits, clock: TestClock) => Promise<void>>>;

const rate = (limit: number, windowSeconds = 60, name = "calls"): CallLimit => ({
  kind: "rate",
  name,
  limit,
  windowSeconds,
});

const quota = (limit: number, period: "hour" | "day" | "month", name = "calls"): CallLimit => ({
  kind: "quota",
  name,
  limit,
  period,
});

export const limitCases: LimitCases = {
  "admits exactly as many of 200 that come at once as there is room for": async ({ limits }) => {
    for (const size of [1, 50, 64, 65, 199, 200, 1000]) {
      const take = { limit: rate(size, 60, `of-${size}`), subject: "ada" };
      const ok = await Promise.all(Array.from({ length: 200 }, async () => (await limits.take([take])).ok));
      assert.equal(ok.filter(Boolean).length, Math.min(size, 200));
    }
  },

  "counts a call for all of its limits or for none": async ({ limits }) => {
    const wide = { limit: rate(120, 60, "wide"), subject: "ada" };
    const narrow = { limit: quota(30, "day", "narrow"), subject: "key" };
    const verdicts = await Promise.all(
      Array.from({ length: 200 }, async (_, n) => limits.take(n % 2 === 0 ? [wide, narrow] : [narrow, wide])),
    );
    assert.equal(verdicts.filter(({ ok }) => ok).length, 30);
    for (const verdict of verdicts) if (!verdict.ok) assert.equal(verdict.full.limit.name, "narrow");
    const used = (await limits.usage([wide, narrow])).map((usage) => usage.used);
    assert.deepEqual(used, [30, 30]);
  },

  "keeps subjects, names and kinds apart": async ({ limits }) => {
    const names = [
      "ada",
      "Ada",
      "",
      "a b",
      "a:b",
      "__proto__",
      "nul\0",
      "\u{1f600}",
      "\ud800",
      "x".repeat(1000),
    ];
    const takes = names.flatMap((subject) => [
      { limit: rate(1), subject },
      { limit: rate(1, 60, "other"), subject },
      { limit: quota(1, "day"), subject },
    ]);
    for (const take of takes) assert.equal(await ok(limits, take), true);
    for (const take of takes) assert.equal(await ok(limits, take), false);
  },

  "slides: what is as old as the window counts no more": async ({ limits }, clock) => {
    const take = { limit: rate(3, 10), subject: "ada" };
    const begun = clock.ms;
    for (const at of [0, 4000, 7000]) {
      clock.ms = begun + at;
      assert.equal(await ok(limits, take), true);
    }
    for (const [at, admitted] of [
      [9999, false],
      [10_000, true],
      [10_001, false],
      [13_999, false],
      [14_000, true],
      [16_999, false],
      [17_000, true],
      [19_999, false],
    ] as const) {
      clock.ms = begun + at;
      assert.equal(await ok(limits, take), admitted, String(at));
    }
  },

  "says how long to wait, and that is enough and not too much": async ({ limits }, clock) => {
    for (const limit of [rate(2, 10), rate(70, 10, "large"), quota(2, "hour")]) {
      const take = { limit, subject: "ada" };
      for (let n = 0; n < limit.limit; n += 1) {
        assert.equal(await ok(limits, take), true);
        clock.ms += limit.limit > 2 ? 1 : 1500;
      }
      const verdict = await limits.take([take]);
      assert.ok(!verdict.ok);
      clock.ms += Math.round(verdict.retryAfterSeconds * 1000) - 1;
      assert.equal(await ok(limits, take), false);
      clock.ms += 1;
      assert.equal(await ok(limits, take), true);
    }
  },

  "never has more within a window than the limit, however many that is": async ({ limits }, clock) => {
    for (const size of [5, 70]) {
      const take = { limit: rate(size, 4, `of-${size}`), subject: "ada" };
      const admitted: number[] = [];
      const begun = clock.ms;
      for (let n = 0; n < 160; n += 1) {
        if (await ok(limits, take)) admitted.push(clock.ms);
        clock.ms += 20 + ((n * 37) % 50);
      }
      for (const at of admitted) {
        const within = admitted.filter((other) => other > at - 4000 && other <= at).length;
        assert.ok(within <= size, `${within} at ${at - begun}`);
      }
      const most = (size * (clock.ms - begun)) / 4000;
      assert.ok(admitted.length >= most * 0.9, `${admitted.length} of ${most}`);
    }
  },

  "begins a quota anew with its period, in UTC": async ({ limits }, clock) => {
    for (const [period, last, next] of [
      ["hour", "2028-02-29T22:59:59.999Z", "2028-02-29T23:00:00.000Z"],
      ["day", "2028-02-29T23:59:59.999Z", "2028-03-01T00:00:00.000Z"],
      ["month", "2028-02-29T23:59:59.999Z", "2028-03-01T00:00:00.000Z"],
      ["month", "2028-12-31T23:59:59.999Z", "2029-01-01T00:00:00.000Z"],
    ] as const) {
      const take = { limit: quota(2, period, `${period}-${next}`), subject: "ada" };
      clock.ms = Date.parse(last) - 60_000;
      assert.deepEqual(
        [await ok(limits, take), await ok(limits, take), await ok(limits, take)],
        [true, true, false],
      );
      clock.ms = Date.parse(last);
      const verdict = await limits.take([take]);
      assert.deepEqual(verdict.ok ? 0 : verdict.retryAfterSeconds, 0.001);
      clock.ms = Date.parse(next);
      assert.equal(await ok(limits, take), true);
      // Somebody whose clock is behind counts for the period that has begun.
      clock.ms = Date.parse(last);
      assert.deepEqual([await ok(limits, take), await ok(limits, take)], [true, false]);
    }
  },

  "asks for nothing with no calls, and counts several at once": async ({ limits }) => {
    const take = { limit: rate(10), subject: "ada" };
    assert.equal(await ok(limits, { ...take, calls: 0 }), true);
    assert.equal(await ok(limits, { ...take, calls: 7 }), true);
    assert.equal(await ok(limits, { ...take, calls: 4 }), false);
    assert.equal(await ok(limits, { ...take, calls: 3 }), true);
    assert.equal(await ok(limits, { ...take, calls: 0 }), false);
    assert.equal((await limits.usage([take]))[0]?.used, 10);
  },

  "takes back, tells and forgets": async ({ limits }, clock) => {
    const take = { limit: rate(2, 10), subject: "ada" };
    const other = { limit: quota(1, "day"), subject: "ada" };
    assert.deepEqual(await limits.usage([take]), [{ used: 0, freesInSeconds: 0 }]);
    await limits.takeBack([take]);
    for (const admitted of [true, true, false]) assert.equal(await ok(limits, take), admitted);
    await limits.takeBack([take]);
    for (const admitted of [true, false]) assert.equal(await ok(limits, take), admitted);
    assert.equal(await ok(limits, other), true);
    clock.ms += 2500;
    const [usage] = await limits.usage([take, other]);
    assert.deepEqual(usage, { used: 2, freesInSeconds: 7.5 });
    await limits.reset([take]);
    assert.deepEqual([await ok(limits, other), await ok(limits, take)], [false, true]);
  },

  "removes what counts no more, and nothing else": async ({ limits }, clock) => {
    const short = Array.from({ length: 5 }, (_, n) => ({ limit: rate(1, 10), subject: `s${n}` }));
    const long = { limit: rate(1, 100, "long"), subject: "ada" };
    for (const take of [...short, long]) assert.equal(await ok(limits, take), true);
    clock.ms += 9999;
    await limits.prune();
    assert.equal(await ok(limits, short[0] as LimitTake), false);
    clock.ms += 1;
    await limits.prune();
    for (const take of short) assert.equal(await ok(limits, take), true);
    assert.equal(await ok(limits, long), false);
  },

  "survives a clock that jumps": async ({ limits }, clock) => {
    const take = { limit: rate(2, 60), subject: "ada" };
    assert.equal(await ok(limits, take), true);
    // A little back: another node. What it counts is not older than what was there.
    clock.ms -= 5000;
    assert.equal(await ok(limits, take), true);
    assert.equal(await ok(limits, take), false);
    clock.ms += 64_999;
    assert.equal(await ok(limits, take), false);
    clock.ms += 1;
    assert.equal(await ok(limits, take), true);
    // Far back: the clock was wrong, and nobody waits until it is there again.
    clock.ms -= 3_600_000;
    assert.equal(await ok(limits, take), true);
  },

  "refuses a limit that would admit anything": async ({ limits }) => {
    const bad: readonly LimitTake[] = [
      ...[0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY].map((limit) => ({
        limit: rate(limit),
        subject: "",
      })),
      ...[0, -1, Number.NaN, Number.POSITIVE_INFINITY, 1e9].map((seconds) => ({
        limit: rate(1, seconds),
        subject: "",
      })),
      { limit: quota(1, "year" as "day"), subject: "" },
      { limit: quota(1, "__proto__" as "day"), subject: "" },
      ...[-1, 0.5, 2, Number.NaN].map((calls) => ({ limit: rate(1), subject: "", calls })),
    ];
    for (const take of bad) {
      await assert.rejects(async () => limits.take([take]), RangeError, JSON.stringify(take));
    }
  },
};

async function ok(limits: LimitStore, take: LimitTake): Promise<boolean> {
  return (await limits.take([take])).ok;
}
