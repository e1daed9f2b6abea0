import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { admitted, atOnce, fakeCall, reasonOf } from "../core/fakes.suite.ts";
import { generateApiKey } from "../keys/key-format.ts";
import { authOf, pepper, storedKey } from "./accounts.suite.ts";
import { noon, setup } from "./api-key.suite.ts";
import { apiKey } from "./api-key.ts";

describe("an API key", () => {
  it("stands for its owner, and is named without its secret", () => {
    const { now, record } = setup();
    const { principal, authenticator, expiresAt } = admitted(now());
    assert.equal(principal?.userId, "1");
    assert.deepEqual(principal?.apiKey, {
      ...{ id: record.id, name: "analytics", type: "service" },
      ...{ scopes: [], roles: [] },
    });
    assert.equal(principal?.clientId, record.id);
    assert.equal(authenticator, "api_key");
    assert.equal(expiresAt, Number.POSITIVE_INFINITY);
  });

  it("costs the store nothing when it is warm, whatever others have revoked", () => {
    const { now, keys, users, revocations } = setup();
    const first = now();
    for (let call = 0; call < 100; call++) {
      revocations.apply({ kind: "user", userId: `other-${call}`, state: "changed" });
      assert.equal(now(), first);
    }
    assert.deepEqual([keys.loads, users.loads], [1, 1]);
  });

  for (const [given, reason] of [
    [{ revokedAt: new Date(noon) }, "API_KEY_REVOKED"],
    [{ disabledAt: new Date(noon) }, "API_KEY_DISABLED"],
    [{ expiresAt: new Date(noon) }, "API_KEY_EXPIRED"],
    [{ expiresAt: new Date(noon + 1) }, "ok"],
    [{ revokedAt: new Date(noon), disabledAt: new Date(noon), expiresAt: new Date(0) }, "API_KEY_REVOKED"],
  ] as const) {
    it(`with ${JSON.stringify(given)} is ${reason}`, () =>
      assert.equal(reasonOf(setup(given).now()), reason));
  }

  it("expires at its instant, also while it is remembered", () => {
    const { now, clock, keys } = setup({ expiresAt: new Date(noon + 1000) });
    assert.equal(admitted(now()).expiresAt, noon + 1000);
    clock.now = noon + 999;
    assert.equal(reasonOf(now()), "ok");
    clock.now = noon + 1000;
    assert.equal(reasonOf(now()), "API_KEY_EXPIRED");
    assert.equal(keys.loads, 1);
  });

  it("REGRESSION: with an invalid date is not a key for ever", () => {
    assert.equal(reasonOf(setup({ expiresAt: new Date("soon") }).now()), "UNAVAILABLE");
  });

  it("of an owner who is disabled or gone is refused", () => {
    const { now, users } = setup();
    users.change("1", { isActive: false });
    assert.equal(reasonOf(now()), "USER_DISABLED");
    users.rows.clear();
    assert.equal(reasonOf(now()), "API_KEY_REVOKED");
  });
});

describe("a key that nobody knows", () => {
  it("and a wrong secret are refused alike, but for the log's subject", () => {
    const { now, record, users } = setup();
    const other = storedKey();
    const wrong = setup();
    wrong.keys.rows.set(record.id, { ...record, digest: other.record.digest });
    const unknown = now(other.key);
    const right = { ...wrong.record, digest: other.record.digest };
    wrong.keys.rows.set(right.id, right);
    const mismatch = wrong.now();
    assert.ok(!unknown.ok && !mismatch.ok);
    const { subject, ...told } = mismatch.denial;
    assert.deepEqual(subject, { apiKeyId: right.id, userId: right.userId, tenantId: undefined });
    assert.deepEqual({ ...unknown.denial }, told);
    assert.equal(unknown.denial.reason, "API_KEY_INVALID");
    assert.deepEqual([users.loads, wrong.users.loads], [0, 0]);
  });

  it("REGRESSION: is invalid, and not an outage, where the source answers at once", () => {
    const { now, keys } = setup();
    assert.equal(reasonOf(now(storedKey().key)), "API_KEY_INVALID");
    assert.equal(keys.loads, 1);
  });

  it("does not reach the store if it is mistyped or none at all", () => {
    const { now, key, keys } = setup();
    const flipped = key.slice(0, -1) + (key.endsWith("0") ? "1" : "0");
    for (const [value, reason] of [
      [flipped, "API_KEY_INVALID"],
      [`${key}x`, "API_KEY_INVALID"],
      [key.toLowerCase(), "API_KEY_INVALID"],
      ["something-else", "API_KEY_INVALID"],
      ["", "CREDENTIALS_MALFORMED"],
      ["a b", "CREDENTIALS_MALFORMED"],
      ["ключ", "CREDENTIALS_MALFORMED"],
      [`cs_${"a".repeat(9000)}`, "CREDENTIALS_MALFORMED"],
      [`${key}, ${key}`, "CREDENTIALS_AMBIGUOUS"],
    ] as const) {
      assert.equal(reasonOf(now(value)), reason, value);
    }
    assert.equal(keys.loads, 0);
  });

  it("is not remembered: not a refusal, nor the key it resembles", () => {
    const { now, keys, record, key } = setup({ disabledAt: new Date(0) });
    assert.equal(reasonOf(now()), "API_KEY_DISABLED");
    keys.rows.set(record.id, { ...record, disabledAt: undefined });
    assert.equal(reasonOf(now()), "ok");
    assert.equal(reasonOf(now(generateApiKey("live").key)), "API_KEY_INVALID");
    assert.equal(reasonOf(now(key)), "ok");
  });
});

