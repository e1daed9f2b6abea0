import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { admitted, atOnce, fakeCall, reasonOf } from "../core/fakes.suite.ts";
import { grants } from "../core/principal.ts";
import { createRevocations } from "../core/revocation.ts";
import { account, authOf, FakeTable, pepper, storedKey } from "./accounts.suite.ts";
import { apiKey } from "./api-key.ts";
import { developmentKey } from "./development-key.ts";
import { staticApiKey } from "./static-api-key.ts";

const keys = [
  { key: "correct-horse-battery", name: "billing", permissions: ["orders:read"] },
  { key: "tr0ub4dor&3!", name: "ops", isStaff: true },
] as const;

describe("static keys", () => {
  const { decide } = authOf([staticApiKey({ keys })]);
  const check = (value: string) => atOnce(decide(fakeCall("GET /", { "x-api-key": value })));

  it("let in who holds one, under its name and with its permissions", () => {
    const { principal } = admitted(check("correct-horse-battery"));
    assert.ok(principal);
    assert.equal(principal.userId, "static:billing");
    assert.deepEqual(principal.apiKey, {
      id: "billing",
      name: "billing",
      type: "static",
      scopes: ["orders:read"],
    });
    assert.ok(grants(principal, "orders:read"));
    assert.ok(!grants(principal, "orders:write"));
    assert.equal(admitted(check("tr0ub4dor&3!")).principal?.isStaff, true);
  });

  it("let in nobody else", () => {
    for (const value of [
      "correct-horse-batter",
      "correct-horse-battery1",
      "Correct-horse-battery",
      "billing",
    ]) {
      assert.equal(reasonOf(check(value)), "API_KEY_INVALID");
    }
    assert.equal(reasonOf(check("")), "CREDENTIALS_MALFORMED");
    assert.equal(reasonOf(check("correct-horse-battery, tr0ub4dor&3!")), "CREDENTIALS_AMBIGUOUS");
  });

  it("take a scheme, as stored keys do", () => {
    const auth = authOf([staticApiKey({ keys, header: "authorization", scheme: "ApiKey" })]);
    const outcome = (authorization: string) =>
      reasonOf(atOnce(auth.decide(fakeCall("GET /", { authorization }))));
    assert.equal(outcome("apikey correct-horse-battery"), "ok");
    assert.equal(outcome("correct-horse-battery"), "CREDENTIALS_MALFORMED");
  });

  it("without a scheme are taken in `authorization` behind the one that the challenge names, too", () => {
    const auth = authOf([staticApiKey({ keys, header: "authorization" })]);
    const outcome = (authorization: string) =>
      reasonOf(atOnce(auth.decide(fakeCall("GET /", { authorization }))));
    for (const value of [
      "correct-horse-battery",
      "ApiKey correct-horse-battery",
      "apikey correct-horse-battery",
    ])
      assert.equal(outcome(value), "ok", value);
    assert.equal(outcome("ApiKey wrong-horse-battery"), "API_KEY_INVALID");
    for (const value of ["Bearer correct-horse-battery", "ApiKey ApiKey correct-horse-battery", "ApiKey "])
      assert.equal(outcome(value), "CREDENTIALS_MALFORMED", value);
  });

  it("that are weak or doubtful stop the start, and the message does not tell the key", () => {
    const [first] = keys;
    for (const bad of [
      [{ key: "short", name: "a" }],
      [{ key: "with a space", name: "a" }],
      [{ key: "with,a,comma", name: "a" }],
      [{ key: "ключключключ", name: "a" }],
      [{ key: "long-enough-key\n", name: "a" }],
      [{ key: "long-enough-key", name: "" }],
      [first, { ...first, key: "another-good-key" }],
      [first, { ...first, name: "other" }],
    ]) {
      assert.throws(
        () => staticApiKey({ keys: bad as never }),
        (error: Error) => error instanceof TypeError && bad.every(({ key }) => !error.message.includes(key)),
      );
    }
  });
});

describe("the development key", () => {
  const secret = "not-for-production-0123";

  it("acts as the first active superuser, with no key record, asked each time", () => {
    let superuser: ReturnType<typeof account> | undefined = account({ id: "9", isSuperuser: true });
    const { decide } = authOf([developmentKey({ secret, firstSuperuser: () => superuser })]);
    const check = (value: string) => atOnce(decide(fakeCall("GET /", { "x-api-key": value })));
    const { principal, authenticator } = admitted(check(secret));
    assert.equal(principal?.userId, "9");
    assert.equal(principal?.apiKey, undefined);
    assert.equal(authenticator, "development_key");
    assert.equal(reasonOf(check(`${secret}x`)), "API_KEY_INVALID");
    superuser = undefined;
    assert.equal(reasonOf(check(secret)), "USER_DISABLED");
  });

  it("REGRESSION: is no door for a superuser who is disabled, nor for someone who is none", () => {
    for (const user of [account({ isSuperuser: true, isActive: false }), account({ isSuperuser: false })]) {
      const { decide } = authOf([developmentKey({ secret, firstSuperuser: () => user })]);
      assert.equal(reasonOf(atOnce(decide(fakeCall("GET /", { "x-api-key": secret })))), "USER_DISABLED");
    }
  });

  it("hears of revocations like any other credential", () => {
    const revocations = createRevocations();
    const authenticator = developmentKey({
      secret,
      firstSuperuser: () => account({ id: "9", isSuperuser: true }),
    });
    const { decide } = authOf([authenticator], { revocations });
    const outcome = () => reasonOf(atOnce(decide(fakeCall("GET /", { "x-api-key": secret }))));
    revocations.suspend();
    assert.equal(outcome(), "UNAVAILABLE");
    revocations.resume();
    revocations.apply({ kind: "user", userId: "9", state: "disabled" });
    assert.equal(outcome(), "USER_DISABLED");
  });

  it("that is short or unprintable stops the start", () => {
    for (const bad of [
      "",
      "fifteen-chars-1",
      "with a space in it",
      "with,a,comma,in,it",
      "ключключключключ",
    ]) {
      assert.throws(() => developmentKey({ secret: bad, firstSuperuser: () => undefined }), TypeError);
    }
  });
});

describe("three kinds of keys on one header", () => {
  it("are each recognised, whatever the order", () => {
    const { key, record } = storedKey();
    const stored = apiKey({
      keys: new FakeTable(record),
      users: new FakeTable(account()),
      peppers: [pepper],
    });
    const fixed = staticApiKey({ keys });
    const development = developmentKey({
      secret: "not-for-production-0123",
      firstSuperuser: () => account({ isSuperuser: true }),
    });
    for (const list of [
      [stored, fixed, development],
      [development, fixed, stored],
    ] as const) {
      const { decide } = authOf(list);
      const outcome = (value: string) => reasonOf(atOnce(decide(fakeCall("GET /", { "x-api-key": value }))));
      for (const value of [key, "correct-horse-battery", "not-for-production-0123"])
        assert.equal(outcome(value), "ok");
      assert.equal(outcome("nobody-knows-this-one"), "API_KEY_INVALID");
    }
  });
});
