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

export const noon = Date.UTC(2026, 0, 1, 12);
export const right = "the right password";

/** A call from there, which says that it comes from elsewhere. */
export const contextFrom = (address: string): CallContext =>
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

/** Hashes that show what they are made of: `v2:the right password`. Counts the work. */
export class PlainPasswords implements Passwords {
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

export async function setup(hash = `v2:${right}`, limits: LoginLimitOptions = {}) {
  const clock = { now: noon };
  const now = (): Date => new Date(clock.now);
  const store: Store = createMemoryStore({ now: () => clock.now });
  const passwords = new PlainPasswords();
  const user = await store.users.create({ username: "ada", email: "ada@example.com", passwordHash: hash });
  const seal = createSeal(new Uint8Array(32));
  const secondFactor = new SecondFactor({ totp: store.totp, seal, issuer: "us", now });
  const login = new Login({ store, passwords, secondFactor, lifetimes: defaultLifetimes, limits, now });
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

export const wrong = "wrong wrong wrong";
export const home = "192.0.2.1:1";
export const stranger = (n: number): string => `198.51.100.${n % 250}:1`;

/** Guesses from ever new addresses, as fast as it may, until `looked` were looked at. */
export async function guessAround(
  { attempt, clock, passwords }: Awaited<ReturnType<typeof setup>>,
  looked: number,
): Promise<void> {
  const until = passwords.verified + looked;
  for (let n = 0; passwords.verified < until; n += 1) {
    if ((await attempt(wrong, "ada", stranger(n))) === "RATE_LIMITED") clock.now += 1000;
  }
}