describe("a store that fails", () => {
  it("is UNAVAILABLE, thrown or rejected, keys or users, and never an invalid key", async () => {
    const down = () => {
      throw new Error("down");
    };
    const rejects = () => Promise.reject(new Error("down"));
    for (const answer of [down, rejects]) {
      const keysDown = setup();
      keysDown.keys.answer = answer;
      assert.equal(reasonOf(await keysDown.check()), "UNAVAILABLE");
      const usersDown = setup();
      usersDown.users.answer = answer;
      assert.equal(reasonOf(await usersDown.check()), "UNAVAILABLE");
      usersDown.users.answer = undefined;
      assert.equal(reasonOf(await usersDown.check()), "ok");
    }
  });

  it("or a pepper that is not configured, is UNAVAILABLE", () => {
    assert.equal(reasonOf(setup({ pepperId: "gone" }).now()), "UNAVAILABLE");
  });

  it("does not disturb a key that is warm, until it must be read again", () => {
    const { now, keys, revocations, record } = setup();
    now();
    keys.answer = () => {
      throw new Error("down");
    };
    assert.equal(reasonOf(now()), "ok");
    revocations.apply({ kind: "key", keyId: record.id, state: "changed" });
    assert.equal(reasonOf(now()), "UNAVAILABLE");
    keys.answer = undefined;
    assert.equal(reasonOf(now()), "ok");
  });
});

describe("where the key stands", () => {
  it("another header replaces the default one, which is not read any more", () => {
    const { now, key } = setup({}, { header: "x-service-key" });
    assert.equal(reasonOf(now()), "ok");
    const { keys, users } = setup();
    const { decide } = authOf([apiKey({ keys, users, peppers: [pepper], header: "x-service-key" })]);
    assert.equal(reasonOf(atOnce(decide(fakeCall("GET /", { "x-api-key": key })))), "CREDENTIALS_MISSING");
  });

  it("a scheme is required where one is set, in any case, and told in the challenge", () => {
    const { now, key } = setup({}, { header: "authorization", scheme: "ApiKey" });
    for (const value of [`ApiKey ${key}`, `apikey ${key}`]) assert.equal(reasonOf(now(value)), "ok");
    for (const value of [key, `Bearer ${key}`, `ApiKey  ${key}`, `ApiKey\t${key}`, "ApiKey", "ApiKey "]) {
      const decision = now(value);
      assert.equal(reasonOf(decision), "CREDENTIALS_MALFORMED", value);
      assert.deepEqual(decision.ok ? [] : decision.denial.challenges, ["ApiKey"]);
    }
  });

  it("without a scheme, `authorization` may have the one of the challenge, and is one credential with and without it", () => {
    const { now, key, keys } = setup({}, { header: "authorization" });
    for (const value of [key, `ApiKey ${key}`, `apikey ${key}`]) assert.equal(reasonOf(now(value)), "ok");
    assert.equal(keys.loads, 1);
    for (const value of [`Bearer ${key}`, `ApiKey  ${key}`, `ApiKey\t${key}`, "ApiKey", "ApiKey "])
      assert.notEqual(reasonOf(now(value)), "ok", value);
    // A header of one's own has nothing but the key.
    assert.notEqual(reasonOf(setup({}, { header: "x-service-key" }).now(`ApiKey ${key}`)), "ok");
  });

  it("a prefix of one's own is the only one that is taken", () => {
    const { now, keys, record } = setup({}, { prefix: "acme" });
    assert.equal(reasonOf(now()), "API_KEY_INVALID");
    assert.equal(keys.loads, 0);
    assert.ok(record);
  });
});
