import type { TestContext } from "node:test";
import { type Auth, type AuthOptions, createAuth } from "../../src/core/auth.ts";
import type { Authenticator } from "../../src/core/authenticator.ts";
import type { Decision } from "../../src/core/decision.ts";
import { fakeCall, reasonOf } from "../../src/core/fakes.suite.ts";
import { policyFor } from "../../src/core/policy.ts";
import type { Principal } from "../../src/core/principal.ts";
import { createIssuer, type IssuerOptions, type OidcOptions, oidc } from "../../src/oidc.ts";
import { TestIssuer } from "../../src/testing/test-issuer.ts";

/** A stub that ends with its test. */
export async function startStub(context: TestContext): Promise<TestIssuer> {
  const stub = await TestIssuer.start();
  context.after(() => stub.close());
  return stub;
}

/** A clock that stands still until it is moved. */
export class Elapsed {
  ms = 0;
  readonly now = (): number => this.ms;
  advance(seconds: number): void {
    this.ms += seconds * 1000;
  }
}

export function issuerOf(stub: TestIssuer, options: Partial<IssuerOptions> = {}) {
  return createIssuer({ issuer: stub.url, allowLoopback: true, timeoutMs: 10_000, ...options });
}

export function authOf(
  authenticators: readonly [Authenticator<Principal>, ...Authenticator<Principal>[]],
  options: Partial<AuthOptions<Principal>> = {},
): Auth<Principal> {
  const policy = [policyFor<Principal>().routes({ "GET /": "authenticated" })];
  return createAuth<Principal>({ authenticators, policy, ...options });
}

export interface Door {
  decide(token: string): Promise<Decision<Principal>>;
  /** `ok`, or the reason; for `TOKEN_INVALID` its cause too. */
  says(token: string): Promise<string>;
}

export function doorOf(auth: Auth<Principal>): Door {
  const decide = async (token: string): Promise<Decision<Principal>> =>
    auth.decide(fakeCall("GET /", { authorization: `Bearer ${token}` }));
  return {
    decide,
    async says(token) {
      const decision = await decide(token);
      if (decision.ok) return "ok";
      const { reason, cause } = decision.denial;
      return reason === "TOKEN_INVALID" ? `${reason}: ${String(cause)}` : reasonOf(decision);
    },
  };
}

/** Takes ID tokens for `client-1`. */
export function idTokenDoor(
  stub: TestIssuer,
  options: Partial<IssuerOptions> = {},
  more: Partial<OidcOptions<Principal>> = {},
): Door {
  const given = { issuer: issuerOf(stub, options), kind: "id-token", clientId: "client-1", ...more };
  return doorOf(authOf([oidc(given as OidcOptions<Principal>)]));
}
