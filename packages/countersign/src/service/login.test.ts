import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { CallContext } from "../context/call-context.ts";
import { fakeCall } from "../core/fakes.suite.ts";
import { Refusal } from "../core/refusal.ts";
import { createSeal } from "../session/seal.ts";
import type { Store } from "../store/contracts.ts";
import { createMemoryStore } from "../store/memory.ts";
import { Login } from "./login.ts";
import type { LoginLimitOptions } from "./login-limits.ts";
import type { Passwords } from "./passwords.ts";
import { SecondFactor } from "./second-factor.ts";
import { defaultLifetimes } from "./session-tokens.ts";

const noon = Date.UTC(2026, 0, 1, 12);
const right = "the right password";

/** Hashes that show what they are made of: `v2:the right password`. Counts the work. */
class PlainPasswords implements Passwords {
  verified = 0;
  async hash(password: string): Promise<string> {
    return `v2:${password}`;
  }
  async verify(phc: string | undefined, password: string): Promise<boolean> {
    this.verified += 1;
    return phc?.slice(3) === password;
  }
  isOutdated(phc: string): boolean {
    return phc.startsWith("v1:");
  }
}

async function setup(hash = `v2:${right}`, limits: LoginLimitOptions = {}) {
  const clock = { now: noon };
  const now = (): Date => new Date(clock.now);
  const store: Store = createMemoryStore({ now: () => clock.now });
  const passwords = new PlainPasswords();
  const user = await store.users.create({ username: "ada", email: "ada@example.com", passwordHash: hash });
  const seal = createSeal(new Uint8Array(32));
  const secondFactor = new SecondFactor({ totp: store.totp, seal, issuer: "us", now });
  const login = new Login({ store, passwords, secondFactor, lifetimes: defaultLifetimes, limits, now });
  const contextFrom = (address: string): CallContext =>
    new CallContext(
      {
        ...fakeCall("/auth.v1.AuthService/Login"),
        header: (name) =>
          name === "user-agent" ? ["test\0\ud800"] : name === "x-forwarded-for" ? ["1.2.3.4"] : [],
        peer: { address },
      },
      { ok: true, principal: undefined, expiresAt: Number.POSITIVE_INFINITY, authenticator: undefined },
      undefined,
    );
  const attempt = async (password: string, name = "ada", from = "192.0.2.1:1"): Promise<string> => {
    try {
      await login.start({ username: name, email: "", password, code: "" }, contextFrom(from));
      return "ok";
    } catch (error) {
      if (error instanceof Refusal) return error.denial.reason;
      throw error;
    }
  };
  return { clock, store, passwords, user, login, attempt };
}

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

const wrong = "wrong wrong wrong";
const home = "192.0.2.1:1";
const stranger = (n: number): string => `198.51.100.${n % 250}:1`;

/** Guesses from ever new addresses, as fast as it may, until `looked` were looked at. */
async function guessAround(
  { attempt, clock, passwords }: Awaited<ReturnType<typeof setup>>,
  looked: number,
): Promise<void> {
  const until = passwords.verified + looked;
  for (let n = 0; passwords.verified < until; n += 1) {
    if ((await attempt(wrong, "ada", stranger(n))) === "RATE_LIMITED") clock.now += 1000;
  }
}

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

describe("GHSA-cq42: strangers who guess", () => {
  it("keep nobody out who logs in from where they have logged in before", async () => {
    const parts = await setup();
    const { attempt, clock } = parts;
    assert.equal(await attempt(right, "ada", home), "ok");
    await guessAround(parts, 10);
    assert.equal(await attempt(right, "ada", stranger(9)), "RATE_LIMITED");
    assert.equal(await attempt(right, "ada", home), "ok");
    // Another address of the same IPv6 network, and another port, are no other place.
    clock.now += 1_000_000;
    assert.equal(await attempt(right, "ada", "[2001:db8:0:7::1]:5"), "ok");
    await guessAround(parts, 10);
    assert.equal(await attempt(right, "ada", "[2001:db8:0:7:ffff::2]:9"), "ok");
    assert.equal(await attempt(right, "ada", "[2001:db8:0:8::1]:5"), "RATE_LIMITED");
  });

  it("and those at a known address have ten guesses each, however many such addresses there are", async () => {
    const parts = await setup();
    const { attempt, clock, passwords } = parts;
    const known = ["192.0.2.1:1", "192.0.2.2:1", "192.0.2.3:1"];
    for (const address of known) assert.equal(await attempt(right, "ada", address), "ok");
    clock.now += 1_000_000;
    const [began, before] = [clock.now, passwords.verified];
    for (let n = 0; clock.now < began + 900_000; n += 1) {
      await attempt(wrong, "ada", known[n % 3]);
      await attempt(wrong, "ada", stranger(n));
      clock.now += 500;
    }
    assert.equal(passwords.verified - before, 20);
  });

  it("cannot do so by way of an address that many share", async () => {
    const parts = await setup();
    const { attempt } = parts;
    for (const shared of ["127.0.0.1:1", "[::1]:1", "[::ffff:127.0.0.1]:1", "", "/run/socket"]) {
      assert.equal(await attempt(right, "ada", shared), "ok");
      await guessAround(parts, 10);
      assert.equal(await attempt(right, "ada", shared), "RATE_LIMITED", shared);
      parts.clock.now += 1_000_000;
    }
  });
});

