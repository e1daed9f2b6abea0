import { allow, deny } from "../core/decision.ts";
import type { Reason } from "../core/denial.ts";
import { fakeAuthenticator, principal } from "../core/fakes.suite.ts";
import type { Credential } from "./credential.ts";
import { TokenKeeper } from "./token-keeper.ts";

/** A server's side and a client's side of tokens t1, t2, …, of which one at a time is good. */
export function staleTokens(reason: Reason = "TOKEN_EXPIRED") {
  const state = { good: 2, fetched: 1, seen: [] as string[], fail: undefined as Error | undefined };
  /** Held back until a test lets go. */
  const refusals = { until: undefined as Promise<void> | undefined };
  const authenticator = fakeAuthenticator(
    (value) => {
      state.seen.push(value);
      if (value === `t${state.good}`) return allow(principal({ userId: "ada" }), "fake");
      const refusal = deny(reason);
      return refusals.until?.then(() => refusal) ?? refusal;
    },
    { header: "x-token" },
  );
  const keeper = new TokenKeeper({
    async fetch() {
      await Promise.resolve();
      if (state.fail !== undefined) throw state.fail;
      state.fetched += 1;
      return { value: `t${state.fetched}`, expiresAt: Number.POSITIVE_INFINITY };
    },
  });
  keeper.set({ value: "t1", expiresAt: Number.POSITIVE_INFINITY });
  const credential: Credential = {
    header: "x-token",
    value: () => keeper.value(),
    another: (refused) => keeper.another(refused),
  };
  return { state, refusals, authenticator, keeper, credential };
}
