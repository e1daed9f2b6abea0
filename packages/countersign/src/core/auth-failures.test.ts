import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createAuth } from "./auth.ts";
import type { Authenticator } from "./authenticator.ts";
import { allow, type Decision, deny, isPromise } from "./decision.ts";
import { atOnce, byName, fakeAuthenticator, fakeCall, principal, reasonOf } from "./fakes.suite.ts";
import { allOf, anyOf, type Guard, not } from "./guard.ts";
import { policyFor } from "./policy.ts";
import type { Principal } from "./principal.ts";
import { createRevocations } from "./revocation.ts";

const ada = principal({ isStaff: true });
const boom = new Error("the store is down");

function decide(
  guard: Guard<Principal> | "authenticated" | "optional",
  authenticator: Authenticator<Principal>,
) {
  const policy = [policyFor<Principal>().routes({ "GET /": guard })];
  return createAuth<Principal>({ authenticators: [authenticator], policy }).decide(
    fakeCall("GET /", { "x-fake": "ada" }),
  );
}

const good = byName({ ada });

/** Guards that TypeScript would not take, as JavaScript and `any` write them. */
const sloppy = (answer: unknown): Guard<Principal> => (() => answer) as never;

describe("decide() never throws and never rejects", () => {
  it("an authenticator that throws is UNAVAILABLE, with the cause for the log only", () => {
    for (const rule of ["authenticated", "optional"] as const) {
      const decision = atOnce(
        decide(
          rule,
          fakeAuthenticator(() => {
            throw boom;
          }),
        ),
      );
      assert.ok(!decision.ok);
      assert.equal(decision.denial.reason, "UNAVAILABLE");
      assert.equal(decision.denial.message, "Authentication temporarily unavailable");
      assert.equal(decision.denial.cause, boom);
    }
  });

  it("one that rejects, and one that promises nothing, are UNAVAILABLE", async () => {
    assert.equal(
      reasonOf(
        await decide(
          "optional",
          fakeAuthenticator(() => Promise.reject(boom)),
        ),
      ),
      "UNAVAILABLE",
    );
    const nothing = fakeAuthenticator(() => Promise.resolve(undefined) as never);
    assert.equal(reasonOf(await decide("authenticated", nothing)), "UNAVAILABLE");
  });

  it("a header() that throws is UNAVAILABLE", () => {
    const policy = [policyFor<Principal>().routes({ "GET /": "authenticated" })];
    const auth = createAuth<Principal>({ authenticators: [good], policy });
    const call = {
      ...fakeCall("GET /"),
      header: () => {
        throw boom;
      },
    };
    assert.equal(reasonOf(atOnce(auth.decide(call))), "UNAVAILABLE");
  });

  it("a guard that throws or rejects is UNAVAILABLE, wherever it stands", async () => {
    const throwing: Guard<Principal> = () => {
      throw boom;
    };
    const rejecting: Guard<Principal> = () => Promise.reject(boom);
    for (const guard of [throwing, rejecting]) {
      const wrapped = [
        guard,
        allOf(guard),
        anyOf(guard, () => true),
        not(guard),
        allOf(async () => true, guard),
      ];
      for (const each of wrapped) assert.equal(reasonOf(await decide(each, good)), "UNAVAILABLE");
    }
  });
});

describe("a guard lets nobody in but with true", () => {
  const answers: unknown[] = [1, "yes", undefined, null, {}, [], "true", 0, "", Number.NaN];

  it("REGRESSION: undefined and null are a refusal, not a failure", () => {
    assert.equal(reasonOf(atOnce(decide(sloppy(undefined), good))), "PERMISSION_DENIED");
    assert.equal(reasonOf(atOnce(decide(sloppy(null), good))), "PERMISSION_DENIED");
  });

  for (const answer of answers) {
    it(`${JSON.stringify(answer)} refuses, at once and promised, in every combination`, async () => {
      for (const guard of [sloppy(answer), sloppy(Promise.resolve(answer))]) {
        const combined = [
          guard,
          allOf(guard),
          anyOf(guard),
          not(guard),
          anyOf(() => false, guard),
          anyOf(guard, () => false),
        ];
        for (const each of combined) assert.equal(reasonOf(await decide(each, good)), "PERMISSION_DENIED");
      }
    });

    it(`REGRESSION: a negation does not turn ${JSON.stringify(answer)} into an admission, however deep it is`, async () => {
      for (const guard of [sloppy(answer), sloppy(Promise.resolve(answer))]) {
        const deep = [
          not(not(guard)),
          not(anyOf(guard)),
          not(allOf(guard)),
          not(anyOf(guard, () => false)),
          not(anyOf(not(guard))),
        ];
        for (const each of deep) assert.equal(reasonOf(await decide(each, good)), "PERMISSION_DENIED");
      }
    });
  }
});

