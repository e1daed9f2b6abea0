import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { ClientError } from "./client-error.ts";
import { locking, sessionServer } from "./session.suite.ts";
import { createSession } from "./session.ts";
import { memoryTokenStore } from "./token-store.ts";

const stores = [
  ["with a lock", () => locking(memoryTokenStore())],
  ["without a lock", () => memoryTokenStore()],
] as const;

/** Ada is logged in, and her refresh has been done at the server: its answer is on its way until `release()`. */
async function renewing(store = memoryTokenStore()) {
  const clock = { now: 0 };
  const ended: unknown[] = [];
  const server = sessionServer();
  const { state, calls } = server;
  const session = createSession(calls, { store, now: () => clock.now, onEnd: (why) => ended.push(why) });
  await session.login({ username: "ada", password: "x" });
  const { promise, resolve: release } = Promise.withResolvers<void>();
  state.hold.refresh = promise;
  clock.now += 90_000;
  assert.equal(session.value(), "Bearer ada-a1");
  await turn();
  assert.deepEqual(server.asked, ["login ada", "refresh ada-r1"]);
  state.hold = {};
  return { ...server, session, store, clock, ended, release };
}

for (const [kind, make] of stores)
  describe(`a refresh that comes late, ${kind}`, () => {
    it("SECURITY: does not make a session another user's", async () => {
      const { session, store, release, clock } = await renewing(make());
      await session.login({ username: "bob", password: "x" });
      release();
      await turn();
      assert.equal((await store.load())?.refreshToken, "bob-r1");
      assert.equal(session.value(), "Bearer bob-a1");
      clock.now += 99_000;
      assert.equal(await session.value(), "Bearer bob-a2");
    });

    it("SECURITY: does not log in again who has logged out", async () => {
      const { session, store, release, asked, open } = await renewing(make());
      await session.logout();
      assert.equal(await session.isLoggedIn(), false);
      release();
      await turn();
      assert.equal(await session.isLoggedIn(), false);
      assert.equal(await store.load(), undefined);
      await assert.rejects(async () => session.value(), { code: 16, message: "Not logged in" });
      assert.deepEqual([asked.slice(2), [...open]], [["logout Bearer ada-a1"], []]);
    });

    it("is ended at the server too, where the logout did not get there", async () => {
      const { session, state, release, asked, open } = await renewing(make());
      state.refusal = new ClientError(14, "no connection");
      await assert.rejects(session.logout(), { code: 14 });
      state.refusal = undefined;
      release();
      await turn();
      assert.deepEqual(asked.slice(2), ["logout Bearer ada-a1", "logout Bearer ada-a2"]);
      assert.deepEqual([...open], []);
      assert.equal(await session.isLoggedIn(), false);
    });

    it("is not what calls of another user get that waited for it", async () => {
      const { session, release, clock } = await renewing(make());
      clock.now += 9500;
      const waiting = session.value();
      const refused = session.another("Bearer ada-a1");
      await session.login({ username: "bob", password: "x" });
      await assert.rejects(async () => waiting, { code: 14, message: "Somebody has logged in since" });
      await assert.rejects(refused, { code: 14 });
      release();
      assert.equal(await session.value(), "Bearer bob-a1");
    });

    it("ends nothing by being refused", async () => {
      const { session, store, state, clock, ended } = await renewing(make());
      const { promise, resolve } = Promise.withResolvers<void>();
      await session.login({ username: "bob", password: "x" });
      clock.now += 90_000;
      state.hold.refresh = promise.then(() => {
        throw new ClientError(16, "Token revoked", "TOKEN_REVOKED");
      });
      void session.value();
      await turn();
      await session.login({ username: "cy", password: "x" });
      resolve();
      await turn();
      assert.deepEqual([session.value(), ended], ["Bearer cy-a1", []]);
      assert.equal((await store.load())?.refreshToken, "cy-r1");
    });

    it("does not take the place of what another process has put there", async () => {
      const { session, store, release, calls, clock, open } = await renewing(
        kind === "with a lock" ? memoryTokenStore() : make(),
      );
      const other = createSession(calls, { store, now: () => clock.now });
      await other.login({ username: "bob", password: "x" });
      release();
      await turn();
      assert.equal((await store.load())?.refreshToken, "bob-r1");
      await other.logout();
      await turn();
      assert.deepEqual([...open.keys()], ["ada"]);
      clock.now += 11_000;
      await assert.rejects(async () => session.another("Bearer bob-a1"), { message: "Not logged in" });
    });
  });

