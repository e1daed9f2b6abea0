import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { createRevocations, type RevocationEvent } from "../core/revocation.ts";
import { createRevocationFeed } from "../core/revocation-feed.ts";
import type { RoleDefinition } from "../core/role.ts";
import { WatchRevocationsResponseSchema } from "../gen/auth/v1/revocations_pb.ts";
import { createMemoryStore } from "../store/memory.ts";
import { createRevocationFollower } from "../store/revocation-follower.ts";
import { RevocationWatches } from "./watch-revocations.ts";

type Message = MessageInitShape<typeof WatchRevocationsResponseSchema>;

const session = (sessionId: string): RevocationEvent => ({
  kind: "session",
  sessionId,
  expiresAt: Date.now() / 1000 + 60,
});
/** What a message is about, in a few words. */
function told({ restart, roles, revocations = [], sequence, knownMs }: Message): string {
  const named = revocations.map(({ entry }) => {
    const { value, case: kind } = entry ?? {};
    return kind === "session" ? (value as { sessionId?: string }).sessionId : kind;
  });
  const parts = [
    restart === true && "restart",
    roles !== undefined && `roles ${roles.roles?.map(({ name }) => name).join()}`,
    ...named,
    sequence !== undefined && `up to ${sequence}`,
    knownMs !== undefined && "known",
  ];
  return parts.filter((part) => part !== false).join(" ");
}

const open: AbortController[] = [];
afterEach(() => {
  for (const controller of open.splice(0)) controller.abort();
});

async function setUp(options: { heartbeatMs?: number; slowMs?: number; capacity?: number } = {}) {
  const store = createMemoryStore();
  const feed = createRevocationFeed({ capacity: options.capacity });
  let roles: readonly RoleDefinition[] = [{ name: "first", permissions: [] }];
  const elapsed = { ms: 0 };
  const follower = createRevocationFollower({
    log: store.revocations,
    view: createRevocations(),
    feed,
    pollEveryMs: 2 ** 30,
    elapsed: () => elapsed.ms,
  });
  await follower.start();
  const reads = { live: 0, since: 0, roles: 0 };
  const counted = <T>(name: keyof typeof reads, value: T): T => {
    reads[name] += 1;
    return value;
  };
  const watches = new RevocationWatches({
    feed,
    log: {
      live: (now) => counted("live", store.revocations.live(now)),
      since: (sequence, limit) => counted("since", store.revocations.since(sequence, limit)),
    },
    roles: { load: () => counted("roles", roles) },
    heartbeatMs: 60_000,
    elapsed: () => elapsed.ms,
    ...options,
  });
  const watch = (after?: number) => {
    const controller = new AbortController();
    open.push(controller);
    const messages = watches.watch(after, controller.signal);
    return {
      messages,
      /** The next so many. */
      async take(count: number): Promise<readonly string[]> {
        const taken: string[] = [];
        for (let index = 0; index < count; index += 1) {
          const { value, done } = await messages.next();
          taken.push(done === true ? "end" : told(value));
        }
        return taken;
      },
      leave: () => controller.abort(),
    };
  };
  const revoke = async (...ids: string[]): Promise<void> => {
    await store.revocations.append(ids.map(session));
    await follower.catchUp();
  };
  return {
    ...{ store, feed, follower, elapsed, reads, watch, revoke },
    setRoles: (definitions: readonly RoleDefinition[]) => (roles = definitions),
  };
}

