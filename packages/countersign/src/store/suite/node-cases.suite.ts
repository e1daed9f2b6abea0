import assert from "node:assert/strict";
import type { NodeBeat } from "../node-contracts.ts";
import type { Cases, TestClock } from "./store-case.suite.ts";

const beat = (clock: TestClock, id: string, more: Partial<NodeBeat> = {}): NodeBeat => ({
  id,
  name: "one",
  version: "0.1.0",
  startedAt: clock.date,
  grpcAddress: "127.0.0.1:50051",
  httpAddress: "127.0.0.1:8000",
  revocationHead: 7,
  revocationLag: 0,
  revocationsKnownAt: clock.date,
  ...more,
});

export const nodeCases: Cases = {
  "are known by what they said last": async ({ nodes }, clock) => {
    const first = beat(clock, "b");
    await nodes.beat(first);
    await nodes.beat(beat(clock, "a", { name: "two" }));
    clock.ms += 10_000;
    const later = { ...first, revocationHead: 2 ** 33, revocationLag: 3, revocationsKnownAt: clock.date };
    await nodes.beat(later);
    const listed = await nodes.list();
    assert.deepEqual(listed[0], { ...later, lastSeenAt: clock.date });
    assert.deepEqual(
      listed.map(({ id }) => id),
      ["b", "a"],
    );
  },

  "are forgotten when they stop, and after an hour of silence": async ({ nodes }, clock) => {
    const ids = async () => (await nodes.list()).map(({ id }) => id);
    for (const id of ["a", "b", "c"]) await nodes.beat(beat(clock, id, { name: id }));
    await nodes.forget("c");
    await nodes.forget("nobody");
    assert.deepEqual(await ids(), ["a", "b"]);
    clock.ms += 3_600_000;
    await nodes.beat(beat(clock, "b", { name: "b" }));
    assert.deepEqual(await ids(), ["a", "b"]);
    clock.ms += 1;
    await nodes.beat(beat(clock, "b", { name: "b" }));
    assert.deepEqual(await ids(), ["b"]);
  },
};
