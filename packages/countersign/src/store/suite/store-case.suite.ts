import assert from "node:assert/strict";
import type { RevocationEvent } from "../../core/revocation.ts";
import type { FakeClock } from "../../testing/fake-clock.ts";
import { type ApiKeyRecord, Conflict, type NewApiKey, type Store, type UserRecord } from "../contracts.ts";

export { FakeClock as TestClock } from "../../testing/fake-clock.ts";

/** Tests of a new empty store, by what they show. */
export type Cases = Readonly<Record<string, (store: Store, clock: FakeClock) => Promise<void>>>;

export function newKey(id: string, userId: string, more: Partial<NewApiKey> = {}): NewApiKey {
  const digest = new Uint8Array([1, 2, 3]);
  return { id, name: `name of ${id}`, type: "service", userId, digest, pepperId: "p1", ...more };
}

/** What a record says of a key that has nothing of it. */
export const plainKey = Object.freeze({
  prefix: "",
  addressRanges: [],
  methods: [],
  callLimits: [],
  tags: [],
  updatedAt: undefined,
  rotatedAt: undefined,
  graceEndsAt: undefined,
  replacedBy: undefined,
  replaces: undefined,
  lastUsedAddress: undefined,
  lastUsedAgent: undefined,
});

/** A plain user and a key of theirs. */
export async function userWithKey(store: Store): Promise<{ user: UserRecord; key: ApiKeyRecord }> {
  const user = await store.users.create({ username: "ada" });
  return { user, key: await store.apiKeys.create(newKey("k1", user.id)) };
}

/** All events of the log so far. */
export async function eventsOf(store: Store): Promise<readonly RevocationEvent[]> {
  const entries = await store.revocations.since(0, 100_000);
  assert.ok(entries);
  return entries.map(({ event }) => event);
}

/** The work must be refused for that field, and leave neither an event nor an audit row behind. */
export async function conflictOn(store: Store, field: string, work: () => Promise<unknown>): Promise<void> {
  const before = await logged(store);
  await assert.rejects(work, (error) => {
    assert.ok(error instanceof Conflict, String(error));
    assert.equal(error.field, field);
    return true;
  });
  assert.deepEqual(await logged(store), before);
}

async function logged({ revocations, audit }: Store): Promise<readonly unknown[]> {
  return [await revocations.head(), await audit.list({ limit: 1 })];
}
