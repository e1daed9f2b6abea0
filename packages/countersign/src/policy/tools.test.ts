import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { createAuth } from "../core/auth.ts";
import type { Call } from "../core/call.ts";
import { byName, fakeCall, principal, reasonOf } from "../core/fakes.suite.ts";
import { policyFor } from "../core/policy.ts";
import type { Principal } from "../core/principal.ts";
import { withRequest } from "../core/request-guard.ts";
import { compilePolicy } from "./compile-policy.ts";
import { policyFromData } from "./declared.ts";
import { diffPolicies } from "./diff.ts";
import { explain } from "./explain.ts";
import { createShadow } from "./shadow.ts";
import { policyTester } from "./test-policy.ts";

const path = "/a.B/C";
const declared = (rule: unknown) => policyFromData({ rules: { [path]: rule } }, { origin: "f" });
const tables = (rule: unknown) => compilePolicy([declared(rule)], { permissions: "any" });

/** Any rule that is made of few terms, so that two of them have something to do with one another. */
const term = fc.letrec((tie) => ({
  leaf: fc.constantFrom<unknown>(
    "staff",
    "superuser",
    { require: "a" },
    { require: "b" },
    { role: "r" },
    { max_auth_age: "1h" },
    { max_auth_age: "1m" },
  ),
  list: fc.array(tie("any"), { minLength: 1, maxLength: 3 }),
  any: fc.oneof(
    { depthSize: "small" },
    tie("leaf"),
    tie("list").map((any_of) => ({ any_of })),
    tie("list").map((all_of) => ({ all_of })),
    tie("any").map((not) => ({ not })),
  ),
})).any;
const anyRule = fc.oneof(
  { weight: 5, arbitrary: term },
  { weight: 1, arbitrary: fc.constantFrom("open", "optional", "authenticated") },
);
const anyCaller: fc.Arbitrary<Principal | undefined> = fc.option(
  fc
    .record({
      isStaff: fc.boolean(),
      isSuperuser: fc.boolean(),
      a: fc.boolean(),
      b: fc.boolean(),
      r: fc.boolean(),
      ago: fc.constantFrom(0, 600, 9999, undefined),
    })
    .map(({ isStaff, isSuperuser, a, b, r, ago }) =>
      principal({
        ...{ isStaff, isSuperuser, roles: r ? ["r"] : [] },
        permissions: new Set([...(a ? ["a"] : []), ...(b ? ["b"] : [])]),
        claims: ago === undefined ? {} : { auth_time: Math.floor(Date.now() / 1000) - ago },
      }),
    ),
  { nil: undefined },
);

