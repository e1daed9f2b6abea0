import assert from "node:assert/strict";
import { test } from "node:test";
import { text } from "../src/text.ts";
import { fromNow } from "../src/ui/from-now.ts";
import { formatDuration, formatPercent } from "../src/ui/numbers.ts";

test("a duration has two digits, or whole milliseconds, and never an exponent", () => {
  const shown = [0, 0.001, 0.04, 0.42, 5, 18.4, 99.4, 99.96, 100.4, 999.4, 999.6, 2140, 9_960, 61_000];
  assert.deepEqual(shown.map(formatDuration), [
    ...["0 ms", "0 ms", "0.04 ms", "0.42 ms", "5.0 ms", "18 ms", "99 ms", "100 ms", "100 ms"],
    ...["999 ms", "1.0 s", "2.1 s", "10 s", "61 s"],
  ]);
});

test("a share is 100 % when nothing is missing from it", () => {
  assert.deepEqual([1, 0.99999, 0.8328, 0].map(formatPercent), ["100%", "99.99%", "83.28%", "0%"]);
});

test("a time from now is the nearest number of its unit", () => {
  const at = (seconds: number): string => fromNow(new Date(1e12 + seconds * 1000), 1e12);
  const day = 86_400;
  assert.deepEqual(
    [-20, -60, -3_590, 7_199, 23.9 * 3_600, 30 * day - 1, 90 * day - 1, 365 * day - 1].map((seconds) =>
      at(seconds).replace(".", ""),
    ),
    ["this minute", "1 min ago", "1 hr ago", "in 2 hr", "in 1 day", "in 30 days", "in 3 mo", "in 1 yr"],
  );
});

test("one is not many, and long is not said in seconds", () => {
  assert.equal(text.audit.intact(1n), "The one record is as it was written.");
  assert.equal(text.audit.intact(1_200n), "All 1,200 records are as they were written.");
  assert.match(text.overview.dropped(1n), /^1 call was /);
  assert.equal(text.login.wait("Too many attempts", 900), "Too many attempts. Try again in 15 min.");
  assert.equal(text.configuration.upFor(30 * 86_400), "30 days");
});
