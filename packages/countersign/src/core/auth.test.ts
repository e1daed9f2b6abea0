import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type AuthOptions, createAuth } from "./auth.ts";
import { allow, deny } from "./decision.ts";
import { atOnce, byName, fakeAuthenticator, fakeCall, principal, reasonOf } from "./fakes.suite.ts";
import { hasPermission, isStaff } from "./guards.ts";
import { policyFor } from "./policy.ts";
import type { Principal } from "./principal.ts";

const service = {
  typeName: "t.S",
  method: {
    open: { name: "Open" },
    maybe: { name: "Maybe" },
    any: { name: "Any" },
    staff: { name: "Staff" },
  },
};
const table = policyFor<Principal>().rules(service, {
  open: "open",
  maybe: "optional",
  any: "authenticated",
  staff: isStaff,
});
const people = { ada: principal({ userId: "1", isStaff: true }), bob: principal({ userId: "2" }) };

function auth(options: Partial<AuthOptions<Principal>> = {}) {
  return createAuth<Principal>({ authenticators: [byName(people)], policy: [table], ...options });
}

function outcome(procedure: string, headers: Record<string, string | string[]> = {}, given = auth()): string {
  return reasonOf(atOnce(given.decide(fakeCall(procedure, headers))));
}

// Decide(): one row of the design's table each

it("lets a caller in by name, and says by which authenticator", () => {
  const decision = atOnce(auth().decide(fakeCall("/t.S/Any", { "x-fake": "bob" })));
  assert.deepEqual(decision, {
    ok: true,
    principal: people.bob,
    authenticator: "fake",
    expiresAt: Number.POSITIVE_INFINITY,
  });
});

it("refuses a procedure without a rule, whoever asks", () => {
  assert.equal(outcome("/t.S/None", { "x-fake": "ada" }), "PERMISSION_DENIED");
  assert.equal(outcome("", { "x-fake": "ada" }), "PERMISSION_DENIED");
  assert.equal(outcome("/t.S/any", { "x-fake": "ada" }), "PERMISSION_DENIED");
  assert.equal(outcome("/t.S/Any/", { "x-fake": "ada" }), "PERMISSION_DENIED");
  assert.equal(outcome("__proto__", { "x-fake": "ada" }), "PERMISSION_DENIED");
});

it("asks for a credential where a rule needs one, with the challenges of every way in", () => {
  const given = auth({
    authenticators: [byName(people), byName(people, { header: "x-other", challenge: "Other" })],
  });
  const decision = atOnce(given.decide(fakeCall("/t.S/Any")));
  assert.ok(!decision.ok);
  assert.deepEqual(
    { ...decision.denial },
    { reason: "CREDENTIALS_MISSING", message: "Authentication required", challenges: ["Fake", "Other"] },
  );
});

it("lets an anonymous call through where the rule is optional, without a principal", () => {
  const decision = atOnce(auth().decide(fakeCall("/t.S/Maybe")));
  assert.ok(decision.ok);
  assert.equal(decision.principal, undefined);
  assert.equal(decision.authenticator, undefined);
});

it("refuses a bad credential with its own reason, also where the rule is optional", () => {
  for (const reason of [
    "TOKEN_EXPIRED",
    "TOKEN_REVOKED",
    "API_KEY_DISABLED",
    "USER_DISABLED",
    "UNAVAILABLE",
  ] as const) {
    const given = auth({ authenticators: [fakeAuthenticator(() => deny(reason))] });
    for (const procedure of ["/t.S/Maybe", "/t.S/Any", "/t.S/Staff"]) {
      assert.equal(outcome(procedure, { "x-fake": "x" }, given), reason);
    }
  }
  assert.equal(outcome("/t.S/Maybe", { "x-fake": "nobody" }), "TOKEN_INVALID");
  assert.equal(outcome("/t.S/Maybe", { "x-fake": "" }), "TOKEN_INVALID");
});

it("does not run authentication where the rule is open", () => {
  const given = auth({ authenticators: [fakeAuthenticator(() => assert.fail("asked"))] });
  const decision = atOnce(given.decide(fakeCall("/t.S/Open", { "x-fake": ["bad", "worse"] })));
  assert.ok(decision.ok);
  assert.equal(decision.principal, undefined);
});

it("refuses who lacks the right with the guard's own message", () => {
  const decision = atOnce(auth().decide(fakeCall("/t.S/Staff", { "x-fake": "bob" })));
  assert.ok(!decision.ok);
  assert.equal(decision.denial.reason, "PERMISSION_DENIED");
  assert.equal(decision.denial.message, "Staff access required");
  assert.equal(outcome("/t.S/Staff", { "x-fake": "ada" }), "ok");
});

it("says which permission is missing, also inside a conjunction", () => {
  const policy = policyFor<Principal>();
  const rules = policy.routes({
    "GET /orders": policy.allOf(isStaff, policy.allOf(hasPermission("orders:read"))),
  });
  const given = auth({ policy: [rules] });
  const decision = atOnce(given.decide(fakeCall("GET /orders", { "x-fake": "ada" })));
  assert.ok(!decision.ok);
  assert.equal(decision.denial.message, "Permission 'orders:read' required");
});

