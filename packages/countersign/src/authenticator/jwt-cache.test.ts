import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Decision } from "../core/decision.ts";
import { admitted, atOnce, fakeCall, reasonOf } from "../core/fakes.suite.ts";
import type { Principal } from "../core/principal.ts";
import { createRevocations } from "../core/revocation.ts";
import type { UserAccount } from "../core/user.ts";
import type { JsonObject } from "../jwt/json.ts";
import { hmacKey } from "../jwt/key.ts";
import { createKeyRing } from "../jwt/key-ring.ts";
import { signToken } from "../jwt/signer.ts";
import { account, authOf, FakeTable, gate } from "./accounts.suite.ts";
import { type JwtOptions, jwt } from "./jwt.ts";

const noon = Date.UTC(2026, 0, 1, 12);
const seconds = noon / 1000;
const key = hmacKey({ algorithm: "HS256", secret: new Uint8Array(32).fill(1) });

function setup(given: JsonObject = {}, options: Partial<JwtOptions<Principal>> = {}) {
  const users = new FakeTable<UserAccount>(account());
  const revocations = createRevocations();
  const clock = { now: noon };
  const ring = createKeyRing([key]);
  let verified = 0;
  // Asked once for each token that is verified.
  const keys = () => {
    verified++;
    return ring;
  };
  const authenticator = jwt({ keys, users, ...options });
  const { decide } = authOf([authenticator], { revocations, now: () => clock.now });
  const claims = {
    token_type: "access",
    iss: "us",
    sub: "1",
    iat: seconds,
    exp: seconds + 900,
    jti: "t1",
    sid: "s1",
    ...given,
  };
  const value = `Bearer ${signToken(claims, key)}`;
  const check = () => decide(fakeCall("GET /", { authorization: value }));
  return {
    users,
    revocations,
    clock,
    check,
    now: (): Decision<Principal> => atOnce(check()),
    verified: () => verified,
  };
}

describe("a warm token", () => {
  it("is neither verified again nor is its user loaded, whatever others have revoked", () => {
    const { now, users, revocations, verified } = setup();
    const first = now();
    for (let call = 0; call < 100; call++) {
      revocations.apply({ kind: "token", issuer: "us", jti: `other-${call}`, expiresAt: seconds + 900 });
      assert.equal(now(), first);
    }
    assert.deepEqual([verified(), users.loads], [1, 1]);
  });

  it("expires at its instant, leeway included", () => {
    const { now, clock, verified } = setup();
    now();
    clock.now = noon + 905_000 - 1;
    assert.equal(reasonOf(now()), "ok");
    clock.now = noon + 905_000;
    assert.equal(reasonOf(now()), "TOKEN_EXPIRED");
    assert.equal(verified(), 1);
  });

  it("is not good before its time, should the clock go back", () => {
    const { now, clock } = setup({ nbf: seconds });
    now();
    clock.now = noon - 5000;
    assert.equal(reasonOf(now()), "ok");
    clock.now = noon - 5001;
    assert.equal(reasonOf(now()), "TOKEN_INVALID");
  });

  it("is not shared between two of createAuth()", () => {
    const ring = createKeyRing([key]);
    const authenticator = jwt({ keys: ring });
    const value = `Bearer ${signToken({ token_type: "access", sub: "1", exp: seconds + 900 }, key)}`;
    const headers = { authorization: value };
    const [here, there] = [
      authOf([authenticator], { now: () => noon }),
      authOf([authenticator], { now: () => noon + 1e9 }),
    ];
    assert.equal(reasonOf(atOnce(here.decide(fakeCall("GET /", headers)))), "ok");
    assert.equal(reasonOf(atOnce(there.decide(fakeCall("GET /", headers)))), "TOKEN_EXPIRED");
  });
});

describe("a signing key that was removed", () => {
  const named = hmacKey({ algorithm: "HS256", secret: new Uint8Array(32).fill(1), kid: "k1" });
  const other = hmacKey({ algorithm: "HS256", secret: new Uint8Array(32).fill(2), kid: "k2" });
  const removed = { kind: "signing-key", kid: "k1", expiresAt: seconds + 900 } as const;
  const claims = { token_type: "access", sub: "1", exp: seconds + 900, jti: "t1" };
  const all = createKeyRing([named, other]);

  for (const [what, ring, signer] of [
    ["a token that names it", all, named],
    // Signed elsewhere with the same secret, by somebody who does not know the name.
    ["a token that does not name it", createKeyRing([named]), key],
  ] as const) {
    it(`takes ${what} with it, warm or not, whatever the ring still holds`, () => {
      const revocations = createRevocations();
      const { decide } = authOf([jwt({ keys: ring })], { revocations, now: () => noon });
      const check = (signed: string) =>
        reasonOf(atOnce(decide(fakeCall("GET /", { authorization: `Bearer ${signed}` }))));
      const [warm, cold] = [signToken(claims, signer), signToken({ ...claims, jti: "t2" }, signer)];
      assert.equal(check(warm), "ok");
      revocations.apply(removed);
      assert.deepEqual([check(warm), check(cold)], ["TOKEN_REVOKED", "TOKEN_REVOKED"]);
    });
  }

  it("leaves the tokens of other keys alone", () => {
    const revocations = createRevocations();
    const { decide } = authOf([jwt({ keys: all })], { revocations, now: () => noon });
    revocations.apply(removed);
    const authorization = `Bearer ${signToken(claims, other)}`;
    assert.equal(reasonOf(atOnce(decide(fakeCall("GET /", { authorization })))), "ok");
  });
});

