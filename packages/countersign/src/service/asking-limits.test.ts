import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { allow, deny } from "../core/decision.ts";
import { principal } from "../core/fakes.suite.ts";
import { Refusal } from "../core/refusal.ts";
import { createAskingLimits, isGuess } from "./asking-limits.ts";

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
