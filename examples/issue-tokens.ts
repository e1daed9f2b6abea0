import { randomBytes } from "node:crypto";
import { createRefreshTokens, createSeal, createTokenIssuer } from "countersign/service";
import { createSigningKeys } from "countersign/signing-keys";
import { openSqliteStore } from "countersign/store/sqlite";

// 32 bytes each, from wherever your secrets are: the same at every start.
const masterKey = randomBytes(32);
const refreshSecret = randomBytes(32);

export const store = await openSqliteStore({ path: process.env["DATABASE"] ?? "./users.db" });

// Sealed in the store, published before they sign, kept until their last token has expired.
export const keys = createSigningKeys({
  store: store.signingKeys,
  seal: createSeal(masterKey),
  algorithm: "ES256",
  lifetimeSeconds: 900,
});
await keys.start();

const { issueTokens } = createTokenIssuer({
  store,
  signingKey: (at) => keys.current(at),
  refreshTokens: createRefreshTokens(refreshSecret),
  issuer: "https://id.example.com",
});

/** Somebody proved who they are by means of your own. */
export async function loggedIn(userId: string): Promise<{ access: string; refresh: string }> {
  const { accessToken, refreshToken } = await issueTokens({ id: userId }, { methods: ["hwk"] });
  return { access: accessToken, refresh: refreshToken };
}

/** For `jwt({ keys: () => keys.ring() })`, and for everyone else. */
export const publicKeys = (): string => JSON.stringify(keys.jwks());
