import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { StoreUnavailable } from "../contracts.ts";
import { CircuitBreaker } from "./circuit-breaker.ts";

function setUp() {
  const clock = { ms: 0 };
  const breaker = new CircuitBreaker({ name: "database x", elapsed: () => clock.ms });
  const admitted = (): boolean => {
    try {
      breaker.admit();
      return true;
    } catch (error) {
      assert.ok(error instanceof StoreUnavailable);
      return false;
    }
  };
  return { clock, breaker, admitted };
}

describe("circuit breaker", () => {
  it("opens after failures in a row, and not for some among successes", () => {
    const { breaker, admitted } = setUp();
    for (let turn = 0; turn < 5; turn += 1) {
      breaker.failed(new Error("away"));
      assert.ok(admitted());
      breaker.answered();
    }
    breaker.failed(new Error("away"));
    breaker.failed(new Error("away"));
    assert.ok(!admitted());
  });

  it("lets one try now and then, and closes when it succeeds", () => {
    const { breaker, admitted, clock } = setUp();
    breaker.failed(1);
    breaker.failed(1);
    clock.ms = 499;
    assert.deepEqual([admitted(), admitted()], [false, false]);
    clock.ms = 500;
    breaker.check();
    assert.deepEqual([admitted(), admitted(), admitted()], [true, false, false]);
    breaker.failed(1);
    clock.ms = 999;
    assert.ok(!admitted());
    clock.ms = 1000;
    // One that never comes back does not keep others from trying.
    assert.deepEqual([admitted(), admitted()], [true, false]);
    clock.ms = 1500;
    assert.ok(admitted());
    breaker.answered();
    assert.deepEqual([admitted(), admitted()], [true, true]);
  });

  it("tells what went wrong as the cause", () => {
    const { breaker } = setUp();
    const away = new Error("away");
    breaker.failed(away);
    breaker.failed(away);
    assert.throws(() => breaker.check(), {
      message: "database x: it was away a moment ago; try again",
      cause: away,
    });
  });
});
