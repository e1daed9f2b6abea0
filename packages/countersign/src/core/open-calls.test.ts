import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { createAuth } from "./auth.ts";
import { allow, type Decision, deny, type MaybePromise } from "./decision.ts";
import { admitted, atOnce, fakeAuthenticator, fakeCall, principal } from "./fakes.suite.ts";
import type { Guard } from "./guard.ts";
import { policyFor } from "./policy.ts";
import type { Principal } from "./principal.ts";
import { createRevocations } from "./revocation.ts";

const day = 24 * 60 * 60 * 1000;
const gathered = 50;

interface Setup {
  /** What a new decision about user "1" says. */
  decide?: () => MaybePromise<Decision<Principal>>;
  guard?: Guard<Principal>;
}

/** Timers that the test moves. No delay is longer than Node counts, where it would fire at once. */
function mockTimers(t: TestContext): ReadonlySet<unknown> {
  t.mock.timers.enable({ apis: ["setTimeout", "Date"], now: 1_000_000 });
  const pending = new Set<unknown>();
  const { setTimeout: set, clearTimeout: clear } = globalThis;
  t.mock.method(globalThis, "setTimeout", (run: () => void, delay: number) => {
    assert.ok(delay < 2 ** 31, `a delay of ${delay} ms`);
    const timer = set(() => {
      pending.delete(timer);
      run();
    }, delay);
    pending.add(timer);
    return timer;
  });
  t.mock.method(globalThis, "clearTimeout", (timer: ReturnType<typeof set> | undefined) => {
    pending.delete(timer);
    clear(timer);
  });
  return pending;
}

function setup(t: TestContext, { decide, guard }: Setup = {}) {
  const timers = mockTimers(t);
  const revocations = createRevocations();
  let listeners = 0;
  const view = {
    get version() {
      return revocations.version;
    },
    check: revocations.check.bind(revocations),
    recheck: revocations.recheck.bind(revocations),
    onChange(listener: () => void) {
      listeners++;
      const stop = revocations.onChange(listener);
      return () => {
        listeners--;
        stop();
      };
    },
  };
  const allowed = allow(principal(), "fake");
  const auth = createAuth<Principal>({
    authenticators: [
      fakeAuthenticator((_value, runtime) => {
        if (decide !== undefined) return decide();
        return runtime.revocations.check({ userId: "1" }, 0) === "user-disabled"
          ? deny("USER_DISABLED")
          : allowed;
      }),
    ],
    policy: [policyFor<Principal>().routes({ "GET /": guard ?? "authenticated", "GET /maybe": "optional" })],
    revocations: view,
  });
  const ended: string[] = [];
  const call = fakeCall("GET /", { "x-fake": "x" });
  return {
    auth,
    revocations,
    call,
    ended,
    timers,
    listeners: () => listeners,
    end: ({ reason }: { reason: string }) => void ended.push(reason),
  };
}

const disable = { kind: "user", userId: "1", state: "disabled" } as const;

// An open call

it("ends when its credential does, and not before", (t) => {
  const expiresAt = 1_000_000 + 5000;
  const decide = () =>
    Date.now() < expiresAt ? allow(principal(), "fake", expiresAt) : deny("TOKEN_EXPIRED");
  const { auth, call, ended, end, listeners } = setup(t, { decide });
  auth.watch(call, admitted(atOnce(auth.decide(call))), end);
  t.mock.timers.tick(4999);
  assert.deepEqual(ended, []);
  t.mock.timers.tick(2);
  assert.deepEqual(ended, ["TOKEN_EXPIRED"]);
  assert.equal(listeners(), 0);
  t.mock.timers.tick(day);
  assert.deepEqual(ended, ["TOKEN_EXPIRED"]);
});

it("ends after a revocation, once, and soon", (t) => {
  const { auth, revocations, call, ended, end, listeners } = setup(t);
  auth.watch(call, admitted(atOnce(auth.decide(call))), end);
  revocations.apply({ kind: "user", userId: "2", state: "disabled" });
  t.mock.timers.tick(gathered);
  assert.deepEqual(ended, []);
  revocations.apply(disable);
  revocations.apply(disable);
  t.mock.timers.tick(gathered);
  assert.deepEqual(ended, ["USER_DISABLED"]);
  assert.equal(listeners(), 0);
  revocations.apply(disable);
  t.mock.timers.tick(day);
  assert.deepEqual(ended, ["USER_DISABLED"]);
});

it("is asked about once for many revocations that come together", (t) => {
  let asked = 0;
  const { auth, revocations, call, end } = setup(t, {
    decide: () => {
      asked++;
      return allow(principal(), "fake");
    },
  });
  auth.watch(call, admitted(atOnce(auth.decide(call))), end);
  for (let userId = 0; userId < 100; userId++) {
    revocations.apply({ kind: "user", userId: `${userId}`, state: "changed" });
  }
  t.mock.timers.tick(gathered);
  assert.equal(asked, 2);
});

