import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { type KeptToken, TokenKeeper } from "./token-keeper.ts";

/** Tokens t1, t2, …, of a hundred seconds each, by a clock that stands still. */
function keeping(lifetimeMs = 100_000) {
  const clock = { now: 1_000_000 };
  const asked: (string | undefined)[] = [];
  let fail: Error | undefined;
  let hold: Promise<void> = Promise.resolve();
  const keeper = new TokenKeeper({
    now: () => clock.now,
    async fetch(old): Promise<KeptToken> {
      asked.push(old);
      const name = `t${asked.length}`;
      await hold;
      if (fail !== undefined) throw fail;
      return { value: name, expiresAt: clock.now + lifetimeMs };
    },
  });
  return {
    clock,
    asked,
    keeper,
    failing: (error?: Error) => {
      fail = error;
    },
    held(): () => void {
      const { promise, resolve } = Promise.withResolvers<void>();
      hold = promise;
      return resolve;
    },
  };
}

describe("a kept token", () => {
  it("is fetched once, however many calls wait for it", async () => {
    const { keeper, asked } = keeping();
    const values = await Promise.all(Array.from({ length: 100 }, () => keeper.value()));
    assert.deepEqual([...new Set(values)], ["t1"]);
    assert.deepEqual(asked, [undefined]);
  });

  it("is there at once while it is good, and renewed ahead of its end without anybody waiting", async () => {
    const { keeper, asked, clock } = keeping();
    await keeper.value();
    clock.now += 79_999;
    assert.equal(keeper.value(), "t1");
    assert.equal(asked.length, 1);
    clock.now += 1;
    assert.deepEqual([keeper.value(), keeper.value()], ["t1", "t1"]);
    await turn();
    assert.deepEqual([keeper.value(), asked], ["t2", [undefined, "t1"]]);
  });

  it("is a minute ahead at most", async () => {
    const { keeper, asked, clock } = keeping(3_600_000);
    await keeper.value();
    assert.equal(keeper.dueInMs(), 3_540_000);
    clock.now += 3_539_999;
    keeper.value();
    assert.equal(asked.length, 1);
  });

  it("of a few seconds is renewed earlier, when half of its time is left", async () => {
    const { keeper, clock } = keeping(3000);
    await keeper.value();
    assert.equal(keeper.dueInMs(), 1500);
    clock.now += 10_000;
    assert.equal(keeper.dueInMs(), 0);
  });

  it("is waited for when there is hardly time to arrive with it", async () => {
    const { keeper, clock } = keeping();
    await keeper.value();
    clock.now += 95_000;
    assert.equal(await keeper.value(), "t2");
  });

  it("is used up to its end where no other can be had, and then calls hear of it", async () => {
    const { keeper, clock, failing, asked } = keeping();
    await keeper.value();
    failing(new Error("away"));
    clock.now += 80_000;
    assert.equal(keeper.value(), "t1");
    await turn();
    assert.equal(keeper.value(), "t1");
    assert.equal(asked.length, 2, "a failure is left alone for a second");
    clock.now += 19_999;
    assert.equal(await keeper.value(), "t1");
    clock.now += 1;
    await assert.rejects(async () => keeper.value(), /away/);
    failing(undefined);
    assert.equal(await keeper.value(), `t${asked.length}`);
  });

  it("is followed by another when it was refused, once for all who were", async () => {
    const { keeper, asked } = keeping();
    await keeper.value();
    const others = await Promise.all(Array.from({ length: 100 }, () => keeper.another("t1")));
    assert.deepEqual([...new Set(others)], ["t2"]);
    assert.equal(await keeper.another("t1"), "t2", "somebody else had got it");
    assert.deepEqual(asked, [undefined, "t1"]);
  });

  it("is not what was on its way when another was put in place", async () => {
    const { keeper, held } = keeping();
    const release = held();
    const late = keeper.value();
    keeper.set({ value: "new", expiresAt: Number.POSITIVE_INFINITY });
    release();
    assert.equal(await late, "t1");
    assert.equal(keeper.value(), "new");
  });
});
