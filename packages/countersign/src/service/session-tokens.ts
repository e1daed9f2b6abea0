import { hash } from "node:crypto";
import type { SigningKey } from "../jwt/key.ts";
import { claimsForUser, signTokenAsync, type TokenUser } from "../jwt/signer.ts";
import type { RefreshTokens } from "../session/refresh-token.ts";
import type { UserRecord } from "../store/contracts.ts";
import type { SessionRecord } from "../store/session-contracts.ts";

/** How long things last, in seconds. */
export interface Lifetimes {
  /** An access token. Default: 900. */
  readonly access: number;
  /** A refresh token that is not used. Default: 86,400. */
  readonly refresh: number;
  /** A session, however often it is renewed. Default: 90 days. */
  readonly session: number;
}

export const defaultLifetimes: Lifetimes = Object.freeze({
  access: 900,
  refresh: 86_400,
  session: 90 * 86_400,
});

/** What a login and a refresh answer with. */
export interface TokenPair {
  readonly accessToken: string;
  readonly refreshToken: string;
  /** Seconds that the access token is good for. */
  readonly expiresIn: bigint;
  readonly tokenType: "bearer";
}

export interface SessionTokensOptions {
  /** The key that signed at the instant of the rotation; where that is gone, the one that signs now. */
  readonly signingKey: (at: Date) => SigningKey;
  readonly refreshTokens: RefreshTokens;
  readonly lifetimes: Lifetimes;
  readonly issuer?: string | undefined;
  readonly audience?: string | undefined;
}

/**
 * Makes the tokens of a session's rotation: the same ones whenever it is asked about the same rotation. With ES and PS,
 * whose signatures are random, the access token's signature alone differs.
 */
export function createSessionTokens(options: SessionTokensOptions) {
  const { signingKey, refreshTokens, lifetimes, issuer, audience } = options;
  return async function tokensOf(user: UserRecord, session: SessionRecord, now: Date): Promise<TokenPair> {
    const refreshToken = refreshTokens.issue(session.id, session.generation);
    const issuedAt = session.rotatedAt.getTime();
    // No access token outlives its session, nor the time for which the session's revocation is kept.
    const until = Math.min(issuedAt + lifetimes.access * 1000, session.refreshUntil.getTime());
    const expiresIn = Math.max(Math.floor((until - issuedAt) / 1000), 1);
    const claims = claimsForUser(tokenUser(user), {
      now: issuedAt,
      expiresIn,
      extraClaims: { sid: session.id, amr: [...session.methods], auth_time: seconds(session.createdAt) },
      ...(issuer !== undefined && { issuer }),
      ...(audience !== undefined && { audience }),
    });
    const jti = hash("sha256", `jti\n${refreshToken}`, "base64url").slice(0, 22);
    const accessToken = await signTokenAsync({ ...claims, jti }, signingKey(session.rotatedAt));
    const left = Math.max(seconds(new Date(issuedAt)) + expiresIn - seconds(now), 0);
    return { accessToken, refreshToken, expiresIn: BigInt(left), tokenType: "bearer" };
  };
}

/** The most characters that the names of roles may take in a token, which has 8,192 in all. */
const longestRoles = 2000;

/** A user as a token tells of it. Where accounts are read, its roles are for information: too many are left out. */
export function tokenUser(user: UserRecord): TokenUser {
  return user.roles.join().length <= longestRoles ? user : { ...user, roles: [] };
}

function seconds(at: Date): number {
  return Math.floor(at.getTime() / 1000);
}
