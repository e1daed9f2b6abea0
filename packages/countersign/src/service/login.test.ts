import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Store } from "../store/contracts.ts";
import { noon, right, setup } from "./login.suite.ts";

describe("guesses at one identity", () => {
  for (const [who, name] of [
    ["an account", () => "ada"],
    ["nobody", () => "stranger"],
    [
      "an account by all its names",
      (index: number) => ["ada", "ADA", "ada@example.com", "ａｄａ"][index % 4],
    ],
  ] as const) {
    it(`are at most 10 in any 15 minutes, however eager the guesser: ${who}`, async () => {
      const { clock, attempt, passwords } = await setup();
      const admitted: number[] = [];
      for (let second = 0; second < 2 * 3600; second++) {
        clock.now = noon + second * 1000;
        const before = passwords.verified;
        const reason = await attempt("wrong wrong wrong", name(second) ?? "");
        // What is refused for being too many is not worked on.
        assert.equal(passwords.verified - before, reason === "RATE_LIMITED" ? 0 : 1);
        if (reason !== "RATE_LIMITED") admitted.push(second);
      }
      for (const from of admitted) {
        const within = admitted.filter((second) => second >= from && second < from + 900);
        assert.ok(within.length <= 10, `${within.length} from second ${from}`);
      }
      assert.ok(admitted.length > 60, "and whoever waits is let in again");
    });
  }

  it("CVE-2026-4325: are counted apart from those at a name that looks like the counter of another", async () => {
    const { attempt, user } = await setup();
    for (const name of [`user:${user.id}`, `own:${user.id}`, "network:192.0.2.1", "name:ada"]) {
      for (let guess = 0; guess < 3; guess++)
        await attempt("wrong wrong wrong", name, `198.51.100.${guess}:1`);
    }
    assert.equal(await attempt(right), "ok");
    assert.equal(await attempt("wrong wrong wrong"), "LOGIN_FAILED");
  });

  it("at once are two", async () => {
    const { attempt, passwords } = await setup();
    const reasons = await Promise.all(Array.from({ length: 30 }, () => attempt("wrong wrong wrong")));
    assert.equal(reasons.filter((reason) => reason === "LOGIN_FAILED").length, 2);
    assert.equal(passwords.verified, 2);
  });

  it("are forgotten after a right one", async () => {
    const { attempt } = await setup();
    for (let round = 0; round < 20; round++) {
      assert.deepEqual([await attempt("wrong wrong wrong"), await attempt(right)], ["LOGIN_FAILED", "ok"]);
    }
  });
});

describe("a login", () => {
  it("does the same work for nobody and for an account without a password", async () => {
    const { store, attempt, passwords } = await setup();
    await store.users.create({ username: "bob" });
    for (const name of ["nobody", "bob", "ada"]) {
      const before = passwords.verified;
      assert.equal(await attempt("wrong wrong wrong", name), "LOGIN_FAILED");
      assert.equal(passwords.verified - before, 1, name);
    }
  });

  it("makes a hash anew that was made with less, and only if the password was right", async () => {
    const { store, user, attempt } = await setup(`v1:${right}`);
    await attempt("wrong wrong wrong");
    assert.equal(await store.users.passwordHash(user.id), `v1:${right}`);
    assert.equal(await attempt(right), "ok");
    assert.equal(await store.users.passwordHash(user.id), `v2:${right}`);
    assert.equal(await attempt(right), "ok");
  });

  it("keeps where it came from, without what no database takes", async () => {
    const { store, user, attempt } = await setup();
    await attempt(right);
    const [session] = await store.sessions.list({ userId: user.id, limit: 1 });
    assert.deepEqual([session?.userAgent, session?.address], ["test\ufffd", "192.0.2.1:1"]);
    assert.equal(session?.refreshUntil.getTime(), noon + 86_400_000);
  });

  it("REGRESSION: of a user who is disabled or deleted meanwhile is refused, and is no failure", async () => {
    for (const change of ["disable", "delete"] as const) {
      const { store, user, attempt, passwords } = await setup();
      const { verify } = passwords;
      passwords.verify = async (phc, password) => {
        const answer = await verify.call(passwords, phc, password);
        await (change === "delete"
          ? store.users.delete(user.id)
          : store.users.update(user.id, { isActive: false }));
        return answer;
      };
      assert.equal(await attempt(right), "USER_DISABLED");
      assert.deepEqual(await store.sessions.list({ userId: user.id, limit: 10 }), []);
    }
  });
});

describe("a password that is changed while it is looked at", () => {
  /** Changes it after the old one was found right, and before the session is made. */
  async function changedMeanwhile(hash: string, change: (store: Store, id: string) => Promise<unknown>) {
    const parts = await setup(hash);
    const { passwords, store, user } = parts;
    const { verify } = passwords;
    let once = true;
    passwords.verify = async (phc, password) => {
      const answer = await verify.call(passwords, phc, password);
      if (once) await change(store, user.id);
      once = false;
      return answer;
    };
    return parts;
  }

  for (const hash of [`v2:${right}`, `v1:${right}`]) {
    it(`makes no session with the old one, which does not come back: ${hash}`, async () => {
      const parts = await changedMeanwhile(hash, async (store, id) => {
        await store.users.update(id, { passwordHash: "v2:a new one" });
        await store.sessions.revokeAll(id, { reason: "password changed", by: id });
      });
      const { attempt, store, user } = parts;
      assert.equal(await attempt(right), "LOGIN_FAILED");
      assert.deepEqual(await store.sessions.list({ userId: user.id, limit: 10 }), []);
      assert.equal(await store.users.passwordHash(user.id), "v2:a new one");
      assert.equal(await attempt("a new one"), "ok");
    });
  }

  it("lets everyone in who logs in at once while the hash is made anew", async () => {
    const { attempt, store, user } = await changedMeanwhile(`v1:${right}`, (store, id) =>
      store.users.update(id, { passwordHash: `v2:${right}` }),
    );
    assert.deepEqual(await Promise.all([attempt(right), attempt(right)]), ["ok", "ok"]);
    assert.equal((await store.sessions.list({ userId: user.id, limit: 10 })).length, 2);
  });
});
