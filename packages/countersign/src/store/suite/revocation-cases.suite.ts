import assert from "node:assert/strict";
import type { RevocationEvent } from "../../core/revocation.ts";
import { type Cases, eventsOf, userWithKey } from "./store-case.suite.ts";

const day = 86_400;

/** One entry of each kind that ends at `expiresAt`, and then the two kinds that do not. */
function oneOfEach(expiresAt: number): RevocationEvent[] {
  return [
    { kind: "token", issuer: "https://id", jti: "j", expiresAt },
    { kind: "session", sessionId: "s", expiresAt },
    { kind: "issued-before", userId: "1", before: 1.5, expiresAt },
    { kind: "user", userId: "1", state: "disabled" },
    { kind: "key", keyId: "k", state: "changed" },
  ];
}

export const revocationCases: Cases = {
  "numbers entries from 1 and gives them back in order": async ({ revocations }) => {
    assert.equal(await revocations.head(), 0);
    assert.deepEqual(await revocations.since(0, 10), []);
    const events = oneOfEach(2_000_000_000);
    assert.equal(await revocations.append(events.slice(0, 1)), 1);
    assert.equal(await revocations.append(events.slice(1)), 5);
    assert.equal(await revocations.append([]), 5);
    assert.equal(await revocations.head(), 5);
    const all = events.map((event, index) => ({ sequence: index + 1, event }));
    assert.deepEqual(await revocations.since(0, 10), all);
    assert.deepEqual(await revocations.since(0, 2), all.slice(0, 2));
    assert.deepEqual(await revocations.since(3, 2), all.slice(3));
    assert.deepEqual(await revocations.since(5, 2), []);
    await assert.rejects(() => revocations.since(0, 0), RangeError);
  },

  "takes many entries at once": async (store) => {
    const events = Array.from(
      { length: 1203 },
      (_, n) => ({ kind: "session", sessionId: `s${n}`, expiresAt: 9e9 }) as const,
    );
    assert.equal(await store.revocations.append(events), 1203);
    assert.deepEqual(await eventsOf(store), events);
  },

  "does not know what comes after a number that it has not given": async ({ revocations }) => {
    await revocations.append(oneOfEach(2_000_000_000));
    assert.equal(await revocations.since(6, 10), undefined);
  },

  "tells what is live": async ({ revocations }, clock) => {
    const end = clock.ms / 1000;
    assert.deepEqual(await revocations.live(clock.date), { head: 0, events: [] });
    await revocations.append(oneOfEach(end));
    await revocations.append(oneOfEach(end + 0.001));
    assert.deepEqual(await revocations.live(clock.date), {
      head: 10,
      events: oneOfEach(end + 0.001).slice(0, 3),
    });
    assert.deepEqual((await revocations.live(new Date(clock.ms - 1))).events.length, 6);
    assert.deepEqual(await revocations.live(new Date(clock.ms + 1)), { head: 10, events: [] });
  },

  "tells what is live in portions, in order, up to a head": async ({ revocations }, clock) => {
    const end = clock.ms / 1000 + 60;
    for (let turn = 0; turn < 3; turn += 1) await revocations.append(oneOfEach(end));
    const page = async (after: number, head: number, limit: number) =>
      (await revocations.livePage(clock.date, { after, head, limit })).map(({ sequence }) => sequence);
    assert.deepEqual(await page(0, 15, 4), [1, 2, 3, 6]);
    assert.deepEqual(await page(6, 15, 4), [7, 8, 11, 12]);
    assert.deepEqual(await page(12, 15, 4), [13]);
    assert.deepEqual(await page(0, 7, 100), [1, 2, 3, 6, 7]);
    assert.deepEqual(
      (await revocations.livePage(clock.date, { after: 0, head: 1, limit: 1 }))[0]?.event,
      oneOfEach(end)[0],
    );
    assert.deepEqual(await page(0, 0, 10), []);
    await assert.rejects(() => page(0, 15, 0), RangeError);
  },

  "prunes what is old and spent, and knows that it did": async ({ revocations }, clock) => {
    const end = clock.ms / 1000;
    await revocations.append(oneOfEach(end + 3 * day));
    clock.ms += 2 * day * 1000;
    await revocations.append(oneOfEach(end));
    await revocations.prune(clock.date, day);
    // Of the first five, three are live and the last two old news; the others are spent, but young.
    assert.equal(await revocations.head(), 10);
    for (const sequence of [0, 3, 4]) assert.equal(await revocations.since(sequence, 10), undefined);
    assert.equal(await revocations.since(0, 2), undefined, "also if the page itself has no gap");
    assert.deepEqual(
      (await revocations.since(5, 10))?.map(({ sequence }) => sequence),
      [6, 7, 8, 9, 10],
    );
    assert.equal((await revocations.live(clock.date)).events.length, 3);
    await revocations.prune(clock.date, day);
    assert.equal((await revocations.since(5, 10))?.length, 5);
    clock.ms += 2 * day * 1000;
    await revocations.prune(clock.date, day);
    assert.deepEqual(await revocations.live(clock.date), { head: 10, events: [] });
    assert.equal(await revocations.since(9, 10), undefined);
    assert.deepEqual(await revocations.since(10, 10), []);
    assert.equal(await revocations.append(oneOfEach(end).slice(0, 1)), 11);
    assert.equal((await revocations.since(10, 10))?.[0]?.sequence, 11);
  },

  "does not forget a gap when an earlier entry goes later": async ({ revocations }, clock) => {
    await revocations.append(oneOfEach(clock.ms / 1000 + 3 * day).slice(2));
    await revocations.append(oneOfEach(clock.ms / 1000 + 9 * day).slice(0, 1));
    for (const later of [2 * day, 2 * day]) {
      clock.ms += later * 1000;
      await revocations.prune(clock.date, day);
      for (const sequence of [0, 1, 2]) assert.equal(await revocations.since(sequence, 1), undefined);
      assert.deepEqual((await revocations.since(3, 1))?.[0]?.sequence, 4);
    }
    assert.equal((await revocations.live(clock.date)).events.length, 1);
  },

  "prunes more than one transaction takes": async ({ revocations }, clock) => {
    const events = Array.from(
      { length: 12_001 },
      () => ({ kind: "session", sessionId: "s", expiresAt: 1 }) as const,
    );
    await revocations.append(events);
    await revocations.append([{ kind: "session", sessionId: "live", expiresAt: 9e9 }]);
    clock.ms += 1;
    await revocations.prune(clock.date, 0);
    assert.equal(await revocations.since(12_000, 10), undefined);
    assert.equal((await revocations.since(12_001, 10))?.length, 1);
  },

  "keeps what is exactly at the limits": async ({ revocations }, clock) => {
    const end = clock.ms / 1000;
    await revocations.append(oneOfEach(end + day).slice(0, 1));
    clock.ms += day * 1000;
    await revocations.prune(clock.date, day);
    assert.equal((await revocations.since(0, 10))?.length, 1);
    clock.ms += 1;
    await revocations.prune(clock.date, day);
    assert.equal(await revocations.since(0, 10), undefined);
  },

  "refuses instants that cannot be stored, and appends nothing": async (store) => {
    const good = { kind: "session", sessionId: "s", expiresAt: 1 } as const;
    for (const expiresAt of [Number.NaN, Number.POSITIVE_INFINITY]) {
      const bad = { kind: "session", sessionId: "s", expiresAt } as const;
      await assert.rejects(() => store.revocations.append([good, bad]), TypeError);
    }
    assert.equal(await store.revocations.head(), 0);
    assert.equal(await store.revocations.append([good]), 1);
  },

  "shares no entry with anyone": async (store) => {
    const event = { kind: "session", sessionId: "s", expiresAt: 9e9 };
    await store.revocations.append([event as RevocationEvent]);
    event.sessionId = "other";
    const [entry] = await eventsOf(store);
    assert.deepEqual(entry, { kind: "session", sessionId: "s", expiresAt: 9e9 });
    assert.ok(Object.isFrozen(entry));
  },

  "numbers the events of changes in the same row": async (store) => {
    const { user } = await userWithKey(store);
    await store.users.update(user.id, { isStaff: true });
    assert.equal(await store.revocations.append(oneOfEach(9e9)), 6);
    await store.apiKeys.setDisabled("k1", true);
    assert.equal(await store.revocations.head(), 7);
    assert.deepEqual((await store.revocations.since(6, 9))?.[0], {
      sequence: 7,
      event: { kind: "key", keyId: "k1", state: "changed" },
    });
  },
};
