import assert from "node:assert/strict";
import { test } from "node:test";
import { hmacKey } from "../jwt/key.ts";
import { createRefreshTokens } from "../session/refresh-token.ts";
import type { UserRecord } from "../store/contracts.ts";
import type { SessionRecord } from "../store/session-contracts.ts";
import { createSessionTokens, defaultLifetimes, type Lifetimes } from "./session-tokens.ts";

const noon = Date.UTC(2026, 0, 1, 12);
const at = (seconds: number): Date => new Date(noon + seconds * 1000);
const day = 86_400;

const user: UserRecord = {
  id: "7",
  username: "ada",
  email: "ada@example.com",
  isStaff: false,
  isSuperuser: false,
  isActive: true,
  roles: ["editor"],
  permissions: [],
  attributes: {},
  createdAt: at(0),
  passwordLockedAt: undefined,
  tenantId: undefined,
  updatedAt: at(0),
};

function session(given: Partial<SessionRecord> = {}): SessionRecord {
  return {
    id: "session-0123456789",
    userId: "7",
    methods: ["pwd"],
    createdAt: at(0),
    refreshUntil: at(day),
    endsAt: at(90 * day),
    generation: 1,
    rotatedAt: at(0),
    address: "",
    userAgent: "",
    revokedAt: undefined,
    revokedReason: undefined,
    ...given,
  };
}

function tokens(lifetimes: Partial<Lifetimes> = {}) {
  const key = hmacKey({ algorithm: "HS256", secret: new Uint8Array(32).fill(1) });
  return createSessionTokens({
    signingKey: () => key,
    refreshTokens: createRefreshTokens(new Uint8Array(32).fill(2)),
    lifetimes: { ...defaultLifetimes, ...lifetimes },
    issuer: "us",
  });
}

const claimsOf = (token: string): Record<string, unknown> =>
  JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString());

test("the same rotation has the same tokens, whenever it is asked about, on any node", async () => {
  const first = await tokens()(user, session(), at(0));
  const later = await tokens()(user, session(), at(8));
  assert.deepEqual({ ...later, expiresIn: first.expiresIn }, first);
  assert.deepEqual([first.expiresIn, later.expiresIn], [900n, 892n]);
});

test("another rotation, session or key has others", async () => {
  const first = await tokens()(user, session(), at(0));
  for (const other of [session({ generation: 2 }), session({ id: "session-9876543210" })]) {
    const pair = await tokens()(user, other, at(0));
    assert.notEqual(pair.refreshToken, first.refreshToken);
    assert.notEqual(claimsOf(pair.accessToken)["jti"], claimsOf(first.accessToken)["jti"]);
  }
});

test("the jti is not a part of the refresh token", async () => {
  const { accessToken, refreshToken } = await tokens()(user, session(), at(0));
  assert.ok(!refreshToken.includes(String(claimsOf(accessToken)["jti"])));
});

test("claims are those of the session and of the rotation", async () => {
  const rotation = session({ generation: 3, rotatedAt: at(100.7), methods: ["pwd", "otp"] });
  const { accessToken } = await tokens()(user, rotation, at(101));
  const { iat, exp, sid, amr, auth_time: authTime, iss, sub, token_type: type } = claimsOf(accessToken);
  const seconds = noon / 1000;
  assert.deepEqual(
    { iat, exp, sid, amr, authTime, iss, sub, type },
    {
      iat: seconds + 100,
      exp: seconds + 1000,
      sid: "session-0123456789",
      amr: ["pwd", "otp"],
      authTime: seconds,
      iss: "us",
      sub: "7",
      type: "access",
    },
  );
});

test("REGRESSION: no access token outlives the time for which the session's revocation is kept", async () => {
  const short = session({ refreshUntil: at(60) });
  const { accessToken, expiresIn } = await tokens({ refresh: 60 })(user, short, at(0));
  assert.equal(expiresIn, 60n);
  assert.equal(claimsOf(accessToken)["exp"], noon / 1000 + 60);
  const last = session({ rotatedAt: at(90 * day - 5), refreshUntil: at(90 * day), endsAt: at(90 * day) });
  assert.equal((await tokens()(user, last, at(90 * day - 5))).expiresIn, 5n);
});

test("no token is too long to be accepted, however many roles its user has", async () => {
  const many = Array.from({ length: 1000 }, (_, index) => `role-${index}`);
  const { accessToken } = await tokens()({ ...user, roles: many }, session(), at(0));
  assert.ok(accessToken.length < 8192);
  assert.deepEqual(claimsOf(accessToken)["roles"], []);
  const some = await tokens()({ ...user, roles: many.slice(0, 200) }, session(), at(0));
  assert.equal((claimsOf(some.accessToken)["roles"] as string[]).length, 200);
  assert.ok(some.accessToken.length < 8192);
});
