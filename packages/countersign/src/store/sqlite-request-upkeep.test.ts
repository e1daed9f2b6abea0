import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, it } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import fc from "fast-check";
import type { RequestFilter, RequestPosition, RequestRecord } from "./request-contracts.ts";
import { requestRow } from "./request-log.suite.ts";
import type { RequestIndex } from "./sql/request-log/request-conditions.ts";
import { indexTables } from "./sql/sqlite/request-log/request-indexes.ts";
import { SqliteRequestLog } from "./sql/sqlite/request-log/sqlite-request-log.ts";

const start = requestRow(0).at;
const hour = 3_600_000;
const requestIndexes = Object.keys(indexTables) as readonly RequestIndex[];
const asked = { since: start - 60_000, until: start + hour, top: 5 };
/** Of one caller, with a reason to be in every index. */
const row = (n: number, more: Partial<RequestRecord> = {}): RequestRecord =>
  requestRow(n, { code: 7, userId: "1", apiKeyId: "k", tenantId: "t", ...more });
const rows = (from: number, count: number) => Array.from({ length: count }, (_, n) => row(from + n));

const searches: Readonly<Record<RequestIndex, RequestFilter>> = {
  time: {},
  errors: { status: "error" },
  request_id: { requestId: row(4).requestId },
  api_key_id: { apiKeyId: "k" },
  user_id: { userId: "1" },
  procedure: { procedure: row(4).procedure },
  tenant_id: { tenantId: "t" },
};

