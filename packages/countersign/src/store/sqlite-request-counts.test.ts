import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, it } from "node:test";
import { requestRow } from "./request-log.suite.ts";
import { countedAtOnce } from "./sql/sqlite/request-log/request-counts.ts";
import { SqliteRequestLog } from "./sql/sqlite/request-log/sqlite-request-log.ts";

const start = requestRow(0).at;
const asked = { since: start - 60_000, until: start + 3_600_000, top: 5 };
const rows = (from: number, count: number) => Array.from({ length: count }, (_, n) => requestRow(from + n));

/** Statistics are made of the rows some time after these were written. Nobody must be able to tell. */
describe("the statistics of a request log in SQLite", () => {
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

  it("count what a process has written that was killed before it counted", async () => {
    await opened().append(rows(0, 7), 2);
    const { calls, dropped } = await opened().statistics(asked);
    assert.deepEqual({ calls, dropped }, { calls: 7, dropped: 2 });
  });

  it("count a row once, whoever asks", async () => {
    const [one, another] = [opened(), opened()];
    await one.append(rows(0, 5));
    assert.equal((await another.statistics(asked)).calls, 5);
    assert.equal((await one.statistics(asked)).calls, 5);
    await another.append(rows(5, 3));
    assert.equal((await one.statistics(asked)).calls, 8);
    const series = await another.series({ ...asked, step: "hour" });
    assert.deepEqual(
      series.map(({ calls }) => calls),
      [8],
    );
  });

  it("are made as the log grows, and not all of them when somebody asks", async () => {
    const log = opened();
    const batch = Math.ceil(countedAtOnce / 4);
    for (let n = 0; n < 9; n++) await log.append(rows(n * batch, batch));
    assert.equal(counted(), 2 * countedAtOnce);
    assert.equal((await log.statistics(asked)).calls, 9 * batch);
    assert.equal(counted(), 9 * batch);
  });

  it("are not made a second time of what was counted as it was written", async () => {
    const log = opened();
    await log.append(rows(0, 5));
    const before = await log.statistics(asked);
    await log.close();
    open = [];
    // As the version before has left it.
    const database = new DatabaseSync(path);
    database.exec("drop table request_log_counted; pragma user_version = 2; drop table request_log_writers");
    database.close();
    const upgraded = opened();
    assert.deepEqual(await upgraded.statistics(asked), before);
    await upgraded.append(rows(5, 2));
    assert.equal((await upgraded.statistics(asked)).calls, 7);
  });

  it("keep what was removed before anybody had asked", async () => {
    const log = opened();
    await log.append(rows(0, 5));
    await log.prune(start + 86_400_000, { maxAgeMs: 1000, maxBytes: 1e9 });
    assert.deepEqual((await log.list({ filter: {}, limit: 9 })).rows, []);
    assert.equal((await log.statistics(asked)).calls, 5);
  });

  function counted(): number {
    const database = new DatabaseSync(path, { readOnly: true });
    const sum = database.prepare(
      "select sum(calls) as calls from request_rollups where step = 2 and dimension = 0",
    );
    const { calls } = sum.get() ?? {};
    database.close();
    return Number(calls);
  }
});
