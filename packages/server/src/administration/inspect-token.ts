import { createRevocations } from "countersign";
import { createTokenVerifier, type VerifiedToken } from "countersign/jwt";
import type { Store } from "countersign/store";
import type { Config } from "../config/config.ts";
import { loadSigning } from "../signing.ts";

/** The parts of a token as they were read, whether or not they are to be believed. */
export interface DecodedToken {
  readonly header: Readonly<Record<string, unknown>> | undefined;
  readonly claims: Readonly<Record<string, unknown>> | undefined;
}

/** What a server with this configuration would say of a token. */
export interface TokenVerdict {
  readonly good: boolean;
  /** Was the signature made with the configuration's key? Then the parts can be believed, even if time is over. */
  readonly verified: boolean;
  /** Why not, as a server's reason and a cause. */
  readonly problem?: { readonly reason: string; readonly cause: string };
  readonly user?: { readonly id: string; readonly username: string; readonly is_active: boolean };
}

/** Takes a token apart without any check. */
export function decodeToken(token: string): DecodedToken {
  const [header = "", claims = ""] = token.split(".");
  return { header: decodePart(header), claims: decodePart(claims) };
}

/** Puts a token to the checks that a server makes, in the same order. Without a store, none of its user is made. */
export async function judgeToken(
  token: string,
  config: Config,
  store: Store | undefined,
): Promise<TokenVerdict> {
  const signing = loadSigning(config);
  if (signing === undefined)
    return refused(false, "TOKEN_INVALID", "the configuration has no signing key to check it with");
  const { issuer, audience, leeway } = config.auth.jwt;
  const verifier = createTokenVerifier({
    keys: signing.ring,
    leewaySeconds: leeway,
    requiredClaims: ["exp", "jti"],
    ...(issuer !== undefined && { issuer }),
    ...(audience !== undefined && { audience }),
  });
  const result = await verifier.verify(token, Date.now());
  // "Expired" is only ever said of what is right in every other respect.
  if (!result.ok) return refused(result.reason === "TOKEN_EXPIRED", result.reason, result.cause);
  if (store === undefined) return refused(true, "UNAVAILABLE", "there is no store to look its user up in");
  return judgeUser(result, store);
}

async function judgeUser(token: VerifiedToken, store: Store): Promise<TokenVerdict> {
  const account = await store.users.load(token.userId);
  if (account === undefined) return refused(true, "TOKEN_INVALID", "no such user");
  const user = { id: account.id, username: account.username, is_active: account.isActive };
  if (!account.isActive) return { ...refused(true, "USER_DISABLED", "the user is disabled"), user };
  if (await isRevoked(token, store)) return { ...refused(true, "TOKEN_REVOKED", "it was revoked"), user };
  return { good: true, verified: true, user };
}

async function isRevoked({ claims, userId }: VerifiedToken, store: Store): Promise<boolean> {
  const revocations = createRevocations();
  const { events } = await store.revocations.live(new Date());
  for (const event of events) revocations.apply(event);
  const { iss: issuer = "", jti, sid: sessionId, iat: issuedAt } = claims;
  return (
    revocations.check({ userId, issuer, jti, sessionId, issuedAt }, revocations.version) === "token-revoked"
  );
}

function refused(verified: boolean, reason: string, cause: string): TokenVerdict {
  return { good: false, verified, problem: { reason, cause } };
}

function decodePart(part: string): DecodedToken["header"] {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, "base64url").toString("utf8"));
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    return isObject ? (value as Readonly<Record<string, unknown>>) : undefined;
  } catch {
    return undefined;
  }
}
