import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { admitted, atOnce, fakeCall, reasonOf } from "../core/fakes.suite.ts";
import type { Principal } from "../core/principal.ts";
import { createRevocations } from "../core/revocation.ts";
import type { JsonObject } from "../jwt/json.ts";
import { hmacKey } from "../jwt/key.ts";
import { createKeyRing } from "../jwt/key-ring.ts";
import { signToken } from "../jwt/signer.ts";
import type { ApiKeyRecord } from "../store/contracts.ts";
import { account, authOf, FakeTable, pepper, storedKey } from "./accounts.suite.ts";
import { apiKey } from "./api-key.ts";
import { type JwtOptions, jwt } from "./jwt.ts";

const noon = Date.UTC(2026, 0, 1, 12);
const seconds = noon / 1000;
const key = hmacKey({ algorithm: "HS256", secret: new Uint8Array(32).fill(1) });
const otherKey = hmacKey({ algorithm: "HS256", secret: new Uint8Array(32).fill(2) });

const claims = (given: JsonObject = {}): JsonObject => ({
  token_type: "access",
  sub: "1",
  iat: seconds,
  exp: seconds + 900,
  jti: "t1",
  ...given,
});
const token = (given: JsonObject = {}, signer = key): string => signToken(claims(given), signer);

function check(value: string, options: Partial<JwtOptions<Principal>> = {}) {
  const { decide } = authOf([jwt({ keys: createKeyRing([key]), ...options })], { now: () => noon });
  return atOnce(decide(fakeCall("GET /", { [options.header ?? "authorization"]: value })));
}

describe("a token", () => {
  it("stands for its user, with the claims that were signed", () => {
    const signed = token({
      username: "ada",
      is_staff: true,
      roles: ["editor"],
      permissions: ["a:b"],
      client_id: "app",
    });
    const { principal, expiresAt, authenticator } = admitted(check(`Bearer ${signed}`));
    assert.ok(principal);
    assert.deepEqual(
      [
        principal.userId,
        principal.username,
        principal.isStaff,
        principal.isSuperuser,
        principal.roles,
        [...principal.permissions],
      ],
      ["1", "ada", true, false, ["editor"], ["a:b"]],
    );
    assert.equal(principal.clientId, "app");
    assert.equal(principal.claims["jti"], "t1");
    assert.equal(principal.apiKey, undefined);
    assert.equal(authenticator, "jwt");
    assert.equal(expiresAt, noon + 905_000);
  });

  it("is of one of our sessions, unless somebody else has issued it", () => {
    const value = `Bearer ${token({ sid: "s1" })}`;
    const sessionOf = (options = {}) => admitted(check(value, options)).principal?.sessionId;
    assert.deepEqual([sessionOf(), sessionOf({ sessions: false })], ["s1", undefined]);
    assert.equal(sessionOf({ users: new FakeTable(account()) }), "s1");
    assert.equal(sessionOf({ users: new FakeTable(account()), sessions: false }), undefined);
    const revocations = createRevocations();
    revocations.apply({ kind: "session", sessionId: "s1", expiresAt: seconds + 900 });
    const reason = (sessions: boolean) => {
      const authenticator = jwt({ keys: createKeyRing([key]), sessions });
      const { decide } = authOf([authenticator], { now: () => noon, revocations });
      return reasonOf(atOnce(decide(fakeCall("GET /", { authorization: value }))));
    };
    assert.deepEqual([reason(true), reason(false)], ["TOKEN_REVOKED", "ok"]);
  });

  it("without claims of rights has none", () => {
    const { principal } = admitted(check(`Bearer ${token()}`));
    assert.deepEqual(
      [principal?.isStaff, principal?.isSuperuser, principal?.roles, [...(principal?.permissions ?? [])]],
      [false, false, [], []],
    );
  });

  it("is refused with its own reason", () => {
    for (const [given, signer, reason] of [
      [{}, otherKey, "TOKEN_INVALID"],
      [{ exp: seconds - 6 }, key, "TOKEN_EXPIRED"],
      [{ exp: seconds - 6 }, otherKey, "TOKEN_INVALID"],
      [{ nbf: seconds + 60 }, key, "TOKEN_INVALID"],
      [{ token_type: "refresh" }, key, "TOKEN_INVALID"],
      [{ exp: undefined }, key, "TOKEN_INVALID"],
      [{ sub: undefined }, key, "TOKEN_INVALID"],
      [{ aud: "somebody-else" }, key, "TOKEN_INVALID"],
    ] as const) {
      const decision = check(`Bearer ${token(given, signer)}`);
      assert.equal(reasonOf(decision), reason, JSON.stringify(given));
      assert.deepEqual(decision.ok ? [] : decision.denial.challenges, ['Bearer error="invalid_token"']);
    }
  });
});