describe("the user of a token", () => {
  it("is the account as it is now, not as it was signed", () => {
    const { now, users, revocations } = setup({ is_superuser: true, roles: ["old"], permissions: ["old"] });
    const { principal } = admitted(now());
    assert.deepEqual(
      [principal?.isSuperuser, principal?.roles, [...(principal?.permissions ?? [])]],
      [false, [], []],
    );
    users.change("1", { roles: ["new"] });
    revocations.apply({ kind: "user", userId: "1", state: "changed" });
    assert.deepEqual(admitted(now()).principal?.roles, ["new"]);
    assert.equal(users.loads, 2);
  });

  it("who is disabled or gone is refused, cold and warm", () => {
    for (const warm of [false, true]) {
      const { now, users, revocations } = setup();
      if (warm) now();
      users.change("1", { isActive: false });
      revocations.apply({ kind: "user", userId: "1", state: "changed" });
      assert.equal(reasonOf(now()), "USER_DISABLED");
      users.rows.clear();
      assert.equal(reasonOf(now()), "TOKEN_INVALID");
    }
  });

  it("REGRESSION: who does not exist is an invalid token, and not an outage, where the source answers at once", () => {
    assert.equal(reasonOf(setup({ sub: "404" }).now()), "TOKEN_INVALID");
  });

  it("whose source fails is UNAVAILABLE", async () => {
    for (const answer of [
      () => {
        throw new Error("down");
      },
      () => Promise.reject(new Error("down")),
    ]) {
      const { check, users } = setup();
      users.answer = answer;
      assert.equal(reasonOf(await check()), "UNAVAILABLE");
    }
  });

  it("REGRESSION: who was disabled stays so after a change, where no source could tell", () => {
    const { now, revocations } = setup({}, { users: undefined } as never);
    now();
    revocations.apply({ kind: "user", userId: "1", state: "disabled" });
    assert.equal(reasonOf(now()), "USER_DISABLED");
    revocations.apply({ kind: "user", userId: "1", state: "changed" });
    assert.equal(reasonOf(now()), "USER_DISABLED");
    revocations.apply({ kind: "user", userId: "1", state: "enabled" });
    assert.equal(reasonOf(now()), "ok");
  });
});

// Revocation of a token

const expiresAt = seconds + 900;
for (const [event, reason] of [
  [{ kind: "token", issuer: "us", jti: "t1", expiresAt }, "TOKEN_REVOKED"],
  [{ kind: "token", issuer: "them", jti: "t1", expiresAt }, "ok"],
  [{ kind: "session", sessionId: "s1", expiresAt }, "TOKEN_REVOKED"],
  [{ kind: "issued-before", userId: "1", before: seconds + 1, expiresAt }, "TOKEN_REVOKED"],
  [{ kind: "issued-before", userId: "1", before: seconds, expiresAt }, "ok"],
  [{ kind: "issued-before", userId: "2", before: seconds + 1, expiresAt }, "ok"],
  [{ kind: "user", userId: "1", state: "disabled" }, "USER_DISABLED"],
] as const) {
  it(`${JSON.stringify(event)} makes it ${reason}, warm, cold and while it is read`, async () => {
    const warm = setup();
    warm.now();
    warm.users.answer = () => assert.fail("the store was asked");
    warm.revocations.apply(event);
    assert.equal(reasonOf(warm.now()), reason);

    const cold = setup();
    cold.revocations.apply(event);
    assert.equal(reasonOf(cold.now()), reason);

    const racing = setup();
    const { opened, open } = gate();
    racing.users.answer = () => opened.then(() => account());
    const decision = racing.check();
    racing.revocations.apply(event);
    open();
    assert.equal(reasonOf(await decision), reason);
    assert.equal(reasonOf(await racing.check()), reason);
  });
}

it("REGRESSION: a token that does not say when it was issued cannot escape from issued-before", () => {
  const { now, revocations } = setup({ iat: undefined });
  assert.equal(reasonOf(now()), "ok");
  revocations.apply({ kind: "issued-before", userId: "1", before: seconds, expiresAt });
  assert.equal(reasonOf(now()), "TOKEN_REVOKED");
});

it("REGRESSION: holds through the verifier's leeway, although its entry has been pruned by then", () => {
  const { now, revocations, clock } = setup();
  now();
  revocations.apply({ kind: "token", issuer: "us", jti: "t1", expiresAt });
  clock.now = (expiresAt + 4) * 1000;
  revocations.prune(expiresAt + 4);
  revocations.apply({ kind: "user", userId: "1", state: "changed" });
  assert.equal(reasonOf(now()), "TOKEN_REVOKED");
});

it("names the user for the log, and the scheme for the caller", () => {
  const { now, revocations } = setup();
  now();
  revocations.apply({ kind: "session", sessionId: "s1", expiresAt });
  const decision = now();
  assert.ok(!decision.ok);
  assert.deepEqual(decision.denial.subject, { userId: "1", tenantId: undefined });
  assert.deepEqual(decision.denial.challenges, ['Bearer error="invalid_token"']);
});

it("a cut-off from the log refuses everyone, and ends", () => {
  const { now, revocations } = setup();
  now();
  revocations.suspend();
  assert.equal(reasonOf(now()), "UNAVAILABLE");
  revocations.resume();
  assert.equal(reasonOf(now()), "ok");
});
