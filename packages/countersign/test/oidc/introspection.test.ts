import assert from "node:assert/strict";
import { after, before, beforeEach, describe, it } from "node:test";
import { atOnce, fakeCall } from "../../src/core/fakes.suite.ts";
import type { Principal } from "../../src/core/principal.ts";
import { createRevocations } from "../../src/core/revocation.ts";
import { type IntrospectionOptions, introspection } from "../../src/oidc.ts";
import { createMemoryStore } from "../../src/store/memory.ts";
import { type IssuerFault, TestIssuer } from "../../src/testing/test-issuer.ts";
import { authOf, type Door, doorOf, issuerOf } from "./fixture.ts";

type Json = Readonly<Record<string, unknown>>;

let stub: TestIssuer;
before(async () => {
  stub = await TestIssuer.start();
});
after(() => stub.close());
/** What the stub says of each token. */
const answers = new Map<string, Json>();
beforeEach(() => {
  answers.clear();
  stub.fetches.introspection = 0;
  stub.introspect = (token) => answers.get(token) ?? { active: false };
});

const client = { clientId: "c1", clientSecret: "s1" };
const clock = { now: Date.now() };
const seconds = () => Math.floor(clock.now / 1000);
const good = (given: Json = {}): Json => ({
  active: true,
  sub: "subject-1",
  client_id: "app",
  aud: "api",
  exp: seconds() + 300,
  ...given,
});

function setup(given: Partial<IntrospectionOptions<Principal>> = {}) {
  const revocations = createRevocations();
  const issuer = issuerOf(stub);
  const authenticator = introspection<Principal>({
    issuer,
    client,
    audience: "api",
    timeoutMs: 10_000,
    ...given,
  });
  const auth = authOf([authenticator], { revocations, now: () => clock.now });
  return { ...doorOf(auth), revocations };
}