describe("the grammar of authorization", () => {
  const signed = token();

  it("takes the scheme in any case, followed by one space", () => {
    for (const scheme of ["Bearer", "bearer", "BEARER", "bEARER"])
      assert.equal(reasonOf(check(`${scheme} ${signed}`)), "ok");
  });

  it("refuses anything else, alone on its header or not", () => {
    const second = jwt({ keys: createKeyRing([otherKey]), issuer: "other" });
    const shared = authOf([jwt({ keys: createKeyRing([key]) }), second], { now: () => noon });
    for (const value of [
      signed,
      "Bearer",
      "Bearer ",
      `Bearer  ${signed}`,
      `Bearer\t${signed}`,
      `Bearer${signed}`,
      ` Bearer ${signed}`,
      `Bearer ${signed} `,
      `Bearer ${signed} extra`,
      `Bearer Bearer ${signed}`,
      `Basic ${signed}`,
      `Token ${signed}`,
      `Bearer "${signed}"`,
      `Bearer ${signed}ä`,
      "Bearer ключ",
      `Bearer ${"a".repeat(8200)}`,
    ]) {
      assert.equal(reasonOf(check(value)), "CREDENTIALS_MALFORMED", value.slice(0, 60));
      const decision = atOnce(shared.decide(fakeCall("GET /", { authorization: value })));
      assert.equal(reasonOf(decision), "CREDENTIALS_MALFORMED", value.slice(0, 60));
    }
    assert.equal(reasonOf(check("Bearer not-a-token")), "TOKEN_INVALID");
    assert.equal(reasonOf(check(`Bearer ${signed}=`)), "TOKEN_INVALID");
    assert.equal(reasonOf(check(`Bearer ${signed}, Bearer ${signed}`)), "CREDENTIALS_AMBIGUOUS");
  });

  it("takes the bare token where the scheme is empty, and in `authorization` also behind the one that it names", () => {
    assert.equal(reasonOf(check(signed, { scheme: "" })), "ok");
    assert.equal(reasonOf(check(`Bearer ${signed}`, { scheme: "" })), "ok");
    assert.equal(reasonOf(check(`bearer ${signed}`, { scheme: "" })), "ok");
    for (const value of [
      `Bearer Bearer ${signed}`,
      `Bearer  ${signed}`,
      `Basic ${signed}`,
      "Bearer ",
      "Bearer",
    ])
      assert.notEqual(reasonOf(check(value, { scheme: "" })), "ok", value);
    assert.equal(reasonOf(check("Bearer not-a-token", { scheme: "" })), "TOKEN_INVALID");
    // Nothing of a challenge is about another header.
    assert.equal(
      reasonOf(check(`Bearer ${signed}`, { scheme: "", header: "x-token" })),
      "CREDENTIALS_MALFORMED",
    );
    assert.equal(reasonOf(check(signed, { scheme: "", header: "x-token" })), "ok");
    assert.equal(reasonOf(check(`Token ${signed}`, { scheme: "Token" })), "ok");
  });
});

describe("several credentials on one header", () => {
  it("two issuers: each token goes to its own verifier, whose answer is final", () => {
    const a = jwt({ keys: createKeyRing([key]), issuer: "a", name: "a" });
    const b = jwt({ keys: createKeyRing([otherKey]), issuer: "b", name: "b" });
    for (const list of [
      [a, b],
      [b, a],
    ] as const) {
      const { decide } = authOf(list, { now: () => noon });
      const outcome = (signed: string) =>
        atOnce(decide(fakeCall("GET /", { authorization: `Bearer ${signed}` })));
      assert.equal(admitted(outcome(token({ iss: "a" }))).authenticator, "a");
      assert.equal(admitted(outcome(token({ iss: "b" }, otherKey))).authenticator, "b");
      assert.equal(reasonOf(outcome(token({ iss: "b" }))), "TOKEN_INVALID");
      assert.equal(reasonOf(outcome(token({ iss: "a" }, otherKey))), "TOKEN_INVALID");
      assert.equal(reasonOf(outcome(token({ iss: "c" }))), "TOKEN_INVALID");
      assert.equal(reasonOf(outcome(token())), "TOKEN_INVALID");
    }
  });

  it("a bare API key beside tokens: each is told by its form", () => {
    const { key: plain, record } = storedKey();
    const keys = new FakeTable<ApiKeyRecord>(record);
    const users = new FakeTable(account());
    const stored = apiKey({ keys, users, peppers: [pepper], header: "authorization" });
    const signed = jwt({ keys: createKeyRing([key]) });
    for (const list of [
      [signed, stored],
      [stored, signed],
    ] as const) {
      const { decide } = authOf(list, { now: () => noon });
      const outcome = (authorization: string) => atOnce(decide(fakeCall("GET /", { authorization })));
      assert.equal(admitted(outcome(plain)).authenticator, "api_key");
      assert.equal(admitted(outcome(`Bearer ${token()}`)).authenticator, "jwt");
      for (const bad of [`Bearer ${plain}`, token(), `${plain}, Bearer ${token()}`])
        assert.ok(!outcome(bad).ok);
    }
  });

  it("a key in its own header beside a token is ambiguous, both good", () => {
    const { key: plain, record } = storedKey();
    const stored = apiKey({
      keys: new FakeTable(record),
      users: new FakeTable(account()),
      peppers: [pepper],
    });
    const { decide } = authOf([jwt({ keys: createKeyRing([key]) }), stored], { now: () => noon });
    const both = { authorization: `Bearer ${token()}`, "x-api-key": plain };
    assert.equal(reasonOf(atOnce(decide(fakeCall("GET /", both)))), "CREDENTIALS_AMBIGUOUS");
  });
});
