import assert from "node:assert/strict";
import { after, it } from "node:test";
import { startPostgres } from "../../../../tools/postgres-server.ts";
import { openPostgresRequestLog, openPostgresStore } from "./postgres.ts";
import { describeRequestLog, requestRow } from "./request-log.suite.ts";

const server = await startPostgres();
after(() => server.stop());

const name = await server.createDatabase();
const database = server.local(name);
await (await openPostgresStore({ database })).close();

describeRequestLog("PostgreSQL", async ({ now }) => {
  const log = openPostgresRequestLog({ database, now });
  const dispose = async () => {
    await log.close();
    await server.query(
      "truncate request_log, request_rollups, request_log_writers; alter sequence request_log_id restart",
      name,
    );
  };
  return { log, dispose };
});

const partitions = async (): Promise<number> => {
  const query = "select count(*)::int as count from pg_inherits where inhparent = 'request_log'::regclass";
  return Number((await server.query(query, name))[0]?.["count"]);
};

it("two nodes begin a new day at once, and neither notices that a day was removed", async () => {
  const day = 86_400_000;
  const base = Math.floor(requestRow(0).at / day) + 1000;
  const logs = [openPostgresRequestLog({ database }), openPostgresRequestLog({ database })];
  const write = (n: number) =>
    Promise.all(
      logs.map((log) =>
        log.append(Array.from({ length: 50 }, (_, i) => requestRow(i, { at: (base + n) * day + i }))),
      ),
    );
  const before = await partitions();
  for (let n = 0; n < 4; n += 1) await write(n);
  assert.equal((await partitions()) - before, 4);
  await logs[0]?.prune((base + 3) * day, { maxAgeMs: 0, maxBytes: 1e12 });
  assert.equal(await partitions(), 1);
  await write(0);
  assert.equal(await partitions(), 2);
  const { calls } = (await logs[1]?.statistics({ since: base * day, until: (base + 4) * day, top: 1 })) ?? {};
  assert.equal(calls, 5 * 100);
  // By size the oldest goes first, and the newest stays.
  await logs[1]?.prune(0, { maxAgeMs: 0, maxBytes: 1 });
  assert.equal(await partitions(), 1);
  assert.equal((await logs[0]?.list({ filter: {}, limit: 1 }))?.rows.length, 1);
  await Promise.all(logs.map((log) => log.close()));
});

it("a batch that is told again while it is still being written is there once", async () => {
  const logs = Array.from({ length: 4 }, () => openPostgresRequestLog({ database }));
  const [log] = logs as [(typeof logs)[0] & object];
  const before = await log.head();
  const rows = Array.from({ length: 300 }, (_, n) => requestRow(n));
  for (let number = 1; number <= 5; number += 1)
    await Promise.all(logs.map((each) => each.append(rows, 1, { writer: "slow", number })));
  const written = await log.since(before, 5000);
  assert.equal(written.length, 5 * rows.length);
  await Promise.all(logs.map((each) => each.close()));
});