describe("introspection (RFC 7662)", () => {
  it("asks with the client's credentials, in a form", async () => {
    const seen: unknown[] = [];
    stub.introspect = (token, { method, headers }) => {
      seen.push([method, headers.authorization, headers["content-type"], token]);
      return good();
    };
    const odd = setup({ client: { clientId: "c 1", clientSecret: "s:1+ä" } });
    const decision = await odd.decide("opaque+/=");
    assert.ok(decision.ok);
    const basic = Buffer.from("c+1:s%3A1%2B%C3%A4").toString("base64");
    const type = "application/x-www-form-urlencoded;charset=UTF-8";
    assert.deepEqual(seen, [["POST", `Basic ${basic}`, type, "opaque+/="]]);
    await setup({ client: { authorization: "Bearer us" } }).says("t2");
    assert.deepEqual(seen[1], ["POST", "Bearer us", type, "t2"]);
    const { userId, clientId, authenticator, permissions, claims } = decision.principal as Principal;
    assert.deepEqual([userId, clientId, authenticator], [`${stub.url}|subject-1`, "app", "introspection"]);
    assert.deepEqual([[...permissions], claims["iss"]], [[], stub.url]);
  });

  it("believes nothing but active: true, and looks at what else is said", async () => {
    const { says } = setup();
    const kind = "TOKEN_INVALID: the issuer says that it is another kind of token";
    const faults: readonly (readonly [Json, string])[] = [
      [good(), "ok"],
      [{ active: false }, "TOKEN_INVALID: the issuer says that it is not active"],
      ...[{}, { active: "true" }, { active: 1 }, { active: null }, { active: [true] }].map(
        (answer) =>
          [
            { ...good(), active: undefined, ...answer },
            "TOKEN_INVALID: the issuer says that it is not active",
          ] as const,
      ),
      [good({ exp: seconds() - 10 }), "TOKEN_EXPIRED"],
      [good({ exp: "later" }), "TOKEN_INVALID: claim exp is malformed"],
      [good({ exp: undefined }), "ok"],
      [good({ nbf: seconds() + 60 }), "TOKEN_INVALID: not valid yet"],
      [good({ iss: stub.url }), "ok"],
      [good({ iss: "https://evil.example" }), "TOKEN_INVALID: claim iss is another issuer"],
      [good({ aud: "other" }), "TOKEN_INVALID: claim aud is another audience"],
      [good({ aud: undefined }), "TOKEN_INVALID: claim aud is another audience"],
      [good({ aud: ["x", "api"] }), "ok"],
      [good({ sub: 7 }), "TOKEN_INVALID: claim sub is malformed"],
      [good({ sub: undefined }), "ok"],
      [good({ sub: undefined, client_id: undefined }), "TOKEN_INVALID: claim sub is missing"],
      [good({ scope: ["a"] }), "TOKEN_INVALID: claim scope is malformed"],
      [good({ token_type: "bearer", token_use: "access_token" }), "ok"],
      [good({ token_type: "refresh_token" }), kind],
      [good({ token_type: 1 }), kind],
      [good({ token_use: "refresh_token" }), kind],
      [
        good({ cnf: { jkt: "x" } }),
        "TOKEN_INVALID: it is bound to a key (cnf), which cannot be checked here",
      ],
    ];
    for (const [index, [answer, expected]] of faults.entries()) {
      answers.set(`t${index}`, answer);
      assert.equal(await says(`t${index}`), expected, JSON.stringify(answer));
    }
  });

  it("does not mistake a client for a subject", async () => {
    const { decide } = setup();
    answers.set("of-a-client", good({ sub: undefined, client_id: "x" }));
    answers.set("of-a-subject", good({ sub: "x" }));
    const ids = await Promise.all(
      [...answers.keys()].map(async (token) => {
        const decision = await decide(token);
        return decision.ok ? decision.principal?.userId : undefined;
      }),
    );
    assert.deepEqual(ids, [`${stub.url}#x`, `${stub.url}|x`]);
  });

  it("asks once for calls at once, and again when the answer is no longer believed", async () => {
    const { says, decide } = setup({ cacheSeconds: 30, negativeCacheSeconds: 5 });
    answers.set("t", good());
    const said = await Promise.all(Array.from({ length: 100 }, () => says("t")));
    assert.deepEqual([new Set(said), stub.fetches.introspection], [new Set(["ok"]), 1]);
    clock.now += 29_999;
    assert.equal(await says("t"), "ok");
    assert.equal(stub.fetches.introspection, 1);
    answers.set("t", { active: false });
    clock.now += 1;
    assert.match(await says("t"), /not active/);
    assert.match(await says("t"), /not active/);
    assert.equal(stub.fetches.introspection, 2);
    answers.set("t", good({ exp: seconds() + 10 }));
    clock.now += 5000;
    const decision = await decide("t");
    // Never beyond the token's own end, leeway included.
    assert.equal(decision.ok && decision.expiresAt, (seconds() - 5 + 10 + 5) * 1000);
    assert.equal(stub.fetches.introspection, 3);
  });

  it("decides at once what it has seen", async () => {
    const auth = authOf([introspection<Principal>({ issuer: issuerOf(stub), client, audience: "api" })]);
    answers.set("t", good());
    const call = fakeCall("GET /", { authorization: "Bearer t" });
    await auth.decide(call);
    assert.ok(atOnce(auth.decide(call)).ok);
  });

  const faults: readonly IssuerFault[] = ["down", "silent", "large", "redirect", "500", "html", "not JSON"];
  for (const fault of faults) {
    it(`says UNAVAILABLE while the endpoint is ${fault}; what was seen goes on`, async () => {
      const { says } = setup(fault === "silent" ? { timeoutMs: 1000 } : {});
      answers.set("seen", good());
      answers.set("new", good());
      assert.equal(await says("seen"), "ok");
      stub.faults.introspection = fault;
      assert.deepEqual(
        [await says("new"), await says("unknown"), await says("seen")],
        ["UNAVAILABLE", "UNAVAILABLE", "ok"],
      );
      delete stub.faults.introspection;
      assert.equal(await says("new"), "ok");
    });
  }

  it("bounds the questions that are under way", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const { says } = setup({ maxInFlight: 3, timeoutMs: 5000 });
    answers.set("warm", good());
    await says("warm");
    stub.hold = promise;
    const said = Array.from({ length: 10 }, (_, n) => says(`t${n}`));
    const early = await Promise.all(said.slice(3));
    assert.deepEqual(new Set(early), new Set(["UNAVAILABLE"]));
    assert.equal(await says("warm"), "ok");
    resolve();
    for (const one of await Promise.all(said.slice(0, 3))) assert.match(one, /not active/);
  });

  it("sends nowhere what is no token of this issuer", async () => {
    const { says, decide } = setup({ prefix: "op_" });
    answers.set("op_1", good());
    assert.equal(await says("op_1"), "ok");
    const before = stub.fetches.introspection;
    for (const token of ["other_1", "op_1 2", "op_1,op_2", "op_\u00e4", `op_${"x".repeat(9000)}`, ""])
      assert.equal((await decide(token)).ok, false, token);
    const jwts = setup();
    assert.match(await jwts.says(stub.token({ iss: "https://other.example" })), /^TOKEN_INVALID/);
    assert.equal(stub.fetches.introspection, before);
    const token = stub.token();
    answers.set(token, good());
    assert.equal(await jwts.says(token), "ok");
  });

  it("hears of what is revoked here, and of users who are disabled", async () => {
    const store = createMemoryStore();
    const ada = await store.users.create({ username: "ada" });
    const { users, identities } = store;
    const { says, revocations } = setup({ accounts: { users, identities } });
    answers.set("t", good({ jti: "j1" }));
    assert.match(await says("t"), /linked to no user/);
    await identities.link({ issuer: stub.url, subject: "subject-1", userId: ada.id }, "system");
    assert.equal(await says("t"), "ok");
    revocations.apply({ kind: "token", issuer: "", jti: "j1", expiresAt: seconds() + 300 });
    assert.equal(await says("t"), "ok");
    revocations.apply({ kind: "token", issuer: stub.url, jti: "j1", expiresAt: seconds() + 300 });
    assert.equal(await says("t"), "TOKEN_REVOKED");
    answers.set("t2", good());
    assert.equal(await says("t2"), "ok");
    revocations.apply({ kind: "user", userId: ada.id, state: "disabled" });
    assert.equal(await says("t2"), "USER_DISABLED");
    // A client is nobody's subject.
    answers.set("t3", good({ sub: undefined, client_id: "subject-1" }));
    assert.equal(await says("t3"), "TOKEN_INVALID: claim sub is missing");
  });

  it("gives scopes as permissions only where that is configured", async () => {
    const permissionsOf = async ({ decide }: Door) => {
      const decision = await decide("t");
      return decision.ok ? [...(decision.principal?.permissions ?? [])] : decision.denial.reason;
    };
    answers.set("t", good({ scope: "orders:read auth.users:write" }));
    assert.deepEqual(await permissionsOf(setup()), []);
    const mapped = setup({ mapping: { permissions: "scope" } });
    assert.deepEqual(await permissionsOf(mapped), ["orders:read", "auth.users:write"]);
  });

  it("refuses options that make no sense", () => {
    for (const given of [
      { cacheSeconds: 0 },
      { cacheSeconds: 301 },
      { negativeCacheSeconds: Number.NaN },
      { client: { clientId: "", clientSecret: "x" } },
      { client: { clientId: "x", clientSecret: "" } },
      { client: { authorization: "Bearer a\r\nx: y" } },
      { audience: [] },
    ]) {
      assert.throws(() => setup(given), TypeError, JSON.stringify(given));
    }
  });
});
