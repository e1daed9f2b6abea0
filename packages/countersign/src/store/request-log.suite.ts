import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type {
  RequestBatch,
  RequestFilter,
  RequestLog,
  RequestPosition,
  RequestRecord,
  RequestStatistics,
  StoredRequest,
} from "./request-contracts.ts";
import { binOf } from "./request-log/histogram.ts";
import { matches } from "./request-log/matches.ts";
import { Tally } from "./request-log/rollup.ts";

/** A clock that also another thread can read. */
export class SharedClock {
  readonly buffer = new SharedArrayBuffer(8);
  readonly now = (): number => this.ms;

  constructor(ms: number) {
    this.ms = ms;
  }

  get ms(): number {
    return Number(Atomics.load(new BigInt64Array(this.buffer), 0));
  }

  set ms(ms: number) {
    Atomics.store(new BigInt64Array(this.buffer), 0, BigInt(ms));
  }
}

export interface OpenedLog {
  readonly log: RequestLog;
  dispose(): Promise<void>;
}

const minute = 60_000;
const day = 86_400_000;
const start = Date.UTC(2027, 0, 15, 12);

/** A row that is like no other, and what a test says of it. */
export function requestRow(n: number, more: Partial<RequestRecord> = {}): RequestRecord {
  return {
    requestId: `request-${String(n).padStart(6, "0")}`,
    at: start + n,
    durationMs: 1.5,
    procedure: "/api.users.UserService/GetUser",
    protocol: "grpc",
    code: 0,
    reason: undefined,
    userId: undefined,
    apiKeyId: undefined,
    authenticator: undefined,
    peer: undefined,
    userAgent: undefined,
    received: 1,
    sent: 1,
    rule: "authenticated",
    missing: undefined,
    tenantId: undefined,
    ...more,
  };
}

const value = <T>(...values: readonly T[]) => fc.constantFrom<T>(...values);

/** Each of which the next begins like. */
const tenants = ["a", "a-b", "a0"];

/** Rows of which filters find some, over two hours. */
const anyRow = fc.record({
  offset: fc.integer({ min: 0, max: 120 * minute }),
  durationMs: fc.double({ min: 0, max: 20_000, noNaN: true }),
  procedure: value("/a.A/One", "/a.A/Two", "/b.B/Three_%"),
  code: value(0, 0, 0, 5, 7, 16),
  reason: value(undefined, "TOKEN_EXPIRED", "PERMISSION_DENIED"),
  userId: value(undefined, "1", "2"),
  apiKeyId: value(undefined, "k1", "k2"),
  protocol: value("grpc", "connect"),
  userAgent: value(undefined, "Curl/8", "grpc-python É", "100%_sure"),
  peer: value(undefined, "192.0.2.1:1"),
  tenantId: value(undefined, undefined, ...tenants),
});

const anyFilter: fc.Arbitrary<RequestFilter> = fc.record(
  {
    userId: value("1", "2", "3"),
    apiKeyId: value("k1", "k2"),
    status: value<"success" | "error">("success", "error"),
    codes: value<readonly number[]>([7], [5, 16], [0]),
    reason: value("TOKEN_EXPIRED", "PERMISSION_DENIED"),
    procedure: value("/a.A/One", "/none/None"),
    protocol: value("grpc", "connect"),
    tenantId: value(...tenants),
    text: value("CURL", "three_%", "_", "%", "\\", "192.0.2", "é", "request-00000"),
    since: value(start + 10 * minute),
    until: value(start + 100 * minute),
  },
  { requiredKeys: [] },
);

