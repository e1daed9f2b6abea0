import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { createAuth } from "../core/auth.ts";
import type { Call } from "../core/call.ts";
import { Unavailable } from "../core/call-error.ts";
import type { Allowed, Decision } from "../core/decision.ts";
import { admitted, atOnce, byName, fakeCall, principal, reasonOf } from "../core/fakes.suite.ts";
import { isStaff } from "../core/guards.ts";
import type { CallLimit } from "../core/limit.ts";
import { policyFor } from "../core/policy.ts";
import type { Principal } from "../core/principal.ts";
import { createRevocations } from "../core/revocation.ts";
import type { LimitStore } from "./limit-store.ts";
import { createLimiter, type LimiterOptions, type LimitRule } from "./limiter.ts";
import { createMemoryLimits } from "./memory-limits.ts";

const p = policyFor<Principal>();
const service = {
  say: { path: "/a.Echo/Say" },
  admin: { path: "/a.Echo/Admin" },
  judge: { path: "/a.Echo/Judge" },
  other: { path: "/b.Other/Do" },
  login: { path: "/a.Auth/Login" },
};
const policy = [
  p.rules(service, {
    say: "authenticated",
    admin: isStaff,
    judge: p.withRequest<string>((_who, request) => request === "right"),
    other: "optional",
    login: "open",
  }),
];
const key = { id: "k1", name: "k", type: "service", scopes: [] };
const own: readonly CallLimit[] = [{ kind: "rate", name: "wide", limit: 1, windowSeconds: 60 }];
const people = {
  ada: principal({ userId: "1" }),
  bob: principal({ userId: "2" }),
  "ada's key": principal({ userId: "1", apiKey: key }),
  "a limited key": principal({ userId: "1", apiKey: { ...key, id: "k2", callLimits: own } }),
};

function setup(limits: readonly LimitRule[], options: Omit<LimiterOptions<Principal>, "limits"> = {}) {
  const revocations = createRevocations();
  const told: Decision<Principal>[] = [];
  const auth = createAuth<Principal>({
    authenticators: [byName(people)],
    policy,
    revocations,
    limits: createLimiter({ limits, ...options }),
    onDecision: (decision) => told.push(decision),
  });
  const call = (name: string, path = "/a.Echo/Say", address = "192.0.2.1:1"): Call => ({
    ...fakeCall(path, name === "" ? {} : { "x-fake": name }),
    peer: { address },
  });
  const ask = (name: string, path?: string, address?: string): string =>
    reasonOf(atOnce(auth.decide(call(name, path, address))));
  const times = (count: number, name: string, path?: string, address?: string): readonly string[] =>
    Array.from({ length: count }, () => ask(name, path, address));
  return { auth, revocations, told, call, ask, times };
}

/** In the middle of a day and of a month: a quota begins anew with them. */
function standingClock(t: TestContext): void {
  t.mock.timers.enable({ apis: ["Date"], now: Date.UTC(2027, 0, 15, 12) });
}

const rate = (name: string, limit: number, more: Partial<LimitRule> = {}): LimitRule =>
  ({ kind: "rate", name, limit, windowSeconds: 60, per: "user", ...more }) as LimitRule;

