import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Authenticator } from "../../src/core/authenticator.ts";
import type { Principal } from "../../src/core/principal.ts";
import { type Echo, errorInfo, type Message, startEcho } from "../../src/grpc/echo.suite.ts";
import { createIdTokenVerifier, createIssuer, introspection, oidc } from "../../src/oidc.ts";
import { Elapsed } from "./fixture.ts";
import { RealProvider, type SigningAlgorithm } from "./real-provider.ts";

let provider: RealProvider;
let server: Echo;
const clock = new Elapsed();
before(async () => {
  provider = await RealProvider.start();
  const issuer = createIssuer({ issuer: provider.url, allowLoopback: true, elapsed: clock.now });
  const clientId = algorithms.map((algorithm) => `app-${algorithm}`);
  const client = { clientId: "guard", clientSecret: provider.clientSecret };
  const authenticators: readonly [Authenticator<Principal>, ...Authenticator<Principal>[]] = [
    oidc<Principal>({ issuer, kind: "id-token", clientId, name: "login" }),
    oidc<Principal>({
      issuer,
      kind: "access-token",
      audience: provider.resource,
      name: "access",
      mapping: { permissions: "scope" },
    }),
    introspection<Principal>({ issuer, client, cacheSeconds: 1 }),
  ];
  server = await startEcho({
    auth: { authenticators },
    implementation: (rpc) => ({
      unary: (call: Parameters<typeof rpc.principal>[0], done: (error: null, answer: Message) => void) => {
        const principal = rpc.principal(call);
        const { authenticator, userId, email, permissions } = principal as Principal;
        done(null, { who: JSON.stringify([authenticator, userId, email, [...permissions]]) });
      },
    }),
  });
});
after(async () => {
  await server[Symbol.asyncDispose]();
  await provider.close();
});

const algorithms: readonly SigningAlgorithm[] = ["RS256", "ES256", "EdDSA"];

/** Who the gRPC server says that a token stands for, or the reason of its refusal. */
async function who(token: string): Promise<unknown> {
  const outcome = await server.client.call("Unary", { authorization: `Bearer ${token}` });
  if (outcome.code !== 0) return errorInfo(outcome)?.reason;
  return JSON.parse(outcome.messages[0]?.who ?? "null");
}

describe("a real provider, and a real gRPC server", { timeout: 60_000 }, () => {
  for (const algorithm of algorithms) {
    it(`ID tokens signed with ${algorithm}`, async () => {
      const { id_token: token } = await provider.logIn("ada", { algorithm });
      assert.deepEqual(await who(token), ["login", `${provider.url}|ada`, "ada@example.org", []]);
      const tampered = `${token.slice(0, -4)}${token.endsWith("AAAA") ? "BBBB" : "AAAA"}`;
      assert.equal(await who(tampered), "TOKEN_INVALID");
    });

    it(`access tokens signed with ${algorithm}`, async () => {
      provider.rotate({ accessTokens: algorithm });
      clock.advance(31);
      const token = await provider.clientToken({ resource: provider.resource });
      assert.deepEqual(await who(token), ["access", `${provider.url}|app-ES256`, null, ["orders:read"]]);
    });
  }

  it("an address that the provider has not verified is none", async () => {
    const { id_token: token } = await provider.logIn("unverified");
    assert.deepEqual(await who(token), ["login", `${provider.url}|unverified`, null, []]);
  });

  it("an ID token for a login flow, with its nonce, its age and the hash of its code", async () => {
    const issuer = createIssuer({ issuer: provider.url, allowLoopback: true });
    const verifier = createIdTokenVerifier(issuer, { clientId: "app-EdDSA" });
    const extra = { max_age: "60", response_type: "code id_token" };
    const tokens = await provider.logIn("ada", { algorithm: "EdDSA", nonce: "n-1", extra });
    const expected = { nonce: "n-1", maxAgeSeconds: 60, code: tokens.code };
    const result = await verifier.verify(tokens.id_token, expected);
    assert.ok(result.ok, result.ok ? "" : result.cause);
    for (const claim of ["c_hash", "auth_time"]) assert.ok(claim in result.claims, claim);
    for (const given of [{ nonce: "n-2" }, { code: "another" }, { now: Date.now() + 120_000 }])
      assert.equal((await verifier.verify(tokens.id_token, { ...expected, ...given })).ok, false);
  });

  it("opaque tokens, which the provider is asked about", async () => {
    const { access_token: token } = await provider.logIn("grace");
    assert.deepEqual(await who(token), ["introspection", `${provider.url}|grace`, null, []]);
    const own = await provider.clientToken();
    assert.deepEqual(await who(own), ["introspection", `${provider.url}#app-ES256`, null, []]);
    await provider.revoke(own);
    const deadline = Date.now() + 10_000;
    while ((await who(own)) !== "TOKEN_INVALID")
      assert.ok(Date.now() < deadline, "revoked, and still believed");
    assert.equal(await who("no-such-token"), "TOKEN_INVALID");
  });

  it("keys that rotate while calls go on", async () => {
    clock.advance(31);
    await who((await provider.logIn("ada")).id_token);
    for (const overlap of [true, false]) {
      const old = (await provider.logIn("ada")).id_token;
      provider.rotate({ overlap });
      const fetches = provider.fetchesOfKeys;
      const fresh = (await provider.logIn("ada")).id_token;
      const answers = await Promise.all([...Array(20).keys()].map((n) => who(n % 2 === 0 ? fresh : old)));
      // Without overlap an old token that nobody has seen may lose its key; one that was seen goes on.
      const [good] = answers;
      assert.deepEqual(good, ["login", `${provider.url}|ada`, "ada@example.org", []]);
      if (overlap) assert.ok(answers.every((answer) => Array.isArray(answer)));
      assert.equal(provider.fetchesOfKeys, fetches + 1);
      clock.advance(31);
    }
  });
});
