import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { describe, it } from "node:test";
import { create } from "@bufbuild/protobuf";
import { CallContext } from "../context/call-context.ts";
import { fakeCall } from "../core/fakes.suite.ts";
import { Refusal } from "../core/refusal.ts";
import { createRoleDirectory } from "../core/role-directory.ts";
import { RefreshTokenRequestSchema } from "../gen/auth/v1/auth_pb.ts";
import { createTokenVerifier } from "../jwt/verifier.ts";
import { createRefreshTokens } from "../session/refresh-token.ts";
import { createSeal } from "../session/seal.ts";
import { createSigningKeys } from "../signing/signing-keys.ts";
import { createMemoryStore } from "../store/memory.ts";
import { createAuthService } from "./auth-service.ts";
import { createTokenIssuer } from "./issue-tokens.ts";
import { defaultLifetimes } from "./session-tokens.ts";

const unused = (): never => assert.fail("not asked for");

async function setup(more: { readonly lifetimes?: typeof defaultLifetimes } = {}) {
  const store = createMemoryStore();
  const seal = createSeal(randomBytes(32));
  const keys = createSigningKeys({
    store: store.signingKeys,
    seal,
    algorithm: "EdDSA",
    lifetimeSeconds: 900,
  });
  await keys.start();
  await keys.stop();
  const shared = {
    store,
    signingKey: (at: Date) => keys.current(at),
    refreshTokens: createRefreshTokens(randomBytes(32)),
    issuer: "https://id.example.com",
    audience: "orders",
  };
  const { issueTokens } = createTokenIssuer({ ...shared, ...more });
  const service = createAuthService({
    ...shared,
    seal,
    passwords: { hash: unused, verify: unused, isOutdated: unused },
    lifetimes: more.lifetimes ?? defaultLifetimes,
    name: "test",
    roles: await createRoleDirectory({ source: store.roles }),
    validateApiKey: unused,
    renewStream: unused,
    caughtUp: async () => {},
  });
  const context = new CallContext(
    fakeCall("/auth.v1.AuthService/RefreshToken"),
    { ok: true, principal: undefined, expiresAt: Number.POSITIVE_INFINITY, authenticator: undefined },
    undefined,
  );
  const refresh = (refreshToken: string) =>
    service.refreshToken(create(RefreshTokenRequestSchema, { refreshToken }), context);
  const verifier = createTokenVerifier({
    keys: () => keys.ring(),
    issuer: shared.issuer,
    audience: shared.audience,
  });
  const user = await store.users.create({ username: "ada", email: "ada@example.com", isStaff: true });
  return { store, issueTokens, refresh, verifier, user };
}

describe("issueTokens", () => {
  it("gives a pair that is accepted, and that can be refreshed", async () => {
    const { store, issueTokens, refresh, verifier, user } = await setup();
    const to = { methods: ["hwk"], address: "::1", userAgent: "test\0/1" };
    const pair = await issueTokens(user, to);
    assert.equal(pair.tokenType, "bearer");
    const verified = await verifier.verify(pair.accessToken, Date.now());
    assert.ok(verified.ok);
    const { claims, userId } = verified;
    assert.equal(Number(claims.exp) - Number(claims["iat"]), 900);
    // Told from the answer on: seconds may have passed since it was signed.
    const left = Number(claims.exp) - Math.floor(Date.now() / 1000);
    assert.ok(left <= pair.expiresIn && pair.expiresIn <= 900, `${pair.expiresIn} of 900, ${left} are left`);
    assert.deepEqual(
      [userId, claims["username"], claims["is_staff"], claims["sid"], claims["amr"]],
      [user.id, "ada", true, pair.sessionId, ["hwk"]],
    );
    const session = await store.sessions.load(pair.sessionId);
    assert.deepEqual([session?.address, session?.userAgent], ["::1", "test/1"]);
    const next = await refresh(pair.refreshToken);
    assert.notEqual(next.accessToken, pair.accessToken);
    const again = await verifier.verify(String(next.accessToken), Date.now());
    assert.equal(again.ok && again.claims["sid"], pair.sessionId);
  });

  it("begins a session for each call", async () => {
    const { issueTokens, user } = await setup();
    const [first, second] = [await issueTokens(user), await issueTokens(user)];
    assert.notEqual(first.sessionId, second.sessionId);
    assert.notEqual(first.refreshToken, second.refreshToken);
  });

  it("keeps to the lifetimes", async (t) => {
    // Of a lifetime that began a millisecond ago, one second less is left.
    t.mock.timers.enable({ apis: ["Date"], now: Date.UTC(2027, 0, 15) });
    const lifetimes = { access: 60, refresh: 30, session: 3600 };
    const { issueTokens, user } = await setup({ lifetimes });
    // No access token outlives its session's refresh token.
    assert.equal((await issueTokens(user)).expiresIn, 30);
  });

  it("refuses who is disabled or gone, and begins no session", async () => {
    const { store, issueTokens, user } = await setup();
    const refused = (id: string) =>
      assert.rejects(
        () => issueTokens({ id }),
        (error) => error instanceof Refusal && error.denial.reason === "USER_DISABLED",
      );
    await store.users.update(user.id, { isActive: false });
    await refused(user.id);
    await refused("999");
    await refused("nonsense");
    assert.deepEqual(await store.sessions.list({ limit: 9 }), []);
  });
});