describe("logins and logouts at the same time", () => {
  it("come about in the order in which they were asked for", async () => {
    const { calls, state, open } = sessionServer();
    const session = createSession(calls);
    const { promise, resolve } = Promise.withResolvers<void>();
    state.hold.login = promise;
    const early = session.login({ username: "ada", password: "x" });
    state.hold = {};
    await session.login({ username: "bob", password: "x" });
    resolve();
    await assert.rejects(early, { code: 10 });
    assert.equal(session.value(), "Bearer bob-a1");
    await turn();
    assert.deepEqual([...open.keys()], ["bob"], "nobody can use the other one");
  });

  it("leave nobody logged in whose login was overtaken by a logout", async () => {
    const { calls, state } = sessionServer();
    const session = createSession(calls);
    const { promise, resolve } = Promise.withResolvers<void>();
    state.hold.login = promise;
    const early = session.login({ username: "ada", password: "x" });
    await session.logout();
    resolve();
    await assert.rejects(early, { code: 10 });
    assert.equal(await session.isLoggedIn(), false);
  });

  it("do not log out who logs in after the logout", async () => {
    const { calls, state, open } = sessionServer();
    const session = createSession(calls);
    await session.login({ username: "ada", password: "x" });
    const { promise, resolve } = Promise.withResolvers<void>();
    state.hold.logout = promise;
    const leaving = session.logout();
    await session.login({ username: "bob", password: "x" });
    resolve();
    await leaving;
    assert.equal(session.value(), "Bearer bob-a1");
    assert.equal(await session.isLoggedIn(), true);
    assert.deepEqual([...open.keys()], ["bob"]);
  });

  it("tell nobody that the server has ended what is being logged out", async () => {
    const { calls, state } = sessionServer();
    const ended: unknown[] = [];
    const session = createSession(calls, { onEnd: (why) => ended.push(why) });
    await session.login({ username: "ada", password: "x" });
    const { promise, resolve } = Promise.withResolvers<void>();
    state.hold.logout = promise;
    const leaving = session.logout();
    await turn();
    await assert.rejects(session.another("Bearer ada-a1"), { code: 16 });
    resolve();
    await leaving;
    assert.deepEqual([ended, await session.isLoggedIn()], [[], false]);
  });

  it("end a session whose token is over by the server's clock alone", async () => {
    const { calls, open, asked } = sessionServer();
    const logout: typeof calls.logout = async (header) => {
      if (header[1] === "Bearer ada-a1") throw new ClientError(16, "Token expired", "TOKEN_EXPIRED");
      await calls.logout(header);
    };
    const session = createSession({ ...calls, logout });
    await session.login({ username: "ada", password: "x" });
    await session.logout();
    assert.deepEqual(asked.slice(1), ["refresh ada-r1", "logout Bearer ada-a2"]);
    assert.deepEqual([open.size, await session.isLoggedIn()], [0, false]);
  });

  it("SECURITY: do not make a call once more for somebody else", async () => {
    const { calls } = sessionServer();
    const session = createSession(calls);
    await session.login({ username: "ada", password: "x" });
    await session.login({ username: "bob", password: "x" });
    assert.equal(await session.another("Bearer ada-a1"), undefined);
    assert.equal(await session.another("Bearer bob-a1"), "Bearer bob-a2");
  });
});