/** What every request log must do. `open` gives a new empty one that tells the time by the clock. */
export function describeRequestLog(name: string, open: (clock: SharedClock) => Promise<OpenedLog>): void {
  const test = (title: string, work: (log: RequestLog, clock: SharedClock) => Promise<void>): void => {
    it(title, async () => {
      const clock = new SharedClock(start);
      const { log, dispose } = await open(clock);
      try {
        await work(log, clock);
      } finally {
        await dispose();
      }
    });
  };

  describe(`${name}: the request log`, () => {
    test("gives rows back as they were, newest first", async (log) => {
      assert.equal(await log.head(), 0);
      const full = requestRow(1, {
        durationMs: 0.0123456,
        code: 7,
        reason: "PERMISSION_DENIED",
        userId: "18446744073709551615",
        apiKeyId: "key",
        authenticator: "api_key",
        peer: "[2001:db8::1]:4711",
        userAgent: "agent É 💥",
        received: 3,
        sent: 2_000_000,
        missing: "hasPermission(users:list)",
        tenantId: "t",
      });
      await log.append([requestRow(0), full]);
      const { rows, next } = await log.list({ filter: {}, limit: 9 });
      const [newest, oldest] = rows;
      assert.ok(newest !== undefined && oldest !== undefined && next === undefined && rows.length === 2);
      const { id, ...rest } = newest;
      assert.deepEqual(rest, { ...full, durationMs: 0.012 });
      assert.ok(id > oldest.id);
      assert.equal(await log.head(), id);
      assert.deepEqual(await log.since(oldest.id, 9), [newest]);
      assert.deepEqual(
        (await log.since(0, 1)).map(({ requestId }) => requestId),
        [oldest.requestId],
      );
    });

    test("bounds what callers may choose, and keeps no control characters", async (log) => {
      const hostile = `${"\0\r\n\u001b[2J\u0085\ud800'\"--%_\\"}${"x".repeat(10_000)}`;
      await log.append([requestRow(0, { userAgent: hostile, peer: hostile, requestId: hostile })]);
      const [row] = (await log.list({ filter: {}, limit: 1 })).rows;
      assert.equal(row?.userAgent?.length, 256);
      assert.equal(row.peer?.length, 64);
      assert.equal(row.requestId.length, 64);
      assert.match(row.userAgent, /^[^\p{Cc}\p{Cs}]+$/u);
      assert.match(row.userAgent, /'"--%_\\x+$/);
    });

    test("is not held up by a record that makes no sense", async (log) => {
      const odd = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -1.5, 1e300];
      const rows = odd.map((n, of) =>
        requestRow(of, { at: n, durationMs: n, code: n, received: n, sent: n, userId: "odd" }),
      );
      await log.append([...rows, requestRow(9)]);
      const found = await allPages(log, { userId: "odd" }, 2);
      assert.deepEqual(
        found.map(({ requestId }) => requestId).sort(),
        rows.map(({ requestId }) => requestId),
      );
      for (const { at, durationMs, code, received, sent } of found) {
        assert.ok(!Number.isNaN(new Date(at).getTime()) && durationMs >= 0, `${at}, ${durationMs}`);
        assert.equal(code, 2);
        assert.ok(Number.isSafeInteger(received) && received >= 0 && sent === received);
      }
    });

    test("finds by a reason whatever has one: a success has none", async (log) => {
      const reason = "TOKEN_EXPIRED";
      await log.append([requestRow(0, { code: 0, reason }), requestRow(1, { code: 16, reason })]);
      const found = async (filter: RequestFilter) =>
        (await allPages(log, filter, 7)).map(({ requestId, reason: kept }) => [requestId, kept]);
      assert.deepEqual(await found({ reason }), [["request-000001", reason]]);
      assert.deepEqual(await found({ status: "success" }), [["request-000000", undefined]]);
    });

    test("pages through equal instants without losing or repeating a row", async (log) => {
      const rows = Array.from({ length: 25 }, (_, n) => requestRow(n, { at: start + Math.floor(n / 10) }));
      await log.append(rows);
      const seen = await allPages(log, {}, 4);
      assert.deepEqual(
        seen.map(({ requestId }) => requestId),
        rows.map(({ requestId }) => requestId).sort((a, b) => (a < b ? 1 : -1)),
      );
      await assert.rejects(() => log.list({ filter: {}, limit: 0 }), RangeError);
    });

    test("finds what a filter says, whatever is combined, and statistics agree with the rows", async (log, clock) => {
      let n = 0;
      const known: RequestRecord[] = [];
      clock.ms = start + 125 * minute;
      await fc.assert(
        fc.asyncProperty(fc.array(anyRow, { maxLength: 60 }), anyFilter, async (made, filter) => {
          const rows = made.map(({ offset, ...row }, index) =>
            requestRow(n + index, { ...row, at: start + offset }),
          );
          n += rows.length;
          await log.append(rows);
          known.push(...rows.map((row) => (row.code === 0 ? { ...row, reason: undefined } : row)));
          const found = await allPages(log, filter, 7);
          const expected = known.filter((row) => matches(row, filter)).map(({ requestId }) => requestId);
          assert.deepEqual(found.map(({ requestId }) => requestId).sort(), expected.sort());
          const range = { since: start, until: start + 120 * minute + 1 };
          await agrees(log, known, range);
          for (const tenantId of tenants) await agrees(log, known, { ...range, tenantId });
        }),
        { numRuns: 12 },
      );
      // Whole hours and what is left of the others; and one value of each dimension.
      await agrees(log, known, { since: start + 7 * minute, until: start + 113 * minute });
      const range = { since: start, until: start + 180 * minute };
      const one = await log.statistics({ ...range, of: { dimension: "user", value: "1" }, top: 5 });
      assert.deepEqual(figuresOf(one), recomputed(known.filter(({ userId }) => userId === "1")));
      const series = await log.series({
        ...range,
        step: "minute",
        tenantId: "a",
        of: { dimension: "reason", value: "TOKEN_EXPIRED" },
      });
      const expired = known.filter(({ reason, tenantId }) => reason === "TOKEN_EXPIRED" && tenantId === "a");
      assert.equal(
        series.reduce((sum, { calls }) => sum + calls, 0),
        expired.length,
      );
      for (const { since, ...figures } of series)
        assert.deepEqual(figures, recomputed(expired.filter(({ at }) => at >= since && at < since + minute)));
    });

    test("counts what was dropped beside what was written", async (log) => {
      await log.append([requestRow(0)], 3);
      await log.append([], 4);
      const range = { since: start - minute, until: start + minute };
      const { calls, dropped } = await log.statistics({ ...range, top: 1 });
      assert.deepEqual([calls, dropped], [1, 7]);
      const ofTenant = await log.statistics({ ...range, top: 1, tenantId: "a" });
      assert.deepEqual([ofTenant.calls, ofTenant.dropped], [0, 0]);
    });

    test("has a batch once, however often it is told", async (log) => {
      const rows = [requestRow(0, { tenantId: "a" }), requestRow(1, { code: 5 })];
      const [one, other] = [{ writer: "one" }, { writer: "other" }];
      const range = { since: start - minute, until: start + minute };
      const append = async (batch: RequestBatch | undefined, times: number) => {
        await log.append(rows, 3, batch);
        const { calls, errors, dropped } = await log.statistics({ ...range, top: 1 });
        const ofTenant = await log.statistics({ ...range, top: 1, tenantId: "a" });
        const told = `${batch?.writer} ${batch?.number}`;
        assert.deepEqual(
          [calls, errors, dropped, ofTenant.calls],
          [2, 1, 3, 1].map((n) => n * times),
          told,
        );
        assert.equal((await allPages(log, {}, 100)).length, 2 * times, told);
        assert.equal(await log.head(), 2 * times, told);
      };
      await append({ ...one, number: 1 }, 1);
      await append({ ...one, number: 1 }, 1);
      await append({ ...other, number: 1 }, 2);
      await append({ ...one, number: 2 }, 3);
      await append({ ...one, number: 1 }, 3);
      await append({ ...one, number: 9 }, 4);
      await append(undefined, 5);
      await append(undefined, 6);
      // After a month nobody tries again.
      for (const [days, times] of [
        [29, 6],
        [31, 7],
      ] as const) {
        await log.prune(start + days * day, { maxAgeMs: 100 * day, maxBytes: 1e12 });
        await log.append(rows, 3, { ...one, number: 9 });
        assert.equal(await log.head(), 2 * times, `after ${days} days`);
      }
    });

    test("answers about nothing", async (log) => {
      const range = { since: start, until: start };
      const empty = await log.statistics({ ...range, top: 3 });
      assert.deepEqual(figuresOf(empty), recomputed([]));
      assert.deepEqual(await log.series({ ...range, step: "day" }), []);
      assert.deepEqual(await log.list({ filter: { text: "x" }, limit: 1 }), { rows: [], next: undefined });
      await log.prune(start, { maxAgeMs: 0, maxBytes: 0 });
    });

    test("keeps no row for longer than a day beyond its age, and figures for longer", async (log, clock) => {
      const at = (days: number): number => start - days * day;
      const ages = [0, 1, 3, 9, 11, 40, 70];
      await log.append(
        ages.map((age, n) => requestRow(n, { at: at(age), userId: `age ${age}`, tenantId: "a" })),
      );
      clock.ms = start + minute;
      await log.prune(start, { maxAgeMs: 10 * day, maxBytes: 1e12 });
      const left = (await allPages(log, {}, 100)).map(({ userId }) => userId);
      assert.deepEqual(
        left,
        [0, 1, 3, 9].map((age) => `age ${age}`),
      );
      const figures = await log.statistics({ since: at(100), until: start + minute, top: 10 });
      assert.equal(figures.calls, ages.length);
      assert.ok(figures.range.since <= at(100) && figures.range.since > at(101), "whole days, so long ago");
      await log.prune(start + 2000 * day, { maxAgeMs: 10 * day, maxBytes: 1e12 });
      clock.ms = start + 2000 * day;
      for (const tenantId of [undefined, "a"]) {
        const gone = await log.statistics({ since: at(100), until: start + minute, top: 10, tenantId });
        assert.deepEqual([gone.calls, gone.by.user], [0, []], `statistics of ${tenantId ?? "all"}`);
      }
    });

    test("keeps what is new when it forgets what is old", async (log, clock) => {
      clock.ms = start + minute;
      await log.append([requestRow(0)]);
      await log.prune(start, { maxAgeMs: 10 * day, maxBytes: 1e12 });
      const recent = await log.statistics({ since: start - minute, until: start + minute, top: 1 });
      assert.equal(recent.calls, 1);
      assert.deepEqual(recent.range, { since: start - minute, until: start + minute });
    });
  });
}

