import assert from "node:assert/strict";
import { it } from "node:test";
import fc from "fast-check";
import { createMemoryRequestLog } from "./memory.ts";
import type { RequestLog } from "./request-contracts.ts";
import { requestRow } from "./request-log.suite.ts";
import { createRequestRecorder } from "./request-recorder.ts";

/** A log that can be away or lose its answers, and takes a while. */
function slowLog() {
  const log = createMemoryRequestLog({ now: () => requestRow(0).at });
  const state = { away: false, losing: false, batches: [] as number[] };
  const append: RequestLog["append"] = async (rows, ...rest) => {
    await new Promise((resolve) => setImmediate(resolve));
    if (state.away) throw new Error("away");
    state.batches.push([...rows].length);
    await log.append(rows, ...rest);
    if (state.losing) throw new Error("lost");
  };
  return { log, state, append };
}

const range = { since: 0, until: Date.UTC(2030, 0) };

it("writes batches in the order of recording, and everything when it is closed", async () => {
  const { log, state, append } = slowLog();
  const recorder = createRequestRecorder({ log: { append }, flushEveryMs: 1e6 });
  for (let n = 0; n < 2500; n += 1) recorder.record(requestRow(n, { at: 1 }));
  assert.equal(recorder.waiting, 2500);
  await recorder.close();
  assert.deepEqual(state.batches, [1000, 1000, 500]);
  const rows = await log.since(0, 5000);
  assert.deepEqual(
    rows.map(({ requestId }) => requestId),
    Array.from({ length: 2500 }, (_, n) => requestRow(n).requestId),
  );
  await recorder.close();
});

it("while the log is away keeps what there is room for, counts the rest, and recovers with nothing twice", async () => {
  const { log, state, append } = slowLog();
  const told: number[] = [];
  const errors: unknown[] = [];
  const recorder = createRequestRecorder({
    log: { append },
    maxWaiting: 1500,
    flushEveryMs: 5,
    onDrop: (count) => void told.push(count),
    onError: (error) => void errors.push(error),
  });
  state.away = true;
  for (let n = 0; n < 2000; n += 1) {
    recorder.record(requestRow(n));
    if (n % 500 === 0) await assert.rejects(recorder.flush(), /away/);
  }
  assert.equal(recorder.waiting, 1500);
  assert.equal(recorder.dropped, 500);
  await until(() => errors.length > 1 && told.length > 0);
  state.away = false;
  await until(() => recorder.waiting === 0);
  recorder.record(requestRow(9999));
  await recorder.close();
  const rows = await log.since(0, 5000);
  assert.equal(rows.length, 1501);
  assert.equal(new Set(rows.map(({ requestId }) => requestId)).size, 1501);
  const { calls, dropped } = await log.statistics({ ...range, top: 1 });
  assert.deepEqual([calls, dropped], [1501, 500]);
  assert.equal(
    told.reduce((sum, count) => sum + count, 0),
    500,
  );
});

it("says so when the last rows cannot be written, and can be asked again", async () => {
  const { log, state, append } = slowLog();
  const recorder = createRequestRecorder({ log: { append }, flushEveryMs: 1e6 });
  recorder.record(requestRow(1));
  state.away = true;
  await assert.rejects(recorder.close(), /away/);
  assert.equal(recorder.waiting, 1);
  state.away = false;
  await recorder.close();
  assert.equal((await log.since(0, 9)).length, 1);
});

it("writes everything once and in order, whatever fails and whether that was written or not", async () => {
  const step = fc.record({
    calls: fc.nat(1800),
    meanwhile: fc.nat(1800),
    how: fc.constantFrom("well", "away", "losing"),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 8 }), async (steps) => {
      const { log, state, append } = slowLog();
      const recorder = createRequestRecorder({ log: { append }, maxWaiting: 2500, flushEveryMs: 1e6 });
      const taken: string[] = [];
      let n = 0;
      const record = (calls: number): void => {
        for (const end = n + calls; n < end; n += 1) {
          if (recorder.waiting < 2500) taken.push(requestRow(n).requestId);
          recorder.record(requestRow(n));
        }
      };
      for (const { calls, meanwhile, how } of steps) {
        Object.assign(state, { away: how === "away", losing: how === "losing" });
        record(calls);
        const flushing = recorder.flush().catch(() => {});
        record(meanwhile);
        await flushing;
        assert.equal(recorder.written + recorder.waiting, taken.length);
      }
      Object.assign(state, { away: false, losing: false });
      await recorder.close();
      const rows = await log.since(0, 100_000);
      assert.deepEqual(
        rows.map(({ requestId }) => requestId),
        taken,
      );
      const { calls, dropped } = await log.statistics({ ...range, top: 1 });
      assert.deepEqual([calls, dropped], [taken.length, n - taken.length]);
      assert.deepEqual([recorder.written, recorder.dropped], [calls, dropped]);
    }),
    { numRuns: 30 },
  );
});

async function until(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error("it never came true");
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
