import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { admitted, reasonOf } from "../core/fakes.suite.ts";
import { account, gate } from "./accounts.suite.ts";
import { setup } from "./api-key.suite.ts";

describe("revocation of a warm key", () => {
  it("takes effect with the next call, without the store", () => {
    const { now, keys, revocations, record } = setup();
    now();
    keys.answer = () => assert.fail("the store was asked");
    revocations.apply({ kind: "key", keyId: record.id, state: "revoked" });
    const decision = now();
    assert.equal(reasonOf(decision), "API_KEY_REVOKED");
    assert.deepEqual(decision.ok ? undefined : decision.denial.subject, {
      apiKeyId: record.id,
      userId: record.userId,
      tenantId: undefined,
    });
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
    keys.answer = async () => {
      noise();
      return record;
    };
    users.answer = async () => {
      await noise();
      return account();
    };
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