describe("ambiguous credentials", () => {
  const twoHeaders = { authenticators: [byName(people), byName(people, { header: "x-other" })] as const };

  it("refuses two credentials in two headers, both good", () => {
    const given = auth(twoHeaders);
    for (const procedure of ["/t.S/Maybe", "/t.S/Any", "/t.S/Staff"]) {
      assert.equal(outcome(procedure, { "x-fake": "ada", "x-other": "ada" }, given), "CREDENTIALS_AMBIGUOUS");
      assert.equal(outcome(procedure, { "x-fake": "ada", "x-other": "" }, given), "CREDENTIALS_AMBIGUOUS");
    }
    assert.equal(outcome("/t.S/Any", { "x-other": "ada" }, given), "ok");
  });

  it("refuses a repeated header, and one that was joined with a comma, and splits neither", () => {
    const asked: string[] = [];
    const given = auth({
      authenticators: [
        fakeAuthenticator((value) => {
          asked.push(value);
          return value === "ada" ? allow(people.ada, "f") : undefined;
        }),
      ],
    });
    assert.equal(outcome("/t.S/Any", { "x-fake": ["ada", "ada"] }, given), "CREDENTIALS_AMBIGUOUS");
    assert.equal(outcome("/t.S/Any", { "x-fake": "ada, ada" }, given), "CREDENTIALS_AMBIGUOUS");
    assert.equal(outcome("/t.S/Any", { "x-fake": "ada," }, given), "CREDENTIALS_AMBIGUOUS");
    assert.ok(!asked.includes("ada"));
  });
});

describe("several authenticators of one header", () => {
  it("asks in order; the first that recognises the credential is final", () => {
    const asked: string[] = [];
    const reader = (name: string, answer: "pass" | "deny" | "allow") =>
      fakeAuthenticator(() => {
        asked.push(name);
        if (answer === "pass") return undefined;
        return answer === "deny" ? deny("TOKEN_EXPIRED") : allow(people.ada, name);
      });
    const denied = auth({ authenticators: [reader("a", "pass"), reader("b", "deny"), reader("c", "allow")] });
    assert.equal(outcome("/t.S/Any", { "x-fake": "x" }, denied), "TOKEN_EXPIRED");
    assert.deepEqual(asked, ["a", "b"]);
    const allowed = auth({
      authenticators: [reader("a", "pass"), reader("c", "allow"), reader("b", "deny")],
    });
    assert.equal(outcome("/t.S/Any", { "x-fake": "x" }, allowed), "ok");
  });

  it("refuses what none recognises with the reason of the first and every challenge", () => {
    const given = auth({
      authenticators: [
        byName({}, { unrecognized: "CREDENTIALS_MALFORMED", challenge: "A" }),
        byName({}, { unrecognized: "API_KEY_INVALID", challenge: "B" }),
      ],
    });
    const decision = atOnce(given.decide(fakeCall("/t.S/Any", { "x-fake": "x" })));
    assert.ok(!decision.ok);
    assert.equal(decision.denial.reason, "CREDENTIALS_MALFORMED");
    assert.deepEqual(decision.denial.challenges, ["A", "B"]);
  });

  it("tells an authenticator whether it is alone on its header", () => {
    const seen: boolean[] = [];
    const reader = (header: string) =>
      fakeAuthenticator((_value, runtime) => void seen.push(runtime.sole) as undefined, { header });
    outcome("/t.S/Any", { "x-a": "x" }, auth({ authenticators: [reader("x-a"), reader("x-b")] }));
    outcome("/t.S/Any", { "x-a": "x" }, auth({ authenticators: [reader("x-a"), reader("x-a")] }));
    assert.deepEqual(seen, [true, false, false]);
  });
});

describe("the message of a missing credential", () => {
  const key = { missingMessage: "API key required" };
  const message = (...authenticators: Parameters<typeof auth>[0][]): string => {
    const decision = atOnce(auth(authenticators[0]).decide(fakeCall("/t.S/Any")));
    return decision.ok ? "ok" : decision.denial.message;
  };

  it('is "API key required" where keys are the only way in, and only there', () => {
    assert.equal(message({ authenticators: [byName(people, key)] }), "API key required");
    assert.equal(
      message({ authenticators: [byName(people, key), byName(people, { ...key, header: "x-b" })] }),
      "API key required",
    );
    assert.equal(
      message({ authenticators: [byName(people, key), byName(people, { header: "x-b" })] }),
      "Authentication required",
    );
    assert.equal(message({ authenticators: [byName(people)] }), "Authentication required");
  });
});

describe("createAuth() refuses a programmer's mistakes", () => {
  it("no authenticator, a header that is none, a binary one", () => {
    assert.throws(() => auth({ authenticators: [] as never }), TypeError);
    for (const header of ["X-Fake", "", "x fake", ":path", "x-fake-bin", "x-fäke"]) {
      assert.throws(() => auth({ authenticators: [byName(people, { header })] }), TypeError, header);
    }
  });

  it("starts each authenticator once, and one of its own for each Auth", () => {
    let starts = 0;
    const start = () => {
      starts++;
      return () => undefined;
    };
    const counting = { ...byName(people), start };
    auth({ authenticators: [counting] });
    auth({ authenticators: [counting] });
    assert.equal(starts, 2);
  });
});