describe("observers", () => {
  const policy = [policyFor<Principal>().routes({ "GET /": "authenticated" })];

  it("hear of each decision once, sync and async, and cannot change it", async () => {
    const heard: string[] = [];
    const onDecision = (decision: Decision<Principal>) => {
      heard.push(reasonOf(decision));
      throw boom;
    };
    const slow = fakeAuthenticator(() => Promise.resolve(deny("TOKEN_EXPIRED")), { header: "x-slow" });
    const auth = createAuth<Principal>({ authenticators: [good, slow], policy, onDecision });
    assert.equal(reasonOf(atOnce(auth.decide(fakeCall("GET /", { "x-fake": "ada" })))), "ok");
    assert.equal(reasonOf(await auth.decide(fakeCall("GET /", { "x-slow": "x" }))), "TOKEN_EXPIRED");
    assert.equal(reasonOf(atOnce(auth.decide(fakeCall("GET /")))), "CREDENTIALS_MISSING");
    assert.deepEqual(heard, ["ok", "TOKEN_EXPIRED", "CREDENTIALS_MISSING"]);
  });

  it("REGRESSION: one that is async and rejects does not end the process", async (t) => {
    const unhandled = t.mock.fn();
    process.once("unhandledRejection", unhandled);
    t.after(() => process.off("unhandledRejection", unhandled));
    const auth = createAuth<Principal>({
      authenticators: [good],
      policy,
      onDecision: async () => {
        throw boom;
      },
    });
    assert.equal(reasonOf(atOnce(auth.decide(fakeCall("GET /", { "x-fake": "ada" })))), "ok");
    // Unhandled rejections are told after the microtasks of the turn.
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(unhandled.mock.callCount(), 0);
  });
});

// Synchronous answers

it("a decision is a promise only if something in it was", async () => {
  const promised: Guard<Principal> = async () => true;
  assert.ok(!isPromise(decide("authenticated", good)));
  assert.ok(
    !isPromise(
      decide(
        allOf<Principal>(
          () => true,
          anyOf(
            () => false,
            () => true,
          ),
        ),
        good,
      ),
    ),
  );
  for (const decision of [
    decide(
      allOf<Principal>(() => true, promised),
      good,
    ),
    decide(
      "authenticated",
      fakeAuthenticator(async () => allow(ada, "slow")),
    ),
  ]) {
    assert.ok(isPromise(decision));
    assert.equal(reasonOf(await decision), "ok");
  }
});

it("guards after a promised one still run, in order, and one refusal is enough", async () => {
  const ran: string[] = [];
  const step =
    (name: string, answer: boolean): Guard<Principal> =>
    async () => {
      ran.push(name);
      return answer;
    };
  assert.equal(
    reasonOf(await decide(allOf(step("a", true), step("b", false), step("c", true)), good)),
    "PERMISSION_DENIED",
  );
  assert.deepEqual(ran, ["a", "b"]);
});

it("a revocation view that throws is UNAVAILABLE for those who ask it", () => {
  const revocations = {
    ...createRevocations(),
    version: 0,
    check: () => {
      throw boom;
    },
    onChange: () => () => {},
  };
  const asking = fakeAuthenticator((_value, runtime) => {
    runtime.revocations.check({}, 0);
    return allow(ada, "f");
  });
  const policy = [policyFor<Principal>().routes({ "GET /": "optional" })];
  const auth = createAuth<Principal>({ authenticators: [asking], policy, revocations });
  assert.equal(reasonOf(atOnce(auth.decide(fakeCall("GET /", { "x-fake": "x" })))), "UNAVAILABLE");
});
