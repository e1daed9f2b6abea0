import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { CallContext } from "../context/call-context.ts";
import { fakeCall } from "../core/fakes.suite.ts";
import { Refusal } from "../core/refusal.ts";
import { createSeal } from "../session/seal.ts";
import type { Store } from "../store/contracts.ts";
import { createMemoryStore } from "../store/memory.ts";
import { Login } from "./login.ts";
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

async function setup(hash = `v2:${right}`) {
  const clock = { now: noon };
  const now = (): Date => new Date(clock.now);
  const store: Store = createMemoryStore({ now: () => clock.now });
  const passwords = new PlainPasswords();
  const user = await store.users.create({ username: "ada", email: "ada@example.com", passwordHash: hash });
  const seal = createSeal(new Uint8Array(32));
  const secondFactor = new SecondFactor({ totp: store.totp, seal, issuer: "us", now });
  const login = new Login({ store, passwords, secondFactor, lifetimes: defaultLifetimes, now });
  const context = new CallContext(
    fakeCall("/auth.v1.AuthService/Login", { "user-agent": "test\0\ud800" }),
    { ok: true, principal: undefined, expiresAt: Number.POSITIVE_INFINITY, authenticator: undefined },
    undefined,
  );
  const attempt = async (password: string, name = "ada"): Promise<string> => {
    try {
      await login.start({ username: name, email: "", password, code: "" }, context);
      return "ok";
    } catch (error) {
      if (error instanceof Refusal) return error.denial.reason;
      throw error;
    }
  };
  return { clock, store, passwords, user, login, context, attempt };
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
