import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ClientError } from "./client-error.ts";
import { apiKey, apiKeyFrom, bearer } from "./credential.ts";
import { createSession, type SessionCalls } from "./session.ts";
import { memoryTokenStore, type TokenStore } from "./token-store.ts";

/** A server whose refresh tokens r1, r2, … are each good for once. */
function server() {
  let last = 1;
  const asked: string[] = [];
  const state: { refusal: ClientError | undefined } = { refusal: undefined };
  const pair = (number: number) => ({
    accessToken: `a${number}`,
    refreshToken: `r${number}`,
    expiresIn: 100n,
  });
  const calls: SessionCalls = {
    async login({ password }) {
      if (password !== "right") throw new ClientError(16, "Invalid credentials", "LOGIN_FAILED");
      return pair(last);
    },
    async refresh(token) {
      asked.push(token);
      await Promise.resolve();
      if (state.refusal !== undefined) throw state.refusal;
      if (token !== `r${last}`) throw new ClientError(16, "Token revoked", "TOKEN_REVOKED");
      last += 1;
      return pair(last);
    },
    async logout([, value]) {
      asked.push(`logout ${value}`);
      if (state.refusal !== undefined) throw state.refusal;
    },
  };
  return { calls, asked, state };
}

describe("a session", () => {
  it("has nothing to show before the login, and renews what the login gave", async () => {
    const clock = { now: 0 };
    const { calls, asked } = server();
    const session = createSession(calls, { now: () => clock.now });
    await assert.rejects(async () => session.value(), { code: 16, message: "Not logged in" });
    assert.equal(await session.isLoggedIn(), false);
    await assert.rejects(session.login({ username: "ada", password: "wrong" }), { reason: "LOGIN_FAILED" });
    await session.login({ username: "ada", password: "right" });
    assert.equal(session.value(), "Bearer a1");
    clock.now = 99_000;
    const values = await Promise.all(Array.from({ length: 100 }, () => session.value()));
    assert.deepEqual([...new Set(values)], ["Bearer a2"]);
    assert.deepEqual(asked, ["r1"]);
  });

  it("is over when the server says so, and not when it is away", async () => {
    const { calls, state } = server();
    const ended: unknown[] = [];
    const session = createSession(calls, { onEnd: (reason) => ended.push(reason) });
    await session.login({ username: "ada", password: "right" });
    state.refusal = new ClientError(14, "no connection");
    await assert.rejects(session.another("Bearer a1"), { code: 14 });
    assert.equal(await session.isLoggedIn(), true);
    // A proxy's word is not the server's.
    state.refusal = new ClientError(16, "who are you?");
    await assert.rejects(session.another("Bearer a1"), { message: "who are you?" });
    assert.equal(await session.isLoggedIn(), true);
    state.refusal = new ClientError(16, "Token revoked", "TOKEN_REVOKED");
    await assert.rejects(session.another("Bearer a1"), { code: 16, reason: "TOKEN_REVOKED" });
    assert.deepEqual([await session.isLoggedIn(), ended], [false, ["TOKEN_REVOKED"]]);
  });

  it("forgets its tokens at logout, whatever the server says", async () => {
    const { calls, asked, state } = server();
    const session = createSession(calls);
    await session.login({ username: "ada", password: "right" });
    await session.logout();
    assert.deepEqual(asked, ["logout Bearer a1"]);
    await session.logout();
    assert.equal(asked.length, 1);
    await session.login({ username: "ada", password: "right" });
    state.refusal = new ClientError(14, "no connection");
    await assert.rejects(session.logout(), { code: 14 });
    assert.equal(await session.isLoggedIn(), false);
  });

  it("goes on with what others have renewed who share its store", async () => {
    const clock = { now: 0 };
    const { calls, asked } = server();
    const memory = memoryTokenStore();
    let turn: Promise<unknown> = Promise.resolve();
    const store: TokenStore = {
      ...memory,
      alone<R>(renewal: () => Promise<R>) {
        const mine = turn.then(renewal);
        turn = mine.catch(() => {});
        return mine;
      },
    };
    const sessions = [1, 2, 3].map(() => createSession(calls, { store, now: () => clock.now }));
    await sessions[0]?.login({ username: "ada", password: "right" });
    for (let round = 2; round < 5; round++) {
      clock.now += 100_000;
      const values = await Promise.all(sessions.map((session) => session.value()));
      assert.deepEqual([...new Set(values)], [`Bearer a${round}`]);
    }
    assert.deepEqual(asked, ["r1", "r2", "r3"]);
  });

  it("goes on with what another has renewed at the same time, without a lock", async () => {
    const { calls } = server();
    const store = memoryTokenStore({ accessToken: "a1", refreshToken: "r1", expiresAt: 0 });
    const [one, two] = [createSession(calls, { store }), createSession(calls, { store })];
    assert.deepEqual(await Promise.all([one.value(), two.value()]), ["Bearer a2", "Bearer a2"]);
  });
});

describe("credentials", () => {
  it("are taken for what they can be alone, and tell nothing of what they were given (CWE-532)", () => {
    for (const wrong of ["", "with space", "a,b", "new\nline", "ü"]) {
      for (const make of [
        () => apiKey(wrong),
        () => bearer(wrong),
        () => apiKeyFrom({ KEY: wrong }, "KEY"),
      ]) {
        assert.throws(make, (error: Error) => {
          assert.ok(error instanceof TypeError);
          assert.ok(wrong === "" || !error.message.includes(wrong), error.message);
          return true;
        });
      }
    }
    assert.throws(() => apiKey("key", { header: "X-Api-Key" }), TypeError);
    assert.throws(() => bearer(undefined as never), { name: "TypeError", message: /^a token is missing/ });
    assert.throws(() => apiKeyFrom({}, "ORDERS_API_KEY"), /ORDERS_API_KEY is not set/);
    assert.equal(apiKeyFrom({ ORDERS_API_KEY: "cs_key\n" }, "ORDERS_API_KEY").value(), "cs_key");
    assert.ok(!JSON.stringify(apiKey("cs_secret")).includes("cs_secret"));
  });

  it("come from a source, asked again when what it gave is refused", async () => {
    let count = 0;
    const credential = bearer(async () => `t${++count}`);
    assert.equal(await credential.value(), "Bearer t1");
    assert.equal(await credential.value(), "Bearer t1");
    assert.equal(await credential.another("Bearer t1"), "Bearer t2");
    assert.equal(await bearer("static").another("Bearer static"), undefined);
    assert.equal(await bearer(() => ({ token: "bare" }), { scheme: "" }).value(), "bare");
  });
});