describe("WatchRevocations", () => {
  it("tells all that is live, then each entry as it comes, without asking the store for it", async () => {
    const { watch, revoke, reads } = await setUp();
    await revoke("a", "b");
    const { take } = watch();
    assert.deepEqual(await take(4), ["roles first", "restart", "a b", "roles first up to 2 known"]);
    const next = take(1);
    await revoke("c");
    assert.deepEqual(await next, ["c up to 3 known"]);
    assert.deepEqual(reads, { live: 1, since: 0, roles: 1 });
  });

  it("goes on from where a caller was, also before what is kept in memory", async () => {
    const { watch, revoke, reads } = await setUp({ capacity: 1 });
    await revoke("a", "b", "c", "d");
    assert.deepEqual(await watch(3).take(2), ["roles first", "d up to 4 known"]);
    assert.equal(reads.since, 0);
    assert.deepEqual(await watch(1).take(2), ["roles first", "b c d up to 4 known"]);
    assert.deepEqual([reads.live, reads.since], [0, 1]);
  });

  it("begins again with a caller who knows what the log does not", async () => {
    const { watch, revoke, follower, store } = await setUp();
    await revoke("a");
    for (const unknown of [2, 1000]) {
      assert.deepEqual(await watch(unknown).take(4), [
        "roles first",
        "restart",
        "a",
        "roles first up to 1 known",
      ]);
    }
    // Entries that are spent and gone may have been about what the caller remembers.
    await store.revocations.append([{ kind: "key", keyId: "k", state: "changed" }, session("b")]);
    await store.revocations.prune(new Date(Date.now() + 1), -1);
    await follower.catchUp();
    assert.equal((await watch(1).take(2))[1], "restart");
  });

  it("begins again with everybody when the log itself was lost", async () => {
    const { watch, revoke, feed } = await setUp();
    await revoke("a");
    const { take } = watch(1);
    assert.deepEqual(await take(1), ["roles first"]);
    const next = take(1);
    feed.restart(1);
    assert.deepEqual(await next, ["restart"]);
  });

  it("tells the roles before it tells that they changed, read once for all", async () => {
    const { watch, store, follower, setRoles, reads } = await setUp();
    const [one, other] = [watch(0), watch(0)];
    await Promise.all([one.take(1), other.take(1)]);
    const next = Promise.all([one.take(1), other.take(1)]);
    setRoles([{ name: "second", permissions: [] }]);
    await store.revocations.append([{ kind: "roles" }]);
    await follower.catchUp();
    assert.deepEqual(await next, [
      ["roles second roles up to 1 known"],
      ["roles second roles up to 1 known"],
    ]);
    assert.equal(reads.roles, 2);
  });

  it("says as of when it knows, counted from the beginning of the call", async () => {
    const { watch, elapsed, follower } = await setUp({ heartbeatMs: 5 });
    elapsed.ms = 1000;
    const { messages } = watch(0);
    await messages.next();
    const beat = async (): Promise<Message> => (await messages.next()).value as Message;
    assert.deepEqual(await beat(), { sequence: 0n, knownMs: -1000n });
    elapsed.ms = 4000;
    assert.deepEqual(await beat(), { sequence: 0n, knownMs: -1000n }, "the log was not read since");
    await follower.catchUp();
    assert.deepEqual(await beat(), { sequence: 0n, knownMs: 3000n });
  });

  it("says nothing of how new it is while there is more to tell", async () => {
    const { watch, revoke } = await setUp();
    await revoke(...Array.from({ length: 1200 }, (_, index) => `s${index}`));
    const { messages } = watch(0);
    const known: unknown[] = [];
    for (let index = 0; index < 4; index += 1) {
      const { value } = await messages.next();
      const sent = toBinary(
        WatchRevocationsResponseSchema,
        create(WatchRevocationsResponseSchema, value as Message),
      );
      const { sequence, knownMs } = fromBinary(WatchRevocationsResponseSchema, sent);
      known.push([sequence, knownMs !== undefined]);
    }
    assert.deepEqual(known, [
      [undefined, false],
      [500n, false],
      [1000n, false],
      [1200n, true],
    ]);
  });

  it("sends away who reads too slowly, and everybody before a shutdown", async () => {
    const { watch, elapsed, feed } = await setUp({ slowMs: 10_000 });
    const slow = watch(0);
    await slow.messages.next();
    elapsed.ms += 10_001;
    await assert.rejects(slow.messages.next(), { name: "CallError", status: "ABORTED" });
    const other = watch(0);
    await other.messages.next();
    const next = other.messages.next();
    feed.close();
    await assert.rejects(next, { name: "Refusal" });
  });

  it("ends when its caller leaves", async () => {
    const { watch } = await setUp();
    const { take, leave } = watch(0);
    await take(1);
    const next = take(1);
    leave();
    // What it may still say is a heartbeat.
    const said = await next;
    assert.ok(said[0] === "end" || said[0] === "up to 0 known", said[0]);
    assert.deepEqual(await take(1), ["end"]);
  });
});