async function allPages(
  log: RequestLog,
  filter: RequestFilter,
  limit: number,
): Promise<readonly StoredRequest[]> {
  const all: StoredRequest[] = [];
  let after: RequestPosition | undefined;
  do {
    const { rows, next } = await log.list({ filter, limit, after });
    all.push(...rows);
    after = next;
  } while (after !== undefined);
  return all;
}

function figuresOf({ calls, errors, p50, p95, p99 }: Omit<RequestStatistics, "range" | "dropped" | "by">) {
  return { calls, errors, p50, p95, p99 };
}

/** The same figures, from the rows themselves. */
function recomputed(rows: readonly RequestRecord[]) {
  const tally = new Tally();
  for (const { durationMs, code } of rows)
    tally.add({ bin: binOf(Math.round(durationMs * 1000) / 1000), calls: 1, errors: code === 0 ? 0 : 1 });
  return tally.figures();
}

async function agrees(
  log: RequestLog,
  rows: readonly RequestRecord[],
  range: { readonly since: number; readonly until: number; readonly tenantId?: string },
): Promise<void> {
  const { range: covered, by, ...figures } = await log.statistics({ ...range, top: 100 });
  const within = rows.filter(
    ({ at, tenantId }) =>
      at >= covered.since && at < covered.until && (range.tenantId ?? tenantId) === tenantId,
  );
  assert.deepEqual(figuresOf(figures), recomputed(within));
  const members = { procedure: "procedure", apiKey: "apiKeyId", user: "userId", reason: "reason" } as const;
  for (const [dimension, member] of Object.entries(members)) {
    const groups = by[dimension as keyof typeof members];
    const values = [...new Set(within.map((row) => row[member]))].filter((each) => each !== undefined);
    assert.deepEqual(groups.map((group) => group.value).sort(), values.sort());
    for (const { value: wanted, ...group } of groups)
      assert.deepEqual(
        group,
        recomputed(within.filter((row) => row[member] === wanted)),
        `${dimension} ${wanted}`,
      );
  }
}