describe("diffPolicies", () => {
  const kinds = (before: unknown, after: unknown) =>
    diffPolicies(declared(before), declared(after))
      .map(({ kind }) => kind)
      .join();

  it("says what opened up, by what is let in and not by how it is written", () => {
    const cases: readonly [unknown, unknown, string][] = [
      ["staff", "staff", ""],
      ["staff", "authenticated", "opened"],
      ["authenticated", "optional", "opened"],
      ["optional", "open", "opened"],
      ["open", "staff", "closed"],
      ["staff", "superuser", "closed"],
      ["superuser", "staff", "opened"],
      ["staff", { require: "a" }, "opened"],
      ["staff", { any_of: ["staff", "superuser"] }, "changed"],
      [{ any_of: ["staff", { role: "r" }] }, { any_of: [{ role: "r" }, "staff"] }, "changed"],
      [{ require: "a" }, { require: "a", mfa: true }, "closed"],
      [{ max_auth_age: "15m" }, { max_auth_age: "1h" }, "opened"],
      [{ max_auth_age: "1h" }, { max_auth_age: "15m" }, "closed"],
      [{ not: { role: "r" } }, { not: { any_of: [{ role: "r" }, "staff"] } }, "closed"],
      [{ condition: "a" }, { condition: "b" }, "opened"],
      [
        { any_of: Array.from({ length: 15 }, (_, index) => ({ role: `r${index}` })) },
        { role: "r0" },
        "opened",
      ],
    ];
    for (const [before, after, expected] of cases)
      assert.equal(kinds(before, after), expected, JSON.stringify([before, after]));
  });

  it("says what is new and what is gone", () => {
    const none = policyFromData({}, { origin: "f" });
    const kindsOf = (before: unknown, after: unknown) =>
      diffPolicies(
        before === undefined ? none : declared(before),
        after === undefined ? none : declared(after),
      )
        .map(({ kind }) => kind)
        .join();
    assert.equal(kindsOf(undefined, "staff"), "added");
    assert.equal(kindsOf(undefined, "open"), "opened");
    assert.equal(kindsOf("staff", undefined), "removed");
  });

  it("property: whoever passes now and did not is told of", async () => {
    await fc.assert(
      fc.asyncProperty(anyRule, anyRule, anyCaller, async (before, after, caller) => {
        const passes = async (rule: unknown) =>
          (await policyTester(tables(rule))({ procedure: path, principal: caller })) === "allowed";
        const [passed, pass] = [await passes(before), await passes(after)];
        // A superuser holds every permission: for keys that is not so, and a difference knows of no credential.
        const kind = kinds(before, after);
        if (pass && !passed) assert.equal(kind, "opened");
        if (passed && !pass) assert.ok(kind === "closed" || kind === "opened", kind);
      }),
      { numRuns: 400 },
    );
  });
});

describe("explain", () => {
  it("names every part, and what refused", async () => {
    const [table] = tables({ any_of: ["staff", { require: "a", role: "r" }], message: "Ask the desk" });
    const who = principal({ permissions: new Set(["a"]) });
    assert.deepEqual(await explain(table?.get(path), who, fakeCall(path)), {
      ...{ outcome: "denied", reason: "PERMISSION_DENIED", message: "Ask the desk" },
      steps: [
        { depth: 0, title: "anyOf(isStaff, allOf(hasPermission(a), hasRole(r)))", verdict: "refused" },
        { depth: 1, title: "isStaff", verdict: "refused" },
        { depth: 1, title: "allOf(hasPermission(a), hasRole(r))", verdict: "refused" },
        { depth: 2, title: "hasPermission(a)", verdict: "passed" },
        { depth: 2, title: "hasRole(r)", verdict: "refused" },
      ],
    });
  });

  it("says what depends on the request, and what fails", async () => {
    const p = policyFor<Principal>();
    const owner = withRequest<Principal, unknown>(() => true, { title: "owner" });
    const fails = () => {
      throw new Error("broken");
    };
    const outcome = async (rule: Parameters<typeof explain>[0], who: Principal | undefined = principal()) => {
      const { outcome: is, reason } = await explain(rule, who, fakeCall(path));
      return reason ?? is;
    };
    assert.equal(await outcome(owner), "request");
    assert.equal(await outcome(p.allOf(fails, owner)), "UNAVAILABLE");
    assert.equal(await outcome(p.allOf(() => false, owner)), "PERMISSION_DENIED");
    assert.equal(
      await outcome(
        p.allOf(
          p.allOf(owner, () => false),
          () => true,
        ),
      ),
      "PERMISSION_DENIED",
    );
    assert.equal(await outcome(undefined), "PERMISSION_DENIED");
    assert.equal((await explain("authenticated", undefined, fakeCall(path))).reason, "CREDENTIALS_MISSING");
    assert.equal((await explain("optional", undefined, fakeCall(path))).outcome, "allowed");
  });

  it("property: it says what a server would", async () => {
    await fc.assert(
      fc.asyncProperty(anyRule, anyCaller, async (rule, caller) => {
        const policy = tables(rule);
        const said = await explain(policy[0]?.get(path), caller, fakeCall(path));
        assert.equal(
          said.reason ?? said.outcome,
          await policyTester(policy)({ procedure: path, principal: caller }),
        );
      }),
      { numRuns: 300 },
    );
  });
});