describe("limits of calls", () => {
  it("are for users by whatever credential, for keys, and for addresses", () => {
    const { ask, times } = setup([
      rate("users", 4),
      rate("keys", 2, { per: "key" }),
      rate("addresses", 6, { per: "address" }),
    ]);
    assert.deepEqual(times(3, "ada's key"), ["ok", "ok", "RATE_LIMITED"]);
    assert.deepEqual(times(3, "ada"), ["ok", "ok", "RATE_LIMITED"]);
    assert.deepEqual(times(3, "bob"), ["ok", "ok", "RATE_LIMITED"], "the address");
    assert.equal(ask("bob", undefined, "192.0.2.2:1"), "ok");
    // Anonymous calls have an address, and open ones too.
    assert.equal(ask("", "/b.Other/Do"), "RATE_LIMITED");
    assert.equal(ask("", "/a.Auth/Login"), "RATE_LIMITED");
    assert.equal(ask("", "/grpc.health.v1.Health/Check"), "ok");
    // Many callers share it, and nobody is told from another.
    assert.deepEqual(times(10, "", "/a.Auth/Login", "127.0.0.1:1").at(-1), "ok");
  });

  it("are for the methods that they name", () => {
    const { auth, times } = setup([
      rate("echo", 2, { methods: ["/a.Echo/*"] }),
      rate("other", 1, { methods: ["/b.Other/Do"] }),
    ]);
    assert.deepEqual(times(3, "ada"), ["ok", "ok", "RATE_LIMITED"]);
    assert.deepEqual(times(2, "ada", "/b.Other/Do"), ["ok", "RATE_LIMITED"]);
    auth.serve(
      Object.values(service).map(({ path }) => path),
      { decoded: [service.judge.path] },
    );
    auth.seal();
    const mistyped = setup([rate("echo", 2, { methods: ["/a.Echo/Sai", "/a.Echo/Say"] })]);
    mistyped.auth.serve(
      Object.values(service).map(({ path }) => path),
      { decoded: [service.judge.path] },
    );
    assert.throws(() => mistyped.auth.seal(), /the limit "echo" names \/a\.Echo\/Sai, which is not served/);
  });

  it("cost nothing where a call is refused, by whatever: a credential, a rule, the request or another limit", () => {
    const { auth, ask, call } = setup([rate("wide", 5), rate("narrow", 1, { methods: ["/b.Other/Do"] })]);
    for (const [name, path, reason] of [
      ["nobody", "/a.Echo/Say", "TOKEN_INVALID"],
      ["", "/a.Echo/Say", "CREDENTIALS_MISSING"],
      ["ada", "/a.Echo/Admin", "PERMISSION_DENIED"],
      ["ada", "/b.Other/Do", "ok"],
      ["ada", "/b.Other/Do", "RATE_LIMITED"],
      ["ada", "/b.Other/Do", "RATE_LIMITED"],
      ["ada", "/no.Such/Thing", "PERMISSION_DENIED"],
    ] as const)
      assert.equal(ask(name, path), reason);
    // Of five, one is used. What waits for its request is counted with it.
    for (const [request, reason] of [
      ["wrong", "PERMISSION_DENIED"],
      ["right", "ok"],
    ] as const) {
      const judged = call("ada", "/a.Echo/Judge");
      const first = admitted(atOnce(auth.decide(judged)));
      assert.equal(reasonOf(atOnce(auth.judgeRequest(judged, first, request))), reason);
    }
    assert.deepEqual([ask("ada"), ask("ada"), ask("ada"), ask("ada")], ["ok", "ok", "ok", "RATE_LIMITED"]);
    const judged = call("ada", "/a.Echo/Judge");
    const first = admitted(atOnce(auth.decide(judged)));
    assert.equal(reasonOf(atOnce(auth.judgeRequest(judged, first, "right"))), "RATE_LIMITED");
  });

  it("tell when to come again, and of a quota whose it is", (t) => {
    standingClock(t);
    const { call, auth, told } = setup([
      { kind: "quota", name: "exports", limit: 1, period: "month", per: "user" },
    ]);
    atOnce(auth.decide(call("ada")));
    const refused = atOnce(auth.decide(call("ada")));
    assert.ok(!refused.ok);
    const { reason, message, retryAfterSeconds = 0, quota } = refused.denial;
    assert.deepEqual([reason, message], ["QUOTA_EXCEEDED", "Quota exceeded"]);
    assert.equal(retryAfterSeconds, 16.5 * 86_400);
    assert.deepEqual(quota, { subject: "user:1", description: "exports: 1 calls in one month" });
    assert.deepEqual(
      told.map(({ ok }) => ok),
      [true, false],
    );
  });

  it("may be a key's own, under whatever name", () => {
    const { times } = setup([rate("wide", 3)]);
    assert.deepEqual(times(2, "a limited key"), ["ok", "RATE_LIMITED"]);
    assert.deepEqual(times(3, "ada's key"), ["ok", "ok", "RATE_LIMITED"]);
    assert.deepEqual(setup([]).times(2, "a limited key"), ["ok", "RATE_LIMITED"]);
  });

  it("count a stream when it begins, and not when it is decided anew", async () => {
    const { auth, revocations, call, ask } = setup([rate("users", 2)]);
    const stream = call("ada");
    const ended: string[] = [];
    const stop = auth.watch(stream, admitted(atOnce(auth.decide(stream))), ({ reason }) =>
      ended.push(reason),
    );
    for (let n = 0; n < 5; n += 1) {
      revocations.apply({ kind: "user", userId: "9", state: "changed" });
      await new Promise((resolve) => setTimeout(resolve, 60));
    }
    assert.deepEqual([ask("ada"), ask("ada")], ["ok", "RATE_LIMITED"]);
    revocations.apply({ kind: "user", userId: "9", state: "changed" });
    await new Promise((resolve) => setTimeout(resolve, 60));
    assert.deepEqual(ended, []);
    stop();
  });

  it("are UNAVAILABLE where nobody can count, and give back what was counted elsewhere", async (t) => {
    standingClock(t);
    const rates = createMemoryLimits();
    let quotas: LimitStore = createMemoryLimits();
    const away: LimitStore = {
      ...quotas,
      take: async () => {
        throw new Unavailable("away");
      },
    };
    const both = { ...quotas, take: (takes: Parameters<LimitStore["take"]>[0]) => quotas.take(takes) };
    const { auth, call } = setup(
      [rate("rates", 3), { ...rate("quotas", 2), kind: "quota", period: "day" } as LimitRule],
      {
        rates,
        quotas: both,
      },
    );
    const ask = async () => reasonOf(await auth.decide(call("ada")));
    const memory = quotas;
    quotas = away;
    for (let n = 0; n < 5; n += 1) assert.equal(await ask(), "UNAVAILABLE");
    quotas = memory;
    const reasons = [await ask(), await ask(), await ask(), await ask()];
    assert.deepEqual(reasons, ["ok", "ok", "QUOTA_EXCEEDED", "QUOTA_EXCEEDED"]);
    assert.equal(rates.usage([{ limit: rate("rates", 3), subject: "1" }])[0]?.used, 2);
  });

  it("refuse what was revoked while they were asked, as soon as the stream is open", async () => {
    const rates = createMemoryLimits();
    let answer: () => void = () => {};
    const slow: LimitStore = {
      take: (takes) => new Promise((resolve) => (answer = () => resolve(rates.take(takes)))),
      takeBack: () => {},
      usage: () => [],
      reset: () => {},
      prune: () => {},
    };
    const revocations = createRevocations();
    const revoked = { current: false };
    const auth = createAuth<Principal>({
      authenticators: [
        {
          ...byName(people),
          start: (runtime) => {
            const authenticate = byName(people).start(runtime);
            return (value, call) => (revoked.current ? undefined : authenticate(value, call));
          },
        },
      ],
      policy,
      revocations,
      limits: createLimiter({ limits: [rate("users", 2)], rates: slow }),
    });
    const stream = fakeCall("/a.Echo/Say", { "x-fake": "ada" });
    const pending = auth.decide(stream);
    revoked.current = true;
    revocations.apply({ kind: "user", userId: "1", state: "disabled" });
    answer();
    const decision = (await pending) as Allowed<Principal>;
    const reason = await new Promise((resolve) =>
      auth.watch(stream, decision, (denial) => resolve(denial.reason)),
    );
    assert.equal(reason, "TOKEN_INVALID");
  });

  it("are refused where they cannot be", () => {
    for (const limits of [
      [rate("x", 0)],
      [rate("Upper", 1)],
      [rate("", 1)],
      [rate("x", 1), rate("x", 2)],
      [rate("x", 1, { methods: [] })],
      [rate("x", 1, { methods: ["Say"] })],
      [rate("x", 1, { per: "session" as "user" })],
      [{ ...rate("x", 1), windowSeconds: 0 } as LimitRule],
      [{ kind: "quota", name: "x", limit: 1, period: "year" as "day", per: "user" } as LimitRule],
    ])
      assert.throws(() => createLimiter({ limits }), TypeError, JSON.stringify(limits));
    assert.throws(() => createLimiter({ sharedAddresses: ["proxy"] }), TypeError);
  });
});

describe("limits in memory", () => {
  it("keep no more subjects than they can hold, and those that are asked about", () => {
    const limits = createMemoryLimits({ capacity: 1000 });
    const once = rate("once", 1);
    assert.equal(limits.take([{ limit: once, subject: "busy" }]).ok, true);
    for (let n = 0; n < 5000; n += 1) {
      limits.take([{ limit: once, subject: `subject ${n}` }]);
      if (n % 100 === 0) assert.equal(limits.take([{ limit: once, subject: "busy" }]).ok, false);
    }
    assert.equal(limits.take([{ limit: once, subject: "subject 4999" }]).ok, false);
    assert.equal(limits.take([{ limit: once, subject: "subject 1" }]).ok, true, "forgotten");
  });
});
