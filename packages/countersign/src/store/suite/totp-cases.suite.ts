import assert from "node:assert/strict";
import type { Store } from "../contracts.ts";
import { auditOf } from "./session-case.suite.ts";
import { type Cases, conflictOn } from "./store-case.suite.ts";

const secret = new Uint8Array([0, 255, 0, 7]);

export const totpCases: Cases = {
  "enrols, and asks for nothing before a first code was right": async (store, clock) => {
    const { id } = await store.users.create({ username: "ada" });
    assert.equal(await store.totp.load(id), undefined);
    const sealedSecret = Uint8Array.from(secret);
    await store.totp.enroll(id, sealedSecret);
    sealedSecret.fill(9);
    const begun = await store.totp.load(id);
    const expected = { userId: id, sealedSecret: secret, confirmedAt: undefined, lastStep: 0 };
    assert.deepEqual({ ...begun }, expected);
    begun?.sealedSecret.fill(9);
    assert.ok(Object.isFrozen(begun));
    assert.deepEqual({ ...(await store.totp.load(id)) }, expected);
    assert.equal(await store.totp.useStep(id, 100), false);
    assert.equal(await store.totp.useRecoveryCode(id, digest(1)), false);
    clock.ms += 5;
    assert.equal(await store.totp.confirm(id, { step: 100, sealedSecret: secret }, [digest(1)]), true);
    assert.deepEqual(
      { ...(await store.totp.load(id)) },
      { ...expected, confirmedAt: clock.date, lastStep: 100 },
    );
    assert.equal(await store.totp.confirm(id, { step: 101, sealedSecret: secret }, [digest(2)]), false);
    assert.equal(await store.totp.useRecoveryCode(id, digest(2)), false);
    assert.deepEqual(await auditOf(store), [audit("enabled", id)]);
  },

  "replaces an enrolment that was not confirmed, and no other": async (store) => {
    const { id } = await store.users.create({ username: "ada" });
    await store.totp.enroll(id, new Uint8Array([1]));
    await store.totp.enroll(id, new Uint8Array([2]));
    assert.deepEqual((await store.totp.load(id))?.sealedSecret, new Uint8Array([2]));
    // The code that was right belongs to the secret that it was checked with.
    const first = { step: 100, sealedSecret: new Uint8Array([1]) };
    assert.equal(await store.totp.confirm(id, first, [digest(1)]), false);
    assert.deepEqual(await auditOf(store), []);
    assert.equal(await store.totp.confirm(id, { ...first, sealedSecret: new Uint8Array([2]) }, []), true);
    await conflictOn(store, "userId", () => store.totp.enroll(id, new Uint8Array([3])));
    assert.deepEqual((await store.totp.load(id))?.sealedSecret, new Uint8Array([2]));
    assert.equal((await store.totp.load(id))?.lastStep, 100);
  },

  "uses a step once, and none before it": async (store) => {
    const id = await enrolled(store);
    for (const [step, fresh] of [
      [100, false],
      [99, false],
      [101, true],
      [101, false],
      [103, true],
      [102, false],
    ] as const) {
      assert.equal(await store.totp.useStep(id, step), fresh, String(step));
    }
    assert.equal((await store.totp.load(id))?.lastStep, 103);
    for (const step of [Number.NaN, 104.5, Number.POSITIVE_INFINITY]) {
      await assert.rejects(() => store.totp.useStep(id, step), RangeError);
      await assert.rejects(() => store.totp.confirm(id, { step, sealedSecret: secret }, []), RangeError);
    }
  },

  "lets one of many use a code": async (store) => {
    const id = await enrolled(store);
    const steps = await Promise.all(Array.from({ length: 50 }, () => store.totp.useStep(id, 200)));
    assert.equal(steps.filter(Boolean).length, 1);
    const codes = await Promise.all(
      Array.from({ length: 50 }, () => store.totp.useRecoveryCode(id, digest(1))),
    );
    assert.equal(codes.filter(Boolean).length, 1);
    assert.deepEqual(await auditOf(store), [audit("enabled", id), audit("recovery_code_used", id)]);
  },

  "confirms one of many": async (store) => {
    const { id } = await store.users.create({ username: "ada" });
    await store.totp.enroll(id, secret);
    const tries = await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        store.totp.confirm(id, { step: 100 + n, sealedSecret: secret }, [digest(n)]),
      ),
    );
    assert.equal(tries.filter(Boolean).length, 1);
    const codes = await Promise.all(
      Array.from({ length: 20 }, (_, n) => store.totp.useRecoveryCode(id, digest(n))),
    );
    assert.deepEqual(codes, tries);
  },

  "uses each recovery code of this user once": async (store) => {
    const id = await enrolled(store);
    const { id: bob } = await store.users.create({ username: "bob" });
    await store.totp.enroll(bob, secret);
    await store.totp.confirm(bob, { step: 1, sealedSecret: secret }, [digest(7), digest(7)]);
    assert.equal(await store.totp.useRecoveryCode(id, digest(7)), false);
    assert.equal(await store.totp.useRecoveryCode(id, digest(1).subarray(0, 8)), false);
    assert.equal(await store.totp.useRecoveryCode(id, new Uint8Array()), false);
    assert.equal(await store.totp.useRecoveryCode(id, digest(1)), true);
    assert.equal(await store.totp.useRecoveryCode(id, digest(1)), false);
    assert.equal(await store.totp.useRecoveryCode(id, digest(2)), true);
    assert.equal(await store.totp.useRecoveryCode(bob, digest(7)), true);
    assert.equal(await store.totp.useRecoveryCode(bob, digest(7)), false);
  },

  "is disabled, with its recovery codes": async (store) => {
    const id = await enrolled(store);
    assert.equal(await store.totp.disable(id, "7"), true);
    assert.equal(await store.totp.disable(id, "7"), false);
    assert.equal(await store.totp.load(id), undefined);
    assert.equal(await store.totp.useStep(id, 500), false);
    assert.equal(await store.totp.useRecoveryCode(id, digest(1)), false);
    assert.deepEqual(await auditOf(store), [audit("enabled", id), audit("disabled", id, "7")]);
    await store.totp.enroll(id, secret);
    assert.equal(await store.totp.useRecoveryCode(id, digest(1)), false);
    assert.equal(await store.totp.confirm(id, { step: 1, sealedSecret: secret }, []), true);
    assert.equal(await store.totp.useRecoveryCode(id, digest(1)), false);
  },

  "goes with its user, and needs one": async (store) => {
    const id = await enrolled(store);
    await store.users.delete(id);
    assert.equal(await store.totp.load(id), undefined);
    assert.equal(await store.totp.useRecoveryCode(id, digest(1)), false);
    for (const userId of [id, "99", "0", "x", "", "9223372036854775808"]) {
      await conflictOn(store, "userId", () => store.totp.enroll(userId, secret));
      assert.equal(await store.totp.load(userId), undefined);
      assert.equal(await store.totp.confirm(userId, { step: 1, sealedSecret: secret }, [digest(1)]), false);
      assert.equal(await store.totp.useStep(userId, 1), false);
      assert.equal(await store.totp.useRecoveryCode(userId, digest(1)), false);
      assert.equal(await store.totp.disable(userId, "system"), false);
    }
  },
};

/** A user with a second factor, whose last step is 100, and recovery codes 1 and 2. */
async function enrolled({ users, totp }: Store): Promise<string> {
  const { id } = await users.create({ username: "ada" });
  await totp.enroll(id, secret);
  assert.equal(await totp.confirm(id, { step: 100, sealedSecret: secret }, [digest(1), digest(2)]), true);
  return id;
}

function digest(n: number): Uint8Array {
  return new Uint8Array(32).fill(n);
}

function audit(action: string, userId: string, actor = userId) {
  return { actor, action: `totp.${action}`, target: `user:${userId}`, details: {} };
}
