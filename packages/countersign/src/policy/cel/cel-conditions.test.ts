import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { create, type DescMessage, type MessageInitShape } from "@bufbuild/protobuf";
import { createAuth } from "../../core/auth.ts";
import { admitted, atOnce, byName, fakeCall, principal, reasonOf } from "../../core/fakes.suite.ts";
import { type Guard, not } from "../../core/guard.ts";
import type { Principal } from "../../core/principal.ts";
import { CreateApiKeyRequestSchema, ListApiKeysResponseSchema } from "../../gen/auth/v1/api_keys_pb.ts";
import { UpdateUserRequestSchema } from "../../gen/auth/v1/users_pb.ts";
import { celConditions } from "./cel-conditions.ts";

const path = "/acme.Keys/Create";
const cel = celConditions();
const ann = principal({
  userId: "7",
  username: "ann",
  roles: ["ops"],
  claims: Object.assign(Object.create(null), { tier: "gold", level: 3, auth_time: 1000, nested: { a: [1] } }),
});

function guardOf(
  source: string,
  input: DescMessage | undefined = CreateApiKeyRequestSchema,
  compiler = cel,
): Guard<Principal> {
  return compiler.compile(source, { where: `${path} (proto)`, input });
}

async function judged(guard: Guard<Principal>, message: unknown): Promise<string> {
  const auth = createAuth<Principal>({
    authenticators: [byName({ ann })],
    policy: [new Map([[path, guard]])],
  });
  const call = fakeCall(path, { "x-fake": "ann" });
  const decision = atOnce(auth.decide(call));
  return decision.ok ? reasonOf(await auth.judgeRequest(call, decision, message)) : reasonOf(decision);
}

async function about(
  source: string,
  init: MessageInitShape<typeof CreateApiKeyRequestSchema> = {},
): Promise<string> {
  return judged(guardOf(source), create(CreateApiKeyRequestSchema, init));
}

describe("a condition", () => {
  const largest = 2n ** 63n - 1n;
  const cases: readonly [string, MessageInitShape<typeof CreateApiKeyRequestSchema>, boolean][] = [
    ["principal.user_id == string(request.user_id)", { userId: 7n }, true],
    ["principal.user_id == string(request.user_id)", { userId: 8n }, false],
    ["request.user_id == 9223372036854775807", { userId: largest }, true],
    ["request.user_id == 9223372036854775807", { userId: largest - 1n }, false],
    ["request.user_id < 1000", { userId: 999n }, true],
    ["!has(request.user_id) || request.user_id == 7", {}, true],
    ["request.scopes.all(s, s.startsWith('reports:'))", { scopes: ["reports:read", "reports:write"] }, true],
    ["request.scopes.all(s, s.startsWith('reports:'))", { scopes: ["reports:read", "admin"] }, false],
    ["request.name.matches('^[a-z]+$')", { name: "abc" }, true],
    ["request.name.matches('^[a-z]+$')", { name: "ABC" }, false],
    ["'ops' in principal.roles && principal.username == 'ann'", {}, true],
    [
      "has(principal.claims.tier) && principal.claims.tier == 'gold' && principal.claims.level >= 3",
      {},
      true,
    ],
    ["principal.claims.nested.a[0] == 1", {}, true],
    ["principal.is_staff || principal.is_superuser", {}, false],
    ["principal.auth_time == 1000", {}, true],
    [
      "call.protocol == 'grpc' && call.procedure == '/acme.Keys/Create' && call.peer_address.startsWith('192.0.2.')",
      {},
      true,
    ],
    [
      "request.expires_at < timestamp('2030-01-01T00:00:00Z')",
      { expiresAt: { seconds: 1_700_000_000n } },
      true,
    ],
    ["size(request.scopes) <= 2 && request.type in ['cli', 'service']", { type: "cli" }, true],
    ["request.user_id == 1 ? true : request.name == 'x'", { userId: 2n, name: "x" }, true],
  ];
  for (const [source, request, expected] of cases) {
    it(`${source}: ${expected}`, async () => {
      assert.equal(await about(source, request), expected ? "ok" : "PERMISSION_DENIED");
    });
  }

  it("needs no request where it names none", () => {
    const guard = guardOf("principal.is_staff", undefined);
    const auth = createAuth<Principal>({
      authenticators: [byName({ ann })],
      policy: [new Map([[path, guard]])],
    });
    auth.serve([path]);
    assert.equal(reasonOf(atOnce(auth.decide(fakeCall(path, { "x-fake": "ann" })))), "PERMISSION_DENIED");
  });

  it("that fails to run, or is neither true nor false, makes the call UNAVAILABLE, and says nothing of what was sent", async () => {
    for (const source of [
      "principal.claims.absent == 'x'",
      "request.user_id / (request.user_id - 7) == 1",
      "int(request.name) == 1",
      "principal.claims.tier",
    ]) {
      assert.equal(await about(source, { userId: 7n, name: "hunter2" }), "UNAVAILABLE", source);
    }
    const auth = createAuth<Principal>({
      authenticators: [byName({ ann })],
      policy: [new Map([[path, guardOf("int(request.name) == 1")]])],
    });
    const call = fakeCall(path, { "x-fake": "ann" });
    const decision = await auth.judgeRequest(
      call,
      admitted(atOnce(auth.decide(call))),
      create(CreateApiKeyRequestSchema, { name: "hunter2" }),
    );
    assert.ok(!decision.ok);
    assert.doesNotMatch(String(decision.denial.cause), /hunter2/);
  });

  it("is asked about messages of its own kind only", async () => {
    assert.equal(await judged(guardOf("request.user_id == 7"), { user_id: 7 }), "UNAVAILABLE");
    assert.equal(
      await judged(guardOf("request.user_id == 7"), create(UpdateUserRequestSchema, { id: 7n })),
      "UNAVAILABLE",
    );
  });
});

