import assert from "node:assert/strict";
import type { NewSigningKey } from "../session-contracts.ts";
import { auditOf } from "./session-case.suite.ts";
import { type Cases, conflictOn, type TestClock } from "./store-case.suite.ts";

function newSigningKey(kid: string, { ms }: TestClock, more: Partial<NewSigningKey> = {}): NewSigningKey {
  const sealedKey = new Uint8Array([0, 255, 0, 7]);
  const publicJwk = '{"kty":"OKP"}';
  return { kid, algorithm: "EdDSA", publicJwk, sealedKey, activeFrom: new Date(ms + 1000), ...more };
}

export const signingKeyCases: Cases = {
  "gives back what was created": async (store, clock) => {
    const sealedKey = new Uint8Array([0, 255, 0, 7]);
    const key = await store.signingKeys.create(newSigningKey("k1", clock, { sealedKey }), "7");
    const expected = {
      ...newSigningKey("k1", clock),
      createdAt: clock.date,
      retiredAt: undefined,
      removedAt: undefined,
    };
    assert.deepEqual({ ...key }, expected);
    sealedKey.fill(9);
    key.sealedKey.fill(9);
    key.activeFrom.setTime(0);
    assert.ok(Object.isFrozen(key));
    assert.deepEqual((await store.signingKeys.list(clock.date)).map(plain), [expected]);
    const shared = await store.signingKeys.create(
      newSigningKey("k2", clock, { publicJwk: undefined }),
      "system",
    );
    assert.equal(shared.publicJwk, undefined);
    const details = { algorithm: "EdDSA", activeFrom: new Date(clock.ms + 1000).toISOString() };
    assert.deepEqual(await auditOf(store), [
      { actor: "7", action: "signing_key.created", target: "signing_key:k1", details },
      { actor: "system", action: "signing_key.created", target: "signing_key:k2", details },
    ]);
  },

  "never takes a kid twice": async (store, clock) => {
    const { signingKeys } = store;
    await signingKeys.create(newSigningKey("k1", clock), "7");
    await conflictOn(store, "kid", () => signingKeys.create(newSigningKey("k1", clock), "7"));
    await signingKeys.retire("k1", { retiredAt: clock.date, removedAt: clock.date }, "7");
    await conflictOn(store, "kid", () => signingKeys.create(newSigningKey("k1", clock), "7"));
    const made = await Promise.allSettled(
      Array.from({ length: 20 }, () => signingKeys.create(newSigningKey("k2", clock), "7")),
    );
    assert.equal(made.filter(({ status }) => status === "fulfilled").length, 1);
  },

  "lists oldest first, without what is removed": async ({ signingKeys }, clock) => {
    for (const kid of ["c", "b", "a"]) {
      await signingKeys.create(newSigningKey(kid, clock), "7");
      if (kid === "c") clock.ms += 1;
    }
    const removedAt = new Date(clock.ms + 10);
    await signingKeys.retire("b", { retiredAt: clock.date, removedAt }, "7");
    const found = async (after: number) =>
      (await signingKeys.list(new Date(clock.ms + after))).map(({ kid }) => kid).join();
    assert.deepEqual([await found(0), await found(9), await found(10)], ["c,a,b", "c,a,b", "c,a"]);
  },

  "retires, and only moves that forward": async (store, clock) => {
    const { signingKeys } = store;
    const key = await signingKeys.create(newSigningKey("k1", clock), "7");
    const at = (retired: number, removed: number) => ({
      retiredAt: new Date(clock.ms + retired),
      removedAt: new Date(clock.ms + removed),
    });
    assert.deepEqual(await signingKeys.retire("k1", at(10, 100), "7"), { ...key, ...at(10, 100) });
    assert.deepEqual(await signingKeys.retire("k1", at(20, 200), "8"), { ...key, ...at(10, 100) });
    assert.deepEqual(await signingKeys.retire("k1", at(20, 50), "8"), { ...key, ...at(10, 50) });
    // Leaked: removed at once.
    assert.deepEqual(await signingKeys.retire("k1", at(20, 5), "8"), { ...key, ...at(5, 5) });
    assert.deepEqual(await signingKeys.list(clock.date), [{ ...key, ...at(5, 5) }]);
    assert.equal(await signingKeys.retire("nope", at(1, 2), "7"), undefined);
    const actions = (await auditOf(store)).map(({ actor, action }) => `${actor} ${action}`);
    assert.deepEqual(actions, [
      "7 signing_key.created",
      "7 signing_key.retired",
      "8 signing_key.retired",
      "8 signing_key.retired",
    ]);
    assert.deepEqual((await auditOf(store)).at(-1)?.details, {
      retiredAt: new Date(clock.ms + 5).toISOString(),
      removedAt: new Date(clock.ms + 5).toISOString(),
    });
  },

  "refuses dates that are none": async ({ signingKeys }, clock) => {
    const never = new Date(Number.NaN);
    await assert.rejects(
      () => signingKeys.create(newSigningKey("k1", clock, { activeFrom: never }), "7"),
      TypeError,
    );
    await signingKeys.create(newSigningKey("k1", clock), "7");
    for (const at of [
      { retiredAt: never, removedAt: clock.date },
      { retiredAt: clock.date, removedAt: never },
    ]) {
      await assert.rejects(() => signingKeys.retire("k1", at, "7"), TypeError);
    }
    assert.equal((await signingKeys.list(clock.date))[0]?.retiredAt, undefined);
  },
};

function plain<T extends object>(record: T): T {
  return { ...record };
}
