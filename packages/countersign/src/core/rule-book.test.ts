import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createAuth } from "./auth.ts";
import { atOnce, byName, fakeCall, principal, reasonOf } from "./fakes.suite.ts";
import { isStaff } from "./guards.ts";
import { type Mode, policyFor, type RuleTable } from "./policy.ts";
import type { Principal } from "./principal.ts";

const { rules, routes } = policyFor<Principal>();
const service = { typeName: "t.S", method: { get: { name: "Get" }, put: { name: "Put" } } };
const table = rules(service, { get: "authenticated", put: isStaff });
const health = ["Check", "Watch", "List"].map((method) => `/grpc.health.v1.Health/${method}`);

function auth(
  options: { mode?: Mode; policy?: readonly RuleTable<Principal>[]; publicProcedures?: string[] } = {},
) {
  return createAuth({ authenticators: [byName({ ada: principal() })], policy: [table], ...options });
}

function outcome(given: ReturnType<typeof auth>, procedure: string, headers = {}): string {
  return reasonOf(atOnce(given.decide(fakeCall(procedure, headers))));
}

describe("completeness", () => {
  it("a served procedure without a rule stops the start, and every hole is named", () => {
    assert.throws(() => auth().serve(["/t.S/Get", "/t.S/New", "/t.T/Other"]), {
      name: "TypeError",
      message: /\/t\.S\/New, \/t\.T\/Other/,
    });
  });

  it("a rule of what is not served stops the start at seal(), and not before", () => {
    const given = auth();
    given.serve(["/t.S/Get"]);
    assert.throws(() => given.seal(), { name: "TypeError", message: /\/t\.S\/Put/ });
    given.serve(["/t.S/Put"]);
    given.seal();
  });

  it("a stray rule, public procedure included, stops it in every mode; health checks need not be served", () => {
    for (const mode of ["required", "optional", "disabled"] as const) {
      assert.throws(() => auth({ mode }).seal(), TypeError);
      assert.throws(() => auth({ mode, policy: [], publicProcedures: ["/t.S/Gone"] }).seal(), TypeError);
      auth({ mode, policy: [] }).seal();
    }
  });

  it("two rules for one procedure stop the start", () => {
    assert.throws(() => auth({ policy: [table, table] }), /two rules for \/t\.S\/Get/);
    assert.throws(() => auth({ publicProcedures: ["/t.S/Get"] }), /two rules for \/t\.S\/Get/);
    assert.throws(() => auth({ publicProcedures: ["/t.S/A", "/t.S/A"] }), /two rules/);
  });

  it("what is no rule, no procedure or no mode stops the start", () => {
    assert.throws(() => auth({ publicProcedures: ["t.S/Get"] }), /is no procedure/);
    assert.throws(() => auth({ mode: "none" as never }), TypeError);
    for (const rule of [undefined, null, "opn", "", [], {}, true]) {
      assert.throws(() => rules(service, { get: "open", put: rule as never }), TypeError);
      assert.throws(() => routes({ "GET /": rule as never }), TypeError);
    }
    assert.throws(() => rules(service, { get: "open" } as never), /no rule for \/t\.S\/Put/);
    assert.throws(() => rules(service, { get: "open", put: "open", patch: "open" } as never), /"patch"/);
  });

  it("REGRESSION: a table that policyFor() did not make is checked too", () => {
    for (const rule of ["opn", "toString", undefined, {}]) {
      const policy = [new Map([["/t.S/Get", rule as never]])];
      assert.throws(() => auth({ policy, mode: "optional" }), /the rule for \/t\.S\/Get/);
    }
  });

  it("REGRESSION: a guard that copies the properties of a conjunction is asked itself", () => {
    const all = policyFor<Principal>().allOf(() => true);
    const wrapper = Object.assign(() => false, all, { parts: [] });
    const given = auth({ policy: [routes({ "GET /": wrapper })] });
    assert.equal(outcome(given, "GET /", { "x-fake": "ada" }), "PERMISSION_DENIED");
  });
});

describe("modes", () => {
  const unruled = "/t.T/Any";

  it("none: what has no rule is refused", () => {
    assert.equal(outcome(auth(), unruled, { "x-fake": "ada" }), "PERMISSION_DENIED");
    assert.equal(outcome(auth(), unruled), "PERMISSION_DENIED");
  });

  it("required: what has no rule needs a caller", () => {
    const given = auth({ mode: "required" });
    given.serve([unruled]);
    assert.equal(outcome(given, unruled), "CREDENTIALS_MISSING");
    assert.equal(outcome(given, unruled, { "x-fake": "ada" }), "ok");
    assert.equal(outcome(given, unruled, { "x-fake": "bad" }), "TOKEN_INVALID");
    assert.equal(outcome(given, "/t.S/Put", { "x-fake": "ada" }), "PERMISSION_DENIED");
  });

  it("optional: what has no rule lets anonymous calls through, but no bad credential", () => {
    const given = auth({ mode: "optional" });
    assert.equal(outcome(given, unruled), "ok");
    assert.equal(outcome(given, unruled, { "x-fake": "bad" }), "TOKEN_INVALID");
    assert.equal(outcome(given, "/t.S/Get"), "CREDENTIALS_MISSING");
  });

  it("disabled: authentication runs nowhere, whatever the rules say, and every call is anonymous", () => {
    const given = auth({ mode: "disabled" });
    for (const procedure of [unruled, "/t.S/Get", "/t.S/Put", ...health]) {
      const decision = atOnce(given.decide(fakeCall(procedure, { "x-fake": ["bad", "ada"] })));
      assert.ok(decision.ok);
      assert.equal(decision.principal, undefined);
    }
  });

  it("disabled: the listing still shows the rules as they are written", () => {
    const listing = auth({ mode: "disabled" }).rules();
    assert.deepEqual(listing.slice(0, 2), [
      { procedure: "/t.S/Get", rule: "authenticated", source: "table" },
      { procedure: "/t.S/Put", rule: "isStaff", source: "table" },
    ]);
  });

  it("health checks are open in every mode", () => {
    for (const mode of [undefined, "required", "optional", "disabled"] as const) {
      const given = auth(mode === undefined ? {} : { mode });
      for (const procedure of health) assert.equal(outcome(given, procedure, { "x-fake": ["a", "b"] }), "ok");
    }
    assert.equal(outcome(auth({ mode: "required" }), "/grpc.health.v1.Health/Other"), "CREDENTIALS_MISSING");
  });

  it("public procedures add to the health checks and do not replace them", () => {
    const given = auth({ mode: "required", publicProcedures: ["/t.T/Login", health[0] ?? ""] });
    assert.equal(outcome(given, "/t.T/Login"), "ok");
    for (const procedure of health) assert.equal(outcome(given, procedure), "ok");
    assert.equal(outcome(given, "/t.T/Other"), "CREDENTIALS_MISSING");
  });

  it("the listing names the source of each rule", () => {
    const given = auth({ mode: "required", publicProcedures: ["/t.T/Login"] });
    given.serve([unruled]);
    const sources = Object.fromEntries(
      given.rules().map(({ procedure, rule, source }) => [procedure, `${rule} ${source}`]),
    );
    assert.equal(sources["/t.T/Login"], "open public");
    assert.equal(sources[unruled], "authenticated mode");
    assert.equal(sources["/t.S/Get"], "authenticated table");
    assert.equal(sources["/grpc.health.v1.Health/Check"], "open built-in");
  });
});
