import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, it } from "node:test";
import fc from "fast-check";
import type {
  RequestFilter,
  RequestLog,
  RequestPosition,
  RequestRecord,
  StoredRequest,
} from "./request-contracts.ts";
import { matches } from "./request-log/matches.ts";
import { rollUp } from "./request-log/rollup.ts";
import { requestRow } from "./request-log.suite.ts";
import { cellsOf, requestColumns } from "./sql/request-log/request-row.ts";
import { requestFileId, requestMigrations } from "./sql/sqlite/request-log/request-file.ts";
import { SqliteRequestLog } from "./sql/sqlite/request-log/sqlite-request-log.ts";

const start = requestRow(0).at;
const hour = 3_600_000;
const asked = { since: start - 60_000, until: start + hour, top: 5 };
/** Of one caller, with a reason to be found by any filter. */
const row = (n: number, more: Partial<RequestRecord> = {}): RequestRecord =>
  requestRow(n, { code: 7, reason: "DENIED", userId: "1", apiKeyId: "k", tenantId: "t", ...more });
const rows = (from: number, count: number) => Array.from({ length: count }, (_, n) => row(from + n));

const filters: readonly RequestFilter[] = [
  {},
  ...([
    { status: "error" },
    { apiKeyId: "k" },
    { userId: "1" },
    { tenantId: "t" },
    { reason: "DENIED" },
  ] as const),
  ...[{ procedure: row(0).procedure }, { text: "GETUSER" }, { codes: [7] }, { protocol: "grpc" }],
];

