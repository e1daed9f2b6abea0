import assert from "node:assert/strict";
import type { NewSigningKey } from "../session-contracts.ts";
import { auditOf } from "./session-case.suite.ts";
import { type Cases, conflictOn, eventsOf, type TestClock } from "./store-case.suite.ts";

const lifetimeSeconds = 900;
/** For so long a key is kept that signs no more, in milliseconds: the lifetime of its tokens, and five minutes. */
const kept = (lifetimeSeconds + 300) * 1000;

/** A key that signs from a second on. */
export function newSigningKey(
  kid: string,
  { ms }: TestClock,
  more: Partial<NewSigningKey> = {},
): NewSigningKey {
  const sealedKey = new Uint8Array([0, 255, 0, 7]);
  const publicJwk = '{"kty":"OKP"}';
  const activeFrom = new Date(ms + 1000);
  return { kid, algorithm: "EdDSA", publicJwk, sealedKey, lifetimeSeconds, activeFrom, ...more };
}

export const signingKeyCases: Cases = {
  "gives back what was created": async (store, clock) => {
    const sealedKey = new Uint8Array([0, 255, 0, 7]);
    const key = await store.signingKeys.rotate(newSigningKey("k1", clock, { sealedKey }), "retire", "7");
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
    const shared = newSigningKey("k2", clock, { publicJwk: undefined });
    assert.equal((await store.signingKeys.rotate(shared, "retire", "system")).publicJwk, undefined);
    const created = { algorithm: "EdDSA", activeFrom: at(clock, 1000) };
    const retired = { retiredAt: at(clock, 1000), removedAt: at(clock, 1000 + kept) };
    assert.deepEqual(await auditOf(store), [
      { actor: "7", action: "signing_key.created", target: "signing_key:k1", details: created },
      { actor: "system", action: "signing_key.retired", target: "signing_key:k1", details: retired },
      { actor: "system", action: "signing_key.created", target: "signing_key:k2", details: created },
    ]);
  },

  "makes one first key, however many ask": async (store, clock) => {
    const { signingKeys } = store;
    const made = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        signingKeys.createFirst(newSigningKey(`k${index}`, clock), "system"),
      ),
    );
    assert.equal(made.filter((key) => key !== undefined).length, 1);
    assert.equal((await signingKeys.list(clock.date)).length, 1);
    assert.equal((await auditOf(store)).length, 1);
  },

  "never takes a kid twice": async (store, clock) => {
    const { signingKeys } = store;
    const again = newSigningKey("k1", clock);
    await signingKeys.createFirst(again, "7");
    await signingKeys.remove("k1", newSigningKey("k2", clock), "7");
    for (const others of ["retire", "remove"] as const) {
      await conflictOn(store, "kid", () => signingKeys.rotate(again, others, "7"));
    }
    await conflictOn(store, "kid", () => signingKeys.createFirst(again, "7"));
    await conflictOn(store, "kid", () => signingKeys.remove("k2", again, "7"));
    const made = await Promise.allSettled(
      Array.from({ length: 20 }, () => signingKeys.rotate(newSigningKey("k3", clock), "retire", "7")),
    );
    assert.equal(made.filter(({ status }) => status === "fulfilled").length, 1);
  },

  "lists oldest first, without what is removed": async ({ signingKeys }, clock) => {
    for (const kid of ["c", "b", "a"]) {
      await signingKeys.rotate(newSigningKey(kid, clock), "retire", "7");
      if (kid === "c") clock.ms += 1;
    }
    const found = async (after: number) =>
      (await signingKeys.list(new Date(clock.ms + after))).map(({ kid }) => kid).join();
    // c signed until a second after b was made, by then b had been succeeded by a.
    assert.equal(await found(0), "c,a,b");
    assert.equal(await found(1000 + kept - 1), "c,a,b");
    assert.equal(await found(1000 + kept), "a");
  },

  "retires what a rotation succeeds, and only moves that forward": async ({ signingKeys }, clock) => {
    const ends = async () =>
      (await signingKeys.list(clock.date)).map(({ kid, retiredAt, removedAt }) => [
        kid,
        after(clock, retiredAt),
        after(clock, removedAt),
      ]);
    const signsAfter = (ms: number) => ({ activeFrom: new Date(clock.ms + ms) });
    await signingKeys.rotate(newSigningKey("k1", clock, signsAfter(0)), "retire", "7");
    await signingKeys.rotate(newSigningKey("k2", clock, signsAfter(500)), "retire", "7");
    await signingKeys.rotate(newSigningKey("k3", clock, signsAfter(900)), "retire", "7");
    assert.deepEqual(await ends(), [
      ["k1", 500, 500 + kept],
      ["k2", 900, 900 + kept],
      ["k3", undefined, undefined],
    ]);
    await signingKeys.rotate(newSigningKey("k4", clock, signsAfter(200)), "retire", "7");
    assert.deepEqual(
      (await ends()).map(([, retired]) => retired),
      [200, 200, 200, undefined],
    );
  },

  "keeps a key for the longest-lived token that it signs": async ({ signingKeys }, clock) => {
    await signingKeys.createFirst(newSigningKey("k1", clock, { activeFrom: clock.date }), "7");
    assert.equal(await signingKeys.extend("k1", 86_400), true);
    assert.equal(await signingKeys.extend("k1", 60), true);
    await signingKeys.rotate(newSigningKey("k2", clock), "retire", "7");
    const removedAt = async () => after(clock, (await signingKeys.list(clock.date))[0]?.removedAt);
    assert.equal(await removedAt(), 1000 + (86_400 + 300) * 1000);
    // It still signs, for another second.
    assert.equal(await signingKeys.extend("k1", 90_000), true);
    assert.equal(await removedAt(), 1000 + (90_000 + 300) * 1000);
    clock.ms += 1000;
    assert.equal(await signingKeys.extend("k1", 100_000), false);
    assert.equal(await signingKeys.extend("nope", 1), false);
    assert.equal((await signingKeys.list(clock.date))[0]?.lifetimeSeconds, 90_000);
  },

  "removes at once, for ever, and tells the revocation log": async (store, clock) => {
    const { signingKeys } = store;
    await signingKeys.createFirst(newSigningKey("k1", clock, { activeFrom: clock.date }), "7");
    await signingKeys.rotate(newSigningKey("k2", clock, { activeFrom: clock.date }), "retire", "7");
    const removed = await signingKeys.remove("k1", newSigningKey("k3", clock), "8");
    assert.deepEqual([removed?.retiredAt, removed?.removedAt], [clock.date, clock.date]);
    const event = { kind: "signing-key", kid: "k1", expiresAt: clock.ms / 1000 + lifetimeSeconds + 300 };
    assert.deepEqual(await eventsOf(store), [event]);
    // The other one signs already.
    assert.deepEqual(await kids(store, clock), ["k2"]);
    assert.deepEqual((await auditOf(store)).at(-1), {
      actor: "8",
      action: "signing_key.removed",
      target: "signing_key:k1",
      details: {},
    });
    // Said again, it changes nothing.
    clock.ms += 5000;
    assert.deepEqual(await signingKeys.remove("k1", newSigningKey("k3", clock), "9"), removed);
    assert.equal((await eventsOf(store)).length, 1);
    assert.equal(await signingKeys.remove("nope", newSigningKey("k3", clock), "9"), undefined);
    assert.equal(await signingKeys.extend("k1", 90_000), false);
    assert.deepEqual(await kids(store, clock), ["k2"]);
  },

  "removes no key without another that signs": async (store, clock) => {
    const { signingKeys } = store;
    const now = { activeFrom: clock.date };
    await signingKeys.createFirst(newSigningKey("k1", clock, now), "7");
    await signingKeys.remove("k1", newSigningKey("k2", clock, now), "7");
    assert.deepEqual(await kids(store, clock), ["k2"]);
    // The successor is not there yet, so that it is not waited for.
    await signingKeys.rotate(newSigningKey("k3", clock), "retire", "7");
    await signingKeys.remove("k2", newSigningKey("k4", clock, now), "7");
    const [k3, k4] = await signingKeys.list(clock.date);
    assert.deepEqual([k3?.kid, k3?.retiredAt, k4?.kid, k4?.retiredAt], ["k3", clock.date, "k4", undefined]);
    // Without its successor, a key that is about to retire would leave nothing behind.
    await signingKeys.rotate(newSigningKey("k5", clock), "retire", "7");
    await signingKeys.remove("k5", newSigningKey("k6", clock), "7");
    const last = (await signingKeys.list(clock.date)).at(-1);
    assert.deepEqual([last?.kid, last?.retiredAt], ["k6", undefined]);
  },

  "lets a new key take the place of all others at once": async (store, clock) => {
    const { signingKeys } = store;
    for (const kid of ["k1", "k2"]) await signingKeys.rotate(newSigningKey(kid, clock), "retire", "7");
    await signingKeys.rotate(newSigningKey("k3", clock), "remove", "7");
    assert.deepEqual(await kids(store, clock), ["k3"]);
    assert.deepEqual(
      (await eventsOf(store)).map((event) => event.kind === "signing-key" && event.kid),
      ["k1", "k2"],
    );
  },

  "refuses dates and lifetimes that are none": async ({ signingKeys }, clock) => {
    for (const wrong of [
      { activeFrom: new Date(Number.NaN) },
      { lifetimeSeconds: 0 },
      { lifetimeSeconds: 1.5 },
    ]) {
      const key = newSigningKey("k1", clock, wrong);
      await assert.rejects(() => signingKeys.createFirst(key, "7"), TypeError);
      await assert.rejects(() => signingKeys.rotate(key, "remove", "7"), TypeError);
    }
    await assert.rejects(() => signingKeys.extend("k1", -1), TypeError);
    assert.deepEqual(await signingKeys.list(clock.date), []);
  },
};

async function kids({ signingKeys }: Parameters<Cases[string]>[0], clock: TestClock): Promise<string[]> {
  return (await signingKeys.list(clock.date)).map(({ kid }) => kid);
}

function at({ ms }: TestClock, afterMs: number): string {
  return new Date(ms + afterMs).toISOString();
}

function after({ ms }: TestClock, date: Date | undefined): number | undefined {
  return date && date.getTime() - ms;
}

function plain<T extends object>(record: T): T {
  return { ...record };
}