describe("CVE-2024-4629, CVE-2025-6004, GHSA-p6v2: guesses from one network", () => {
  for (const [what, addressOf, looked] of [
    ["IPv4", (n: number) => `192.0.2.9:${n + 1}`, 30],
    ["IPv4 in IPv6", (n: number) => (n % 2 === 0 ? "192.0.2.9:1" : "[::ffff:c000:209]:1"), 30],
    ["one /64", (n: number) => `[2001:db8:1:2:${n.toString(16)}::1]:1`, 30],
    ["many /64", (n: number) => `[2001:db8:1:${n.toString(16)}::1]:1`, 100],
  ] as const) {
    it(`at ever new names are limited, whatever headers say: ${what}`, async () => {
      const { attempt, passwords, clock } = await setup(undefined, { failuresPerNetwork: 30 });
      for (let n = 0; n < 100; n += 1) await attempt(wrong, `name${n}`, addressOf(n));
      assert.equal(passwords.verified, looked);
      if (looked === 100) return;
      assert.equal(await attempt(right, "ada", addressOf(0)), "RATE_LIMITED");
      assert.equal(await attempt(right, "ada", "192.0.2.10:1"), "ok");
      clock.now += 900_000;
      assert.equal(await attempt(right, "ada", addressOf(0)), "ok");
    });
  }

  it("are not counted if they are right, and a right one does not forget the others", async () => {
    const { attempt, store, passwords } = await setup(undefined, { failuresPerNetwork: 5 });
    const names = Array.from({ length: 20 }, (_, n) => `user${n}`);
    for (const username of names) await store.users.create({ username, passwordHash: `v2:${right}` });
    for (const name of names) assert.equal(await attempt(right, name), "ok");
    const before = passwords.verified;
    for (let n = 0; n < 20; n += 1) {
      await attempt(wrong, `nobody${n}`);
      await attempt(right, names[n]);
    }
    assert.equal(passwords.verified - before, 25, "5 wrong ones, and 20 of who is known here");
  });

  it("can be left uncounted", async () => {
    const { attempt, passwords } = await setup(undefined, { failuresPerNetwork: 0 });
    for (let n = 0; n < 150; n += 1) await attempt(wrong, `name${n}`);
    assert.equal(passwords.verified, 150);
    await assert.rejects(setup(undefined, { failuresPerNetwork: -1 }), TypeError);
    await assert.rejects(setup(undefined, { sharedAddresses: ["10.0.0.0/99"] }), TypeError);
    await assert.rejects(setup(undefined, { sharedAddresses: ["proxy"] }), TypeError);
  });
});

describe("NIST SP 800-63B-4 section 3.2.2: failures in a row", () => {
  it("are at most 100, of which strangers have 80, and nobody is told", async () => {
    const parts = await setup();
    const { attempt, store, user, clock } = parts;
    assert.equal(await attempt(right, "ada", home), "ok");
    let wrongOnes = 0;
    // What is looked at of this account.
    store.users.passwordHash = ((load) => (id: string) => {
      wrongOnes += 1;
      return load(id);
    })(store.users.passwordHash.bind(store.users));
    await guessAround(parts, 200);
    assert.equal(wrongOnes, 80);
    assert.ok((await store.users.load(user.id))?.passwordLockedAt);
    clock.now += 1_000_000;
    assert.equal(await attempt(right, "ada", stranger(1)), "LOGIN_FAILED");
    // From where ada has logged in before there are 20 more.
    for (let n = 0; n < 50; n += 1) {
      clock.now += 100_000;
      assert.equal(await attempt(wrong, "ada", home), "LOGIN_FAILED");
    }
    assert.equal(wrongOnes, 100);
    assert.equal(await attempt(right, "ada", home), "RATE_LIMITED");
    clock.now += 1_000_000;
    assert.equal(await attempt(right, "ada", home), "LOGIN_FAILED");
    await store.users.unlockPassword(user.id, "system");
    clock.now += 1_000_000;
    assert.equal(await attempt(right, "ada", stranger(1)), "ok");
  });

  it("of strangers do not lock out who is known, whose login unlocks the account", async () => {
    const parts = await setup();
    const { attempt, store, user } = parts;
    assert.equal(await attempt(right, "ada", home), "ok");
    await guessAround(parts, 80);
    assert.ok((await store.users.load(user.id))?.passwordLockedAt);
    assert.equal(await attempt(right, "ada", home), "ok");
    assert.equal((await store.users.load(user.id))?.passwordLockedAt, undefined);
  });

  it("do not keep an open session from a new password", async () => {
    const parts = await setup();
    const { login, store, user, clock } = parts;
    await guessAround(parts, 80);
    assert.equal(await login.confirm(user, { password: right }), `v2:${right}`);
    assert.equal((await store.users.load(user.id))?.passwordLockedAt, undefined);
    // Guesses in an open session are of the same hundred.
    clock.now += 1_000_000;
    await guessAround(parts, 80);
    const reasons: string[] = [];
    for (let n = 0; n < 30; n += 1) {
      clock.now += 100_000;
      const reason = await login.confirm(user, { password: wrong }).then(
        () => "ok",
        (error: Refusal) => error.denial.reason,
      );
      reasons.push(reason);
    }
    assert.deepEqual([...new Set(reasons)], ["LOGIN_FAILED"]);
    clock.now += 1_000_000;
    await assert.rejects(login.confirm(user, { password: right }), /Invalid credentials/);
  });
});