/** Rows are kept thousands together, and statistics are made of them later. Nobody must be able to tell. */
describe("the blocks of a request log in SQLite", () => {
  let folder: string;
  let path: string;
  let open: SqliteRequestLog[];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "countersign-"));
    path = join(folder, "requests.db");
    open = [];
  });

  afterEach(async () => {
    for (const log of open) await log.close();
    rmSync(folder, { recursive: true });
  });

  const opened = (): SqliteRequestLog => {
    const log = new SqliteRequestLog(path, () => start);
    open.push(log);
    return log;
  };

  const found = async (log: SqliteRequestLog, filter: RequestFilter): Promise<number> =>
    (await log.list({ filter, limit: 1000 })).rows.length;

  const allPages = async (log: RequestLog, filter: RequestFilter, limit: number) => {
    const all: StoredRequest[] = [];
    let after: RequestPosition | undefined;
    do {
      const page = await log.list({ filter, limit, after });
      all.push(...page.rows);
      after = page.next;
    } while (after !== undefined);
    return all;
  };

  it("counts what a process has written that was killed before", async () => {
    await opened().append(rows(0, 7), 2);
    const { calls, dropped } = await opened().statistics(asked);
    assert.deepEqual({ calls, dropped }, { calls: 7, dropped: 2 });
    for (const filter of filters) assert.equal(await found(opened(), filter), 7, JSON.stringify(filter));
  });

  it("has every row once, whatever two processes do in turn", async () => {
    const act = fc.record({
      who: fc.nat({ max: 1 }),
      what: fc.constantFrom("append", "append", "append", "statistics", "list", "since", "nothing new"),
      many: fc.constantFrom(1, 3, 20, 2100),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(act, { maxLength: 40 }), async (acts) => {
        const both = [opened(), opened()] as const;
        const before = (await both[0].statistics(asked)).calls;
        const head = await both[0].head();
        let written = 0;
        for (const { who, what, many } of [...acts, { who: 0, what: "statistics", many: 0 }]) {
          const log = who === 0 ? both[0] : both[1];
          if (what === "append") {
            await log.append(rows(written, many));
            written += many;
          }
          if (what === "nothing new") await log.append([], 0);
          if (what === "list") await log.list({ filter: {}, limit: 1 });
          if (what === "since") {
            const ids = (await log.since(head, 5000)).map(({ id }) => id - head);
            assert.deepEqual(
              ids,
              Array.from({ length: Math.min(written, 5000) }, (_, n) => n + 1),
            );
          }
          if (what === "statistics") assert.equal((await log.statistics(asked)).calls, before + written);
        }
        assert.equal(await both[1].head(), head + written);
      }),
      { numRuns: 15 },
    );
  });

  it("finds what an array would, in its order, whatever the batches and times", async (t) => {
    const one = fc.record({
      offset: fc.nat({ max: 5000 }),
      userId: fc.constantFrom("1", "2"),
      code: fc.nat({ max: 1 }),
    });
    const batch = fc.array(one, { minLength: 1, maxLength: 60 });
    const filter = fc.record(
      {
        userId: fc.constantFrom("1", "2", "3"),
        status: fc.constantFrom<"success" | "error">("success", "error"),
        since: fc.constant(start + 1000),
        until: fc.constant(start + 3000),
      },
      { requiredKeys: [] },
    );
    // A search that has no patience ends its page at each block where it can.
    let clock = 0;
    let haste = 0;
    t.mock.method(performance, "now", () => (clock += haste));
    await fc.assert(
      fc.asyncProperty(
        fc.array(batch, { maxLength: 30 }),
        fc.array(filter, { minLength: 1, maxLength: 4 }),
        fc.boolean(),
        async (batches, wanted, hasty) => {
          const log = new SqliteRequestLog(":memory:", () => start);
          const known: StoredRequest[] = [];
          for (const given of batches) {
            const made = given.map(({ offset, ...more }, n) =>
              requestRow(known.length + n, { ...more, at: start + offset }),
            );
            await log.append(made);
            known.push(...made.map((each, n) => ({ ...each, id: known.length + n + 1 })));
          }
          haste = hasty ? 1000 : 0;
          for (const one of wanted) {
            const expected = known
              .filter((each) => matches(each, one))
              .sort((a, b) => b.at - a.at || b.id - a.id);
            assert.deepEqual(await allPages(log, one, 7), expected);
          }
          haste = 0;
          await log.close();
        },
      ),
      { numRuns: 60 },
    );
  });

  it("ends a page where its time is up, and goes on from there", async (t) => {
    const log = opened();
    for (let n = 0; n < 3; n++) await log.append(rows(n * 2100, 2100));
    let clock = 0;
    t.mock.method(performance, "now", () => (clock += 1000));
    const first = await log.list({ filter: { userId: "1", text: "nowhere" }, limit: 5 });
    assert.deepEqual(first.rows, []);
    assert.ok(first.next !== undefined);
    assert.deepEqual(await allPages(log, { text: "nowhere" }, 5), []);
    assert.equal((await allPages(log, { text: "request-00" }, 500)).length, 6300);
  });

  it("keeps few small blocks, none that is large, and all of them in the order of their ids", async () => {
    const log = opened();
    for (let n = 0; n < 700; n++) await log.append(rows(n * 3, 3));
    await log.append(rows(2100, 9000));
    await log.append(rows(11_100, 5));
    await log.append(rows(11_105, 3000));
    for (let n = 0; n < 300; n++) await log.append([row(14_105 + n)]);
    const blocks = read(
      "select first_id, last_id, rows, level, seen is null as small from request_blocks order by first_id",
    );
    let last = 0;
    for (const { first_id, last_id, rows: size, level, small } of blocks) {
      assert.equal(first_id, last + 1);
      assert.equal(size, Number(last_id) - last);
      assert.ok(Number(size) <= 4096, `${size} rows`);
      assert.equal(small, level === 3 ? 0 : 1);
      last = Number(last_id);
    }
    assert.equal(last, 14_405);
    const small = blocks.filter(({ level }) => level !== 3);
    assert.ok(small.length <= 3 * 15, `${small.length} small blocks`);
    // What small ones come to, and what is left of them when large ones come: 2,049 and 51; 9,000 in three; 5; 3,000.
    assert.equal(blocks.length - small.length, 7);
    assert.equal(await found(log, { requestId: row(12).requestId }), 1);
    assert.equal(await found(log, { requestId: "nowhere" }), 0);
  });

  it("counts as the log grows, and does not leave all of it to whoever asks", async () => {
    const log = opened();
    const [batch, batches] = [4096, 5];
    const many = (n: number) =>
      Array.from({ length: batch }, (_, each) => row(n * batch + each, { userId: String(n * batch + each) }));
    for (let n = 0; n < batches; n++) await log.append(many(n));
    const reached = Number(read("select id from request_log_upkeep where part = 'counts'")[0]?.["id"]);
    assert.ok(reached > 0 && reached < batches * batch, String(reached));
    assert.equal(counted(), reached);
    assert.equal((await log.statistics(asked)).calls, batches * batch);
    assert.equal(counted(), batches * batch);
  });

  it("counts as rows come, again, once others have counted what it had not", async () => {
    // What a process had not counted that was killed, and what another one has written.
    await opened().append(rows(0, 5));
    const log = opened();
    await log.append(rows(5, 5));
    assert.equal((await log.statistics(asked)).calls, 10);
    await opened().append(rows(10, 5));
    await log.append(rows(15, 5));
    assert.equal((await log.statistics(asked)).calls, 20);
    await log.append(rows(20, 5));
    // Only who has counted them as they came knows of them now.
    const database = new DatabaseSync(path);
    database.exec("delete from request_blocks");
    database.close();
    assert.equal((await log.statistics(asked)).calls, 25);
  });

  it("catches up with more than is counted in one go", async () => {
    const writer = opened();
    for (let n = 0; n < 3; n++)
      await writer.append(
        Array.from({ length: 4096 }, (_, each) => row(each, { userId: String(n * 4096 + each) })),
      );
    const database = new DatabaseSync(path);
    database.exec("delete from request_counts; delete from request_log_upkeep where part = 'counts'");
    database.close();
    const { calls, by } = await opened().statistics({ ...asked, top: 20_000 });
    assert.deepEqual([calls, by.user.length], [3 * 4096, 3 * 4096]);
  });

  it("removes what is too old from the middle of a block, and keeps its figures", async () => {
    const log = opened();
    await log.append([
      ...rows(0, 5),
      row(0, { at: start + 2 * hour }),
      row(6),
      row(0, { at: start + 3 * hour }),
    ]);
    await log.prune(start + 2 * hour, { maxAgeMs: hour, maxBytes: 1e9 });
    assert.deepEqual(
      (await allPages(log, {}, 1)).map(({ id, at }) => [id, at - start]),
      [
        [8, 3 * hour],
        [6, 2 * hour],
      ],
    );
    assert.deepEqual(
      (await log.since(5, 9)).map(({ id }) => id),
      [6, 8],
    );
    assert.equal((await log.statistics(asked)).calls, 6);
    await log.prune(start + 9 * hour, { maxAgeMs: hour, maxBytes: 1e9 });
    assert.deepEqual(await allPages(log, {}, 5), []);
    assert.equal(read("select * from request_blocks").length, 0);
    await log.append(rows(0, 2));
    assert.deepEqual(
      (await allPages(log, { tenantId: "t" }, 5)).map(({ id }) => id),
      [10, 9],
    );
  });

  it("removes the oldest blocks of a file that is too large", async () => {
    const log = opened();
    for (let n = 0; n < 4; n++) await log.append(rows(n * 3000, 3000));
    const bytes = size();
    await log.prune(start, { maxAgeMs: hour, maxBytes: Math.round(bytes * 0.7) });
    const left = await allPages(log, {}, 1000);
    assert.ok(left.length >= 3000 && left.length <= 9000 && left.length % 3000 === 0, `${left.length} rows`);
    assert.equal(left[0]?.id, 12_000);
    assert.ok(size() <= bytes * 0.7);
    assert.equal((await log.statistics(asked)).calls, 12_000);
  });

  it("removes no row that was not counted yet", async () => {
    const log = opened();
    await log.append(rows(0, 5));
    const pruning = log.prune(start + 2 * hour, { maxAgeMs: hour, maxBytes: 1e9 });
    await log.append(rows(5, 3));
    await pruning;
    assert.equal((await log.statistics(asked)).calls, 8);
  });

  for (const version of [1, 2, 3, 4, 5]) {
    it(`takes over a file of version ${version}, and counts nothing twice`, async () => {
      const known = Array.from({ length: 5000 }, (_, n) =>
        row(n, { userId: String(n % 9), durationMs: n / 7 }),
      );
      formerFile(version, { known, counted: 4000 });
      const log = opened();
      // Rows come before anybody has asked.
      await log.append(rows(5000, 20));
      assert.equal(await log.head(), 5020);
      const first = (await log.since(0, 1))[0];
      assert.deepEqual(first, { ...known[0], id: 1, durationMs: 0 });
      assert.deepEqual(
        (await allPages(log, { userId: "3" }, 999)).map(({ id }) => id),
        known.flatMap(({ userId }, n) => (userId === "3" ? [n + 1] : [])).reverse(),
      );
      const again = new SqliteRequestLog(":memory:", () => start);
      await again.append([...known, ...rows(5000, 20)]);
      const wanted = { ...asked, top: 20 };
      // Of rows that a file of version 2 and before had, each was counted.
      if (version > 2) assert.deepEqual(await log.statistics(wanted), await again.statistics(wanted));
      else assert.equal((await log.statistics(wanted)).calls, 4020);
      await again.close();
      assert.deepEqual(
        read(
          "select name from sqlite_schema where type = 'table' and name in ('request_log', 'request_rollups')",
        ),
        [],
      );
    });
  }

  interface Former {
    readonly known: readonly RequestRecord[];
    /** Of how many the statistics know. */
    readonly counted: number;
  }

  function formerFile(version: number, { known, counted: upTo }: Former): void {
    const database = new DatabaseSync(path);
    for (const step of requestMigrations.slice(0, version)) database.exec(step);
    const places = requestColumns.map(() => "?").join(", ");
    const insert = database.prepare(
      `insert into request_log (${requestColumns.join(", ")}) values (${places})`,
    );
    const add = database.prepare("insert into request_rollups values (?, ?, ?, ?, ?, ?, ?)");
    database.exec("begin");
    for (const each of known) insert.run(...cellsOf(each));
    for (const { step, dimension, start: at, value, bin, calls, errors } of rollUp(known.slice(0, upTo)))
      add.run(step, dimension, at, value, bin, calls, errors);
    if (version === 3 || version === 4) database.exec(`update request_log_counted set id = ${upTo}`);
    if (version === 5) database.exec(`update request_log_upkeep set id = ${upTo} where part = 'counts'`);
    database.exec(`commit; pragma user_version = ${version}; pragma application_id = ${requestFileId}`);
    database.close();
  }

  function counted(): number {
    const sum = "select sum(calls) as calls from request_counts where step = 2 and dimension = 0";
    return Number(read(sum)[0]?.["calls"]);
  }

  function size(): number {
    const [pages] = read(
      "select page_count - freelist_count as n from pragma_page_count, pragma_freelist_count",
    );
    return Number(pages?.["n"]) * 4096;
  }

  function read(statement: string): readonly Record<string, unknown>[] {
    const database = new DatabaseSync(path, { readOnly: true });
    try {
      return database.prepare(statement).all();
    } finally {
      database.close();
    }
  }
});