it("ends when a guard no longer lets it, and when nothing can be known", (t) => {
  let staff = true;
  const { auth, revocations, call, ended, end } = setup(t, { guard: () => staff });
  auth.watch(call, admitted(atOnce(auth.decide(call))), end);
  staff = false;
  revocations.apply({ kind: "user", userId: "1", state: "changed" });
  t.mock.timers.tick(gathered);
  assert.deepEqual(ended, ["PERMISSION_DENIED"]);
});

it("goes on, with a new end, where the credential lasts longer than it did", (t) => {
  let expiresAt = 1_000_000 + 1000;
  const decide = () =>
    Date.now() < expiresAt ? allow(principal(), "fake", expiresAt) : deny("TOKEN_EXPIRED");
  const { auth, call, ended, end } = setup(t, { decide });
  auth.watch(call, admitted(atOnce(auth.decide(call))), end);
  expiresAt += 5000;
  t.mock.timers.tick(1001);
  assert.deepEqual(ended, []);
  t.mock.timers.tick(4999);
  assert.deepEqual(ended, []);
  t.mock.timers.tick(1);
  assert.deepEqual(ended, ["TOKEN_EXPIRED"]);
});

it("may outlast what setTimeout can count", (t) => {
  const expiresAt = 1_000_000 + 60 * day;
  let asked = 0;
  const decide = () => {
    asked++;
    return Date.now() < expiresAt ? allow(principal(), "fake", expiresAt) : deny("TOKEN_EXPIRED");
  };
  const { auth, call, ended, end } = setup(t, { decide });
  auth.watch(call, admitted(atOnce(auth.decide(call))), end);
  t.mock.timers.tick(60 * day - 1);
  assert.deepEqual(ended, []);
  assert.ok(asked < 5, `asked ${asked} times`);
  t.mock.timers.tick(2);
  assert.deepEqual(ended, ["TOKEN_EXPIRED"]);
});

it("waits for a decision that takes a while, and forgets one that comes after its end", async (t) => {
  const pending: ((decision: Decision<Principal>) => void)[] = [];
  let first = true;
  const decide = () => {
    if (first) return allow(principal(), "fake");
    return new Promise<Decision<Principal>>((resolve) => pending.push(resolve));
  };
  const { auth, revocations, call, ended, end } = setup(t, { decide });
  auth.watch(call, admitted(atOnce(auth.decide(call))), end);
  first = false;
  revocations.apply(disable);
  t.mock.timers.tick(gathered);
  revocations.apply(disable);
  t.mock.timers.tick(gathered);
  pending[1]?.(deny("USER_DISABLED"));
  await new Promise((resolve) => setImmediate(resolve));
  pending[0]?.(deny("UNAVAILABLE"));
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(ended, ["USER_DISABLED"]);
});

it("is not watched where it is anonymous", (t) => {
  const { auth, end, listeners } = setup(t);
  const call = fakeCall("GET /maybe");
  auth.watch(call, admitted(atOnce(auth.decide(call))), end);
  assert.equal(listeners(), 0);
});

it("REGRESSION: ends too if the revocation came while its first decision was on its way", async (t) => {
  let release = (_passes: boolean): void => {};
  let first = true;
  const guard: Guard<Principal> = () => {
    if (!first) return true;
    first = false;
    return new Promise((resolve) => (release = resolve));
  };
  const { auth, revocations, call, ended, end } = setup(t, { guard });
  const decision = auth.decide(call);
  revocations.apply(disable);
  release(true);
  auth.watch(call, admitted(await decision), end);
  t.mock.timers.tick(gathered);
  assert.deepEqual(ended, ["USER_DISABLED"]);
});

it("REGRESSION: that cannot be ended does not keep others open, nor ends the process", (t) => {
  const { auth, revocations, call, ended, end } = setup(t);
  const allowed = admitted(atOnce(auth.decide(call)));
  auth.watch(call, allowed, () => {
    throw new Error("the stream is broken");
  });
  auth.watch({ ...call }, allowed, end);
  revocations.apply(disable);
  t.mock.timers.tick(gathered);
  assert.deepEqual(ended, ["USER_DISABLED"]);
});

describe("stopping", () => {
  it("leaves no listener and no timer behind, however often it is said", (t) => {
    const expiresAt = 1_000_000 + 5000;
    let asked = 0;
    const { auth, revocations, call, ended, end, listeners, timers } = setup(t, {
      decide: () => {
        asked++;
        return allow(principal(), "fake", expiresAt);
      },
    });
    const allowed = admitted(atOnce(auth.decide(call)));
    const stops = Array.from({ length: 1000 }, () => auth.watch({ ...call }, allowed, end));
    assert.equal(listeners(), 1);
    revocations.apply(disable);
    assert.equal(timers.size, 1001);
    for (const stop of stops) stop();
    for (const stop of stops) stop();
    assert.equal(timers.size, 0);
    assert.equal(listeners(), 0);
    t.mock.timers.tick(day);
    assert.equal(asked, 1);
    assert.deepEqual(ended, []);
    auth.watch(call, allowed, end);
    assert.equal(listeners(), 1);
  });
});
