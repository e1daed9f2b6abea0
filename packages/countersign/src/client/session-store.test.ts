import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { ClientError } from "./client-error.ts";
import { locking, sessionServer } from "./session.suite.ts";
import { createSession, type SessionOptions } from "./session.ts";
import { memoryTokenStore, type TokenStore } from "./token-store.ts";

/** A session whose store can be made to fail. */
function failing(options: SessionOptions = {}) {
  const clock = { now: 0 };
  const fault: Partial<Record<"load" | "save" | "lock", Error | undefined>> = {};
  const memory = memoryTokenStore();
  const tries = { save: 0 };
  const locked = locking({
    load() {
      if (fault.load !== undefined) throw fault.load;
      return memory.load();
    },
    async save(tokens) {
      tries.save += 1;
      if (fault.save !== undefined) throw fault.save;
      await memory.save(tokens);
    },
  });
  const store: TokenStore = {
    ...locked,
    async alone<R>(work: () => Promise<R>): Promise<R> {
      if (fault.lock !== undefined) throw fault.lock;
      return (await locked.alone?.(work)) as R;
    },
  };
  const told: ClientError[] = [];
  const server = sessionServer();
  const session = createSession(server.calls, {
    store,
    now: () => clock.now,
    onError: (error) => told.push(error),
    ...options,
  });
  return { ...server, session, memory, store, clock, fault, told, tries };
}

const full = new Error("ENOSPC: /home/ada/session.json");

describe("a session whose store fails", () => {
  it("goes on with what it could not save, saves it later, and says so once", async () => {
    const { session, clock, fault, memory, told, asked, tries } = failing();
    await session.login({ username: "ada", password: "x" });
    fault.save = full;
    clock.now += 99_000;
    assert.equal(await session.value(), "Bearer ada-a2");
    assert.deepEqual(
      told.map(({ code, message, cause }) => [code, message, cause]),
      [[14, "The tokens could not be stored", full]],
    );
    clock.now += 99_000;
    assert.equal(await session.value(), "Bearer ada-a3", "not with a refresh token that is used up");
    assert.deepEqual(asked.slice(1), ["refresh ada-r1", "refresh ada-r2"]);
    assert.equal(told.length, 1);
    const before = tries.save;
    void session.value();
    await turn();
    assert.equal(tries.save, before, "it is left alone for a second");
    clock.now += 1000;
    void session.value();
    await turn();
    assert.equal(tries.save, before + 1);
    fault.save = undefined;
    clock.now += 1000;
    void session.value();
    await turn();
    assert.equal((await memory.load())?.refreshToken, "ada-r3");
    assert.equal(asked.length, 3);
  });

  it("keeps nothing that another process has gone on from", async () => {
    const { session, clock, fault, memory, calls } = failing();
    await session.login({ username: "ada", password: "x" });
    fault.save = full;
    clock.now += 99_000;
    await session.value();
    fault.save = undefined;
    const other = createSession(calls, { store: memory, now: () => clock.now });
    await other.login({ username: "bob", password: "x" });
    clock.now += 1000;
    void session.value();
    await turn();
    assert.equal((await memory.load())?.refreshToken, "bob-r1");
  });

  it("is logged in though the login could not be saved", async () => {
    const { session, fault, told, memory, clock } = failing();
    await memory.save({ accessToken: "old-a1", refreshToken: "old-r1", expiresAt: 1e9 });
    fault.save = full;
    await session.login({ username: "ada", password: "x" });
    assert.equal(session.value(), "Bearer ada-a1");
    assert.equal(await session.another("Bearer ada-a1"), "Bearer ada-a2");
    assert.equal(told.length, 1);
    fault.save = undefined;
    clock.now += 1000;
    assert.equal(await session.isLoggedIn(), true);
    await turn();
    assert.equal((await memory.load())?.refreshToken, "ada-r2");
  });

  it("tells with its own error what it cannot read or lock, and not as whoever was there", async () => {
    for (const [what, message] of [
      ["load", "The tokens could not be read"],
      ["lock", "The tokens could not be locked"],
    ] as const) {
      const { session, clock, fault } = failing();
      await session.login({ username: "ada", password: "x" });
      fault[what] = full;
      clock.now += 97_000;
      assert.equal(await session.value(), "Bearer ada-a1", "it is still good");
      clock.now += 4000;
      await assert.rejects(
        async () => session.value(),
        (error) => {
          assert.ok(error instanceof ClientError);
          assert.deepEqual([error.code, error.message, error.cause], [14, message, full]);
          return true;
        },
      );
      fault[what] = undefined;
      assert.equal(await session.value(), "Bearer ada-a2");
    }
  });

  it("is logged out, and says that its tokens are still there", async () => {
    const { session, fault, memory, clock, open } = failing();
    await session.login({ username: "ada", password: "x" });
    fault.save = full;
    await assert.rejects(session.logout(), { name: "ClientError", code: 14 });
    assert.deepEqual([await session.isLoggedIn(), open.size], [false, 0]);
    await assert.rejects(async () => session.value(), { message: "Not logged in" });
    fault.save = undefined;
    clock.now += 1000;
    await session.isLoggedIn();
    await turn();
    assert.equal(await memory.load(), undefined);
  });
});

describe("a session's hooks", () => {
  for (const [how, fail] of [
    [
      "throws",
      () => {
        throw new Error("of the hook");
      },
    ],
    ["rejects", async () => Promise.reject(new Error("of the hook"))],
  ] as const)
    it(`change nothing where one ${how}`, async () => {
      const unhandled: unknown[] = [];
      const hear = (error: unknown): unknown => unhandled.push(error);
      process.on("unhandledRejection", hear);
      try {
        const { session, fault, clock, open } = failing({ onEnd: fail, onError: fail });
        fault.save = full;
        await session.login({ username: "ada", password: "x" });
        open.clear();
        clock.now += 101_000;
        await assert.rejects(async () => session.value(), { code: 16, reason: "TOKEN_REVOKED" });
        assert.equal(await session.isLoggedIn(), false);
        await turn();
        await turn();
        assert.deepEqual(unhandled, []);
      } finally {
        process.off("unhandledRejection", hear);
      }
    });
});