describe("a shadow", () => {
  const people = {
    sam: principal({ userId: "2", isStaff: true }),
    ann: principal({ userId: "7", roles: ["r"] }),
  };

  async function calls(live: unknown, candidate: unknown, ...who: readonly (string | undefined)[]) {
    const told: string[] = [];
    const shadow = createShadow({
      ...{ live: tables(live), candidate: candidate === undefined ? [] : tables(candidate) },
      onDifference({ kind, userId, reason }) {
        told.push(`${kind} ${userId ?? "anonymous"} ${reason}`);
        throw new Error("ignored");
      },
    });
    const auth = createAuth<Principal>({
      authenticators: [byName(people)],
      policy: shadow.policy,
      onDecision: shadow.observe,
    });
    const answers: string[] = [];
    for (const name of who)
      answers.push(reasonOf(await auth.decide(fakeCall(path, name === undefined ? {} : { "x-fake": name }))));
    return { told, answers, report: shadow.report(), rules: auth.rules() };
  }

  it("changes nothing, and says who would break and who would get in", async () => {
    const { answers, told, report, rules } = await calls(
      "staff",
      { role: "r" },
      "sam",
      "ann",
      "sam",
      undefined,
      "nobody",
    );
    assert.deepEqual(answers, ["ok", "PERMISSION_DENIED", "ok", "CREDENTIALS_MISSING", "TOKEN_INVALID"]);
    assert.deepEqual(told, ["breaks 2 PERMISSION_DENIED", "opens 7 PERMISSION_DENIED"]);
    assert.equal(rules[0]?.rule, "isStaff");
    assert.deepEqual(report.differences, [
      { procedure: path, kind: "breaks", reason: "PERMISSION_DENIED", calls: 2, userIds: ["2"] },
      { procedure: path, kind: "opens", reason: "PERMISSION_DENIED", calls: 1, userIds: ["7"] },
    ]);
  });

  it("knows what it cannot know", async () => {
    assert.deepEqual((await calls("open", "staff", undefined)).report, {
      same: 0,
      undecided: 1,
      differences: [],
    });
    assert.deepEqual((await calls("staff", "open", undefined)).told, ["opens anonymous CREDENTIALS_MISSING"]);
    assert.deepEqual((await calls("optional", "authenticated", undefined, "ann")).told, [
      "breaks anonymous CREDENTIALS_MISSING",
    ]);
    assert.deepEqual((await calls("staff", undefined, "sam")).told, ["breaks 2 PERMISSION_DENIED"]);
  });

  it("a candidate that throws or takes its time is no trouble", async () => {
    for (const fail of [
      () => {
        throw new Error("broken");
      },
      () => Promise.reject(new Error("broken")),
    ]) {
      const shadow = createShadow({ live: tables("authenticated"), candidate: [new Map([[path, fail]])] });
      const auth = createAuth<Principal>({
        authenticators: [byName(people)],
        policy: shadow.policy,
        onDecision: shadow.observe,
      });
      assert.equal(reasonOf(await auth.decide(fakeCall(path, { "x-fake": "ann" }))), "ok");
      await new Promise(setImmediate);
      assert.equal(shadow.report().undecided, 1);
    }
  });

  it("keeps little, whatever is called", async () => {
    const shadow = createShadow({ live: tables("authenticated"), candidate: tables("staff") });
    for (let index = 0; index < 100; index++) {
      const call: Call = fakeCall(path);
      shadow.observe(
        { ok: true, principal: principal({ userId: String(index) }), authenticator: "x", expiresAt: 0 },
        call,
      );
    }
    const [difference] = shadow.report().differences;
    assert.deepEqual([difference?.calls, difference?.userIds.length], [100, 20]);
  });
});
