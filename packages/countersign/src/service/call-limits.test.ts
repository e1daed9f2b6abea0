import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { allow, deny } from "../core/decision.ts";
import { principal } from "../core/fakes.suite.ts";
import { Refusal } from "../core/refusal.ts";
import { createAskingLimits, isGuess } from "./asking-limits.ts";
import { createCallLimits } from "./call-limits.ts";

describe("limits of calls", () => {
  const perMinute = { limit: 60, windowSeconds: 60 };

  it("admit so many at once, and then as many as come free", async () => {
    let now = 0;
    const limits = createCallLimits(() => now);
    const take = async (name = "a", calls?: number) => (await limits.take(name, perMinute, calls)).ok;
    const taken = await Promise.all(Array.from({ length: 100 }, () => take()));
    assert.equal(taken.filter(Boolean).length, 60);
    assert.deepEqual(await limits.take("a", perMinute), { ok: false, retryAfterSeconds: 1 });
    assert.equal(await take("b"), true);
    now += 999;
    assert.equal(await take(), false);
    now += 1;
    // Asking takes nothing.
    assert.deepEqual(
      [await take("a", 0), await take("a", 0), await take(), await take("a", 0)],
      [true, true, true, false],
    );
    now += 3_600_000;
    const again = await Promise.all(Array.from({ length: 100 }, () => take()));
    assert.equal(again.filter(Boolean).length, 60, "what was left unused does not pile up");
  });

  it("say how long to wait, and it is enough", async () => {
    let now = 0;
    const limits = createCallLimits(() => now);
    const rare = { limit: 2, windowSeconds: 60 };
    for (const ok of [true, true, false]) assert.equal((await limits.take("a", rare)).ok, ok);
    assert.deepEqual(await limits.take("a", rare), { ok: false, retryAfterSeconds: 30 });
    now += 30_000;
    assert.equal((await limits.take("a", rare)).ok, true);
  });

  it("keep no more names than they can hold, and those that are in use", async () => {
    let now = 0;
    const limits = createCallLimits(() => now);
    const once = { limit: 1, windowSeconds: 3600 };
    await limits.take("busy", { limit: 1_000_000, windowSeconds: 60 }, 999_000);
    for (let n = 0; n < 30_000; n += 1) {
      now += 0.001;
      await limits.take(`name ${n}`, once);
      await limits.take("busy", { limit: 1_000_000, windowSeconds: 60 });
    }
    assert.equal((await limits.take("name 29999", once)).ok, false);
    assert.equal((await limits.take("busy", { limit: 1_000_000, windowSeconds: 60 }, 900_000)).ok, false);
  });
});

describe("limits of those who ask", () => {
  const reasonOf = (work: Promise<void>) =>
    work.then(
      () => "ok",
      (error: Refusal) => error.denial.reason,
    );
  const caller = principal({ userId: "7" });
  const key = { id: "k1", name: "k", type: "service", scopes: [] };

  it("are for each caller, a key being one of its own, and tighter for who is wrong", async () => {
    const limits = createAskingLimits({ perMinute: 5, wrongPerMinute: 2 });
    for (let n = 0; n < 5; n += 1) assert.equal(await reasonOf(limits.ask(caller)), "ok");
    assert.equal(await reasonOf(limits.ask(caller)), "RATE_LIMITED");
    const byKey = principal({ userId: "7", apiKey: key });
    for (const expected of ["ok", "ok", "RATE_LIMITED"]) {
      assert.equal(await reasonOf(limits.ask(byKey)), expected);
      await limits.wasWrong(byKey);
    }
    assert.equal(await reasonOf(limits.ask(principal({ userId: "8" }))), "ok");
  });

  it("hold what is no credential of ours for a guess, and what was one for none", () => {
    assert.equal(isGuess(undefined), true);
    assert.equal(isGuess(allow(caller, "x")), false);
    for (const reason of ["TOKEN_INVALID", "API_KEY_INVALID", "CREDENTIALS_MALFORMED"] as const) {
      assert.equal(isGuess(deny(reason)), true);
    }
    for (const reason of ["TOKEN_EXPIRED", "TOKEN_REVOKED", "API_KEY_REVOKED", "USER_DISABLED"] as const) {
      assert.equal(isGuess(deny(reason)), false);
    }
    assert.throws(() => isGuess(deny("UNAVAILABLE")), Refusal);
  });
});