/** Indexes and statistics are made of the rows some time after these were written. Nobody must be able to tell. */
describe("the upkeep of a request log in SQLite", () => {
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

  it("takes in what a process has written that was killed before", async () => {
    await opened().append(rows(0, 7), 2);
    const { calls, dropped } = await opened().statistics(asked);
    assert.deepEqual({ calls, dropped }, { calls: 7, dropped: 2 });
    for (const [index, filter] of Object.entries(searches))
      assert.equal(await found(opened(), filter), index === "request_id" ? 1 : 7, index);
  });

  it("takes a row in once, whoever asks", async () => {
    const [one, another] = [opened(), opened()];
    await one.append(rows(0, 5));
    assert.equal((await another.statistics(asked)).calls, 5);
    assert.equal((await one.statistics(asked)).calls, 5);
    assert.equal(await found(another, { userId: "1" }), 5);
    await another.append(rows(5, 3));
    assert.equal((await one.statistics(asked)).calls, 8);
    assert.equal(await found(one, { userId: "1" }), 8);
    const series = await another.series({ ...asked, step: "hour" });
    assert.deepEqual(
      series.map(({ calls }) => calls),
      [8],
    );
  });

  it("counts every row once, whatever two processes do in turn", async () => {
    const act = fc.record({
      who: fc.nat({ max: 1 }),
      what: fc.constantFrom("append", "append", "statistics", "list", "nothing new"),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(act, { maxLength: 12 }), async (acts) => {
        const both = [opened(), opened()] as const;
        const before = (await both[0].statistics(asked)).calls;
        let written = 0;
        for (const { who, what } of [...acts, { who: 0, what: "statistics" }]) {
          const log = who === 0 ? both[0] : both[1];
          if (what === "append") {
            await log.append(rows(written, 3));
            written += 3;
          }
          if (what === "nothing new") await log.append([], 0);
          if (what === "list") await log.list({ filter: {}, limit: 1 });
          if (what === "statistics") assert.equal((await log.statistics(asked)).calls, before + written);
        }
      }),
      { numRuns: 40 },
    );
  });

  it("goes on as the log grows, and does not leave all of it to whoever asks", async () => {
    const log = opened();
    const [batch, batches] = [4096, 26];
    for (let n = 0; n < batches; n++) await log.append(rows(n * batch, batch));
    const before = reached();
    assert.deepEqual(Object.keys(before).sort(), ["counts", ...requestIndexes].sort());
    for (const [part, id] of Object.entries(before)) assert.ok(id > 0 && id < batches * batch, part);
    assert.equal(counted(), before["counts"]);
    assert.equal((await log.statistics(asked)).calls, batches * batch);
    assert.equal(counted(), batches * batch);
    // What nobody has asked for waits.
    assert.deepEqual(reached(), { ...before, counts: batches * batch });
  });

  it("pages through rows of which one part was indexed long after another", async () => {
    const [one, another] = [opened(), opened()];
    await one.append(rows(100, 30));
    await found(another, { userId: "1" });
    // Written later, ended before.
    await one.append(rows(0, 30));
    const pages: number[] = [];
    let after: RequestPosition | undefined;
    do {
      const page = await another.list({ filter: { userId: "1" }, limit: 7, after });
      pages.push(...page.rows.map(({ at }) => at - start));
      after = page.next;
    } while (after !== undefined);
    assert.deepEqual(pages, [...rows(0, 30), ...rows(100, 30)].map(({ at }) => at - start).reverse());
  });

  it("follows a search, for the one after it", async () => {
    const log = opened();
    await log.append(rows(0, 4000));
    assert.equal(await found(log, { userId: "1", since: start + 3990 }), 10);
    assert.deepEqual(reached(), { counts: 0 });
    await nextTurn();
    assert.deepEqual(reached(), { counts: 0, user_id: 4000 });
    assert.equal(await found(log, { userId: "1", since: start + 3990 }), 10);
  });

  it("comes before a search in a file that is far behind", async () => {
    const log = opened();
    await log.append(rows(0, 70_000));
    assert.equal(await found(log, { apiKeyId: "k", since: start + 69_990 }), 10);
    assert.deepEqual(reached(), { counts: 0, api_key_id: 70_000 });
  });

  for (const [version, downgrade] of [
    [2, "drop table request_log_writers"],
    [
      4,
      "create table request_log_counted (only_row integer primary key check (only_row = 1), id integer not null) strict; insert into request_log_counted values (1, 5)",
    ],
  ] as const) {
    it(`makes indexes of a file of version ${version}, and counts nothing twice`, async () => {
      const log = opened();
      await log.append(rows(0, 5));
      const before = await log.statistics(asked);
      await log.close();
      open = [];
      const database = new DatabaseSync(path);
      database.exec(`${downgrade}; ${oldIndexes} pragma user_version = ${version}`);
      database.close();
      const upgraded = opened();
      assert.deepEqual(await upgraded.statistics(asked), before);
      for (const [index, filter] of Object.entries(searches))
        assert.equal(await found(upgraded, filter), index === "request_id" ? 1 : 5, index);
      await upgraded.append(rows(5, 2));
      assert.equal((await upgraded.statistics(asked)).calls, 7);
      assert.equal(await found(upgraded, { userId: "1" }), 7);
    });
  }

  it("removes rows from every index, and keeps the figures of what nobody had asked for", async () => {
    const log = opened();
    await log.append(rows(0, 5));
    await log.append([row(0, { at: start + 2 * hour })]);
    await log.prune(start + 2 * hour, { maxAgeMs: hour, maxBytes: 1e9 });
    assert.equal((await log.statistics(asked)).calls, 5);
    for (const index of requestIndexes) assert.equal(entries(index), 1, index);
    assert.equal(await found(log, {}), 1);
    await log.prune(start + 9 * hour, { maxAgeMs: hour, maxBytes: 1e9 });
    for (const index of requestIndexes) assert.equal(entries(index), 0, index);
    await log.append(rows(0, 2));
    assert.equal(await found(log, { tenantId: "t" }), 2);
  });

  it("removes no row that was not counted yet", async () => {
    const log = opened();
    await log.append(rows(0, 5));
    const pruning = log.prune(start + 2 * hour, { maxAgeMs: hour, maxBytes: 1e9 });
    await log.append(rows(5, 3));
    // Along the index by which rows are removed.
    await found(log, {});
    await pruning;
    assert.equal((await log.statistics(asked)).calls, 8);
  });

  function reached(): Readonly<Record<string, number>> {
    const parts = read("select part, id from request_log_upkeep");
    return Object.fromEntries(parts.map(({ part, id }) => [String(part), Number(id)]));
  }

  function counted(): number {
    const sum = "select sum(calls) as calls from request_rollups where step = 2 and dimension = 0";
    return Number(read(sum)[0]?.["calls"]);
  }

  function entries(index: RequestIndex): number {
    return Number(read(`select count(*) as n from ${indexTables[index].name}`)[0]?.["n"]);
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

/** What files had until version 4 instead of tables. */
const oldIndexes = `
  drop table request_log_upkeep;
  drop table request_log_by_time;
  drop table request_log_of_errors;
  drop table request_log_by_request;
  drop table request_log_by_key;
  drop table request_log_by_user;
  drop table request_log_by_procedure;
  drop table request_log_by_tenant;
  create index request_log_by_time on request_log (at);
  create index request_log_by_user on request_log (user_id, at) where user_id is not null;
  create index request_log_by_key on request_log (api_key_id, at) where api_key_id is not null;
  create index request_log_by_procedure on request_log (procedure, at);
  create index request_log_of_errors on request_log (at) where code <> 0;
  create index request_log_by_request on request_log (request_id);
  create index request_log_by_tenant on request_log (tenant_id, at) where tenant_id is not null;
`;