describe("bounds", () => {
  const refused = (source: string, expected: RegExp, input?: DescMessage): void => {
    assert.throws(
      () => guardOf(source, input),
      (error: Error) => {
        assert.ok(error instanceof TypeError);
        assert.match(error.message, /^\/acme\.Keys\/Create \(proto\): the condition /);
        assert.match(error.message, expected);
        return true;
      },
    );
  };

  it("a mistake stops the start, and names its place", () => {
    refused("request.user_id <", /cannot be read at line 1, column \d+: /);
    refused("request.usr_id == 1", /CreateApiKeyRequest has no field usr_id; did you mean "user_id"\?/);
    refused("principal.is_staf", /principal has no is_staf; did you mean "is_staff"\?/);
    refused("principle.is_staff", /names principle, which is nothing here; did you mean "principal"\?/);
    refused("request == request", /names request as a whole/);
    refused(
      "principal.user_id == request.user_id",
      /compares a string with a number, which are never equal: convert one/,
    );
    refused("request.name", /is not true or false/);
    refused("request.user_id + 1 == foo(1)", /calls foo, which there is not/);
    refused("request.name.size() == auth.v1.User{}.id", /which is nothing here|makes a/);
    refused("request.name.matches('(')", /no pattern of RE2/);
    assert.throws(
      () => cel.compile("request.x == 1", { where: "/a/B (f)", input: undefined }),
      /no descriptor says what that is/,
    );
  });

  it("of size and nesting hold when it is compiled", () => {
    refused(`request.name == '${"x".repeat(1024)}'`, /more than 1024 characters/);
    refused(Array(120).fill("true").join("&&"), /more than 200 parts/);
    refused(`size(${"[".repeat(40)}${"]".repeat(40)}) == 1`, /more than 32 deep in one another/);
    refused(`${"(".repeat(400)}true${")".repeat(400)}${"[".repeat(200)}`, /cannot be read|deep/);
    refused("request.scopes.all(a, request.scopes.all(b, a == b))", /one loop in another/);
    refused("request.scopes.map(a, request.scopes.filter(b, a == b)).size() == 1", /one loop in another/);
    refused("request.name.matches(request.description)", /pattern that is not written out/);
  });

  it("of what was sent hold when it runs, and are no way in", async () => {
    const scopes = Array<string>(1001).fill("a");
    assert.equal(await about("request.scopes.all(s, s == 'a')", { scopes: scopes.slice(0, 999) }), "ok");
    assert.equal(await about("request.scopes.all(s, s == 'a')", { scopes }), "PERMISSION_DENIED");
    const large = create(CreateApiKeyRequestSchema, {
      name: "a".repeat(65_537),
      description: "a".repeat(100_000),
    });
    assert.equal(await judged(guardOf("request.name != 'x'"), large), "PERMISSION_DENIED");
    assert.equal(await judged(not(guardOf("request.name == 'x'")), large), "PERMISSION_DENIED");
    assert.equal(await judged(guardOf("request.type == ''"), large), "ok", "only what it names counts");
  });

  it("count what stands in messages", async () => {
    const guard = guardOf("request.api_keys.all(k, k.name != 'x')", ListApiKeysResponseSchema);
    const keys = (name: string, count: number) =>
      create(ListApiKeysResponseSchema, { apiKeys: Array.from({ length: count }, () => ({ name })) });
    assert.equal(await judged(guard, keys("a", 100)), "ok");
    assert.equal(await judged(guard, keys("x", 1)), "PERMISSION_DENIED");
    assert.equal(await judged(guard, keys("a".repeat(7000), 10)), "PERMISSION_DENIED");
    refused(
      "request.api_keys.all(k, k.nam != 'x')",
      /ApiKey has no field nam; did you mean "name"\?/,
      ListApiKeysResponseSchema,
    );
  });

  it("hold against a pattern that other engines choke on", async () => {
    const began = performance.now();
    assert.equal(
      await about("request.name.matches('^(a+)+$')", { name: `${"a".repeat(60_000)}!` }),
      "PERMISSION_DENIED",
    );
    assert.ok(performance.now() - began < 5000);
  });
});
