import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { AuthOptions } from "../core/auth.ts";
import type { Decision } from "../core/decision.ts";
import { admitted, atOnce, fakeCall, reasonOf } from "../core/fakes.suite.ts";
import type { Principal } from "../core/principal.ts";
import { createRevocations } from "../core/revocation.ts";
import { generateApiKey } from "../keys/key-format.ts";
import type { ApiKeyRecord } from "../store/contracts.ts";
import { account, authOf, FakeTable, gate, pepper, storedKey } from "./accounts.suite.ts";
import { type ApiKeyOptions, apiKey } from "./api-key.ts";

const noon = Date.UTC(2026, 0, 1, 12);

function setup(given: Partial<ApiKeyRecord> = {}, options: Partial<ApiKeyOptions<Principal>> = {}, auth: Partial<AuthOptions<Principal>> = {}) {
  const { key, record } = storedKey(given);
  const keys = new FakeTable<ApiKeyRecord>(record);
  const users = new FakeTable(account());
  const revocations = createRevocations();
  const clock = { now: noon };
  const authenticator = apiKey({ keys, users, peppers: [pepper], ...options });
  const { decide } = authOf([authenticator], { revocations, now: () => clock.now, ...auth });
  const header = options.header ?? "x-api-key";
  const check = (value = key) => decide(fakeCall("GET /", { [header]: value }));
  return { key, record, keys, users, revocations, clock, check, now: (value = key): Decision<Principal> => atOnce(check(value)) };
}

describe("an API key", () => {
  it("stands for its owner, and is named without its secret", () => {
    const { now, record } = setup();
    const { principal, authenticator, expiresAt } = admitted(now());
    assert.equal(principal?.userId, "1");
    assert.deepEqual(principal?.apiKey, { id: record.id, name: "analytics", type: "service", scopes: [] });
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
    it(`with ${JSON.stringify(given)} is ${reason}`, () => assert.equal(reasonOf(setup(given).now()), reason));
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
    assert.deepEqual(subject, { apiKeyId: right.id });
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
    const down = () => { throw new Error("down"); };
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
    keys.answer = () => { throw new Error("down"); };
    assert.equal(reasonOf(now()), "ok");
    revocations.apply({ kind: "key", keyId: record.id, state: "changed" });
    assert.equal(reasonOf(now()), "UNAVAILABLE");
    keys.answer = undefined;
    assert.equal(reasonOf(now()), "ok");
  });
});

describe("revocation of a warm key", () => {
  it("takes effect with the next call, without the store", () => {
    const { now, keys, revocations, record } = setup();
    now();
    keys.answer = () => assert.fail("the store was asked");
    revocations.apply({ kind: "key", keyId: record.id, state: "revoked" });
    const decision = now();
    assert.equal(reasonOf(decision), "API_KEY_REVOKED");
    assert.deepEqual(decision.ok ? undefined : decision.denial.subject, { apiKeyId: record.id });
  });

  it("of its owner too, and a cut-off from the log refuses everyone", () => {
    const { now, revocations } = setup();
    now();
    revocations.suspend();
    assert.equal(reasonOf(now()), "UNAVAILABLE");
    revocations.resume();
    assert.equal(reasonOf(now()), "ok");
    revocations.apply({ kind: "user", userId: "1", state: "disabled" });
    assert.equal(reasonOf(now()), "USER_DISABLED");
  });

  it("reads a changed key or owner again, once", () => {
    const { now, keys, users, revocations, record } = setup();
    now();
    users.change("1", { isStaff: true });
    revocations.apply({ kind: "user", userId: "1", state: "changed" });
    assert.equal(admitted(now()).principal?.isStaff, true);
    keys.change(record.id, { disabledAt: new Date(0) });
    revocations.apply({ kind: "key", keyId: record.id, state: "changed" });
    assert.equal(reasonOf(now()), "API_KEY_DISABLED");
    keys.change(record.id, { disabledAt: undefined });
    revocations.flush();
    assert.equal(reasonOf(now()), "ok");
    assert.equal(reasonOf(now()), "ok");
    assert.equal(keys.loads, 4);
  });

  it("REGRESSION: goes by the account's own id, where the source knows it under several", () => {
    const { now, users, revocations } = setup({ userId: "ADA" });
    users.answer = () => account({ id: "ada" });
    assert.equal(reasonOf(now()), "ok");
    revocations.apply({ kind: "user", userId: "ada", state: "disabled" });
    assert.equal(reasonOf(now()), "USER_DISABLED");
  });
});

describe("a fill that races a revocation", () => {
  it("never re-admits: not this call, and not the next", async () => {
    for (const event of [
      (id: string) => ({ kind: "key", keyId: id, state: "revoked" }) as const,
      () => ({ kind: "user", userId: "1", state: "disabled" }) as const,
    ]) {
      const { check, keys, revocations, record } = setup();
      const { opened, open } = gate();
      // The row as it was before: read, but not handed over yet.
      keys.answer = () => opened.then(() => record);
      const racing = check();
      revocations.apply(event(record.id));
      open();
      assert.notEqual(reasonOf(await racing), "ok");
      assert.notEqual(reasonOf(await check()), "ok");
    }
  });

  it("reads again what changed under it, and gives up if it never holds still", async () => {
    const { check, keys, users, revocations, record } = setup();
    keys.answer = async () => {
      revocations.apply({ kind: "key", keyId: record.id, state: "changed" });
      return record;
    };
    assert.equal(reasonOf(await check()), "UNAVAILABLE");
    assert.equal(keys.loads, 5);
    let changes = 0;
    users.answer = async (id) => {
      if (changes++ < 2) revocations.apply({ kind: "user", userId: id, state: "changed" });
      return account({ isStaff: changes > 2 });
    };
    keys.answer = undefined;
    assert.equal(admitted(await check()).principal?.isStaff, true);
  });

  it("is not disturbed by a steady stream of others' revocations, and is remembered", async () => {
    const { check, keys, users, revocations, record } = setup();
    let other = 0;
    const noise = () => revocations.apply({ kind: "user", userId: `other-${other++}`, state: "disabled" });
    keys.answer = async () => (noise(), record);
    users.answer = async () => (noise(), account());
    assert.equal(reasonOf(await check()), "ok");
    noise();
    assert.equal(reasonOf(await check()), "ok");
    assert.deepEqual([keys.loads, users.loads], [1, 1]);
  });

  it("is refused by a flush in the middle unless it is read again", async () => {
    const { check, keys, revocations, record } = setup();
    keys.answer = async () => {
      if (keys.loads === 1) revocations.flush();
      return record;
    };
    assert.equal(reasonOf(await check()), "ok");
    assert.equal(keys.loads, 2);
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

  it("a prefix of one's own is the only one that is taken", () => {
    const { now, keys, record } = setup({}, { prefix: "acme" });
    assert.equal(reasonOf(now()), "API_KEY_INVALID");
    assert.equal(keys.loads, 0);
    assert.ok(record);
  });
});
