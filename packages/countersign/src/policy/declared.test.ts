import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createAuth } from "../core/auth.ts";
import { byName, principal } from "../core/fakes.suite.ts";
import { policyFor } from "../core/policy.ts";
import type { Principal } from "../core/principal.ts";
import { celConditions } from "./cel/cel-conditions.ts";
import { compilePolicy } from "./compile-policy.ts";
import { policyFromData, policyFromDescriptors } from "./declared.ts";
import { describedService, type PolicyInit } from "./descriptors.suite.ts";
import { ruleText } from "./rule.ts";
import { policyTester } from "./test-policy.ts";

const yaml = (rules: Readonly<Record<string, unknown>>, more: object = {}) =>
  policyFromData({ rules, ...more }, { origin: "policy.yaml" });
const textOf = (rule: unknown): string =>
  yaml({ "/a.B/C": rule })
    .entries.map((entry) => ruleText(entry.rule))
    .join();

describe("a rule", () => {
  it("reads the same from a proto, from a file and from code", async () => {
    const init: PolicyInit = {
      anyOf: [{ staff: true }, { require: "orders:read", not: { role: "intern" } }],
    };
    const data = { any_of: [{ staff: true }, { require: "orders:read", not: { role: "intern" } }] };
    const fromProto = policyFromDescriptors([
      describedService({ methods: { Get: init }, permissions: ["orders:read"] }),
    ]);
    const fromFile = policyFromData({ rules: { "/acme.Orders/Get": data } }, { origin: "f" });
    assert.deepEqual(
      fromProto.entries.map(({ rule }) => rule),
      fromFile.entries.map(({ rule }) => rule),
    );
    assert.deepEqual(fromProto.permissions, ["orders:read"]);
    const people: readonly [Principal | undefined, string][] = [
      [undefined, "CREDENTIALS_MISSING"],
      [principal(), "PERMISSION_DENIED"],
      [principal({ isStaff: true }), "allowed"],
      [principal({ permissions: new Set(["orders:read"]) }), "allowed"],
      [principal({ permissions: new Set(["orders:read"]), roles: ["intern"] }), "PERMISSION_DENIED"],
    ];
    for (const tables of [
      compilePolicy([fromProto]),
      compilePolicy([fromFile], { permissions: ["orders:read"] }),
    ]) {
      const ask = policyTester(tables);
      for (const [who, expected] of people)
        assert.equal(await ask({ procedure: "/acme.Orders/Get", principal: who }), expected);
    }
  });

  it("may be a word; what stands side by side must all hold", () => {
    assert.equal(textOf("open"), "open");
    assert.equal(textOf("staff"), "staff");
    assert.equal(textOf({ authenticated: true }), "authenticated");
    assert.equal(
      textOf({ require: "a:b", mfa: true, max_auth_age: "15m" }),
      "all_of(require(a:b), mfa, max_auth_age(900s))",
    );
    assert.equal(
      textOf({ all_of: [{ scope: "s" }], authenticator: "jwt" }),
      "all_of(all_of(scope(s)), authenticator(jwt))",
    );
    assert.equal(textOf({ staff: true, message: "No" }), "all_of(staff)");
  });

  it("that is wrong names the RPC, the file, the member and what would be right", () => {
    const cases: readonly [unknown, RegExp][] = [
      ["opn", /^TypeError: \/a\.B\/C \(policy\.yaml\): "opn" is no rule; did you mean "open"\?$/],
      [{ requre: "x" }, /requre is no member of a rule; did you mean "require"\?/],
      [{ any_of: [{ staff: true }, { rol: "x" }] }, /any_of\[1\]\.rol is no member/],
      [{}, /is empty/],
      [{ any_of: [] }, /any_of is empty/],
      [{ all_of: [{}] }, /all_of\[0\] is empty/],
      [{ message: "x" }, /is empty/],
      [{ open: true, staff: true }, /staff "open" stands alone/],
      [{ optional: true, message: "x" }, /message "optional" stands alone/],
      [{ any_of: [{ open: true }, { staff: true }] }, /any_of\[0\]\.open is a whole rule/],
      [{ open: false }, /open can only be true/],
      [{ staff: "yes" }, /staff can only be true/],
      [{ require: "" }, /require is a name without spaces/],
      [{ require: "a b" }, /require is a name without spaces/],
      [{ require: 7 }, /require is a name without spaces/],
      [{ max_auth_age: "soon" }, /max_auth_age is a time such as/],
      [{ condition: "" }, /condition is a text in CEL/],
      [{ staff: true, message: "a\nb" }, /message is one line/],
      [null, /is no rule/],
      [[], /is no rule/],
      [7, /is no rule/],
      [{ any_of: Array.from({ length: 101 }, () => "staff") }, /at most 100 members/],
      [Array.from({ length: 10 }).reduce<unknown>((inner) => ({ not: inner }), "staff"), /at most 8 deep/],
      [JSON.parse('{"__proto__": {"open": true}}'), /__proto__ is no member/],
    ];
    for (const [rule, expected] of cases) assert.throws(() => textOf(rule), expected, JSON.stringify(rule));
  });
});

