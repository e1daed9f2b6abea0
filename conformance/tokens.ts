import { createHmac, randomUUID } from "node:crypto";
import { type JWTPayload, SignJWT } from "jose";

/** Seconds since the epoch. */
export function seconds(fromNow = 0): number {
  return Math.floor(Date.now() / 1000) + fromNow;
}

/** The claims of an access token as seed 001 and AuthService write them. */
export function accessClaims(userId: string): JWTPayload {
  return {
    sub: userId,
    user_id: Number(userId),
    token_type: "access",
    iat: seconds(),
    exp: seconds(3600),
    jti: randomUUID(),
  };
}

/** Signs with jose, which is not ours. A member that is undefined is left out. */
export function sign(
  secret: Uint8Array,
  claims: Readonly<Record<string, unknown>>,
  alg = "HS256",
): Promise<string> {
  const present = Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== undefined));
  return new SignJWT(present).setProtectedHeader({ alg, typ: "JWT" }).sign(secret);
}

/** Signs what no library would write: header and payload are texts, and the signature is HS256 in any case. */
export function forge(secret: Uint8Array, header: string, payload: string): string {
  const content = [header, payload].map((part) => Buffer.from(part).toString("base64url")).join(".");
  return `${content}.${createHmac("sha256", secret).update(content).digest("base64url")}`;
}