describe("descriptors", () => {
  it("a method's rule replaces its service's; with neither there is none", () => {
    const service = describedService({
      service: { staff: true },
      methods: { Get: { open: true }, Put: undefined },
    });
    assert.deepEqual(
      policyFromDescriptors([service]).entries.map(({ procedure, rule }) => `${procedure} ${ruleText(rule)}`),
      ["/acme.Orders/Get open", "/acme.Orders/Put staff"],
    );
    assert.deepEqual(policyFromDescriptors([describedService({ methods: { Get: undefined } })]).entries, []);
  });

  it("a rule in them that is wrong names its RPC", () => {
    assert.throws(
      () => policyFromDescriptors([describedService({ methods: { Get: {} } })]),
      /^TypeError: \/acme\.Orders\/Get \(proto\): is empty/,
    );
    assert.throws(
      () => policyFromDescriptors([describedService({ methods: { Get: { open: false } } })]),
      /open can only be true/,
    );
  });

  it("show a condition what the request is, and its mistakes stop the start", () => {
    const compile = (condition: string, streams: readonly string[] = []) => {
      const service = describedService({ methods: { Put: { condition } }, streams });
      const tables = compilePolicy([policyFromDescriptors([service])], { conditions: celConditions() });
      return createAuth<Principal>({ authenticators: [byName({})], policy: tables });
    };
    const path = "/acme.Orders/Put";
    const auth = compile("principal.user_id == string(request.user_id)");
    auth.serve([path], { decoded: [path] });
    assert.deepEqual(auth.rules()[0], {
      ...{ procedure: path, source: "table", origin: "proto" },
      rule: "condition(principal.user_id == string(request.user_id))",
    });
    assert.throws(() => auth.serve([path]), /names the request/);
    assert.throws(
      () => compile("principal.user_id == request.user_id"),
      /Put \(proto\): the condition compares a string with a number/,
    );
    const service = describedService({ methods: { Put: { condition: "true" } } });
    assert.throws(() => compilePolicy([policyFromDescriptors([service])]), /pass celConditions\(\)/);
  });
});

describe("a file", () => {
  const service = describedService({ methods: { Get: undefined, Put: undefined } });
  const read = (rules: object) => policyFromData({ rules }, { origin: "policy.yaml", services: [service] });

  it("has one rule for all RPCs of a service that have none of their own there", () => {
    const { entries } = read({ "/acme.Orders/*": "staff", "/acme.Orders/Get": "open" });
    assert.deepEqual(
      entries.map(({ procedure, rule }) => `${procedure} ${rule.kind}`),
      ["/acme.Orders/Get open", "/acme.Orders/Put staff"],
    );
    assert.throws(() => yaml({ "/other.Service/*": "staff" }), /nothing is known of this service/);
  });

  it("names RPCs that there are, where that is known", () => {
    assert.throws(
      () => read({ "/acme.Orders/Gte": "staff" }),
      /a rule, but no RPC: \/acme\.Orders\/Gte \(policy\.yaml\); did you mean "\/acme\.Orders\/Get"\?/,
    );
    assert.equal(read({ "/other.Service/Any": "staff", "GET /reports": "staff" }).entries.length, 2);
    assert.throws(() => read({ "acme.Orders.Get": "staff" }), /is no procedure/);
    assert.throws(
      () => policyFromData({ rule: {} }, { origin: "f" }),
      /rule is no member of a policy; did you mean "rules"\?/,
    );
    for (const data of [null, [], "x", { rules: [] }, { permissions: "x" }, { permissions: [1] }])
      assert.throws(() => policyFromData(data, { origin: "f" }), /^TypeError: f: /);
  });
});

describe("sources together", () => {
  it("two rules for one RPC stop the start, whichever two sources they are in", () => {
    const proto = policyFromDescriptors([describedService({ methods: { Get: { open: true } } })]);
    const file = yaml({ "/acme.Orders/Get": "staff" });
    assert.throws(
      () => compilePolicy([proto, file]),
      /two rules for \/acme\.Orders\/Get: proto and policy\.yaml/,
    );
    const code = policyFor<Principal>().rules(
      { get: { path: "/acme.Orders/Get" } },
      { get: "authenticated" },
    );
    assert.throws(
      () => createAuth<Principal>({ authenticators: [byName({})], policy: [code, ...compilePolicy([file])] }),
      /two rules for \/acme\.Orders\/Get: a table in code and policy\.yaml/,
    );
  });

  it("a permission that nobody defined stops the start, and the nearest one is named", () => {
    const file = yaml(
      { "/a.B/C": { any_of: ["staff", { not: { require: "orders:raed" } }] } },
      { permissions: ["orders:read"] },
    );
    assert.throws(
      () => compilePolicy([file]),
      /^TypeError: \/a\.B\/C \(policy\.yaml\): nobody has defined the permission "orders:raed"; did you mean "orders:read"\?/,
    );
    compilePolicy([file], { permissions: ["orders:raed"] });
    compilePolicy([file], { permissions: "any" });
  });
});
