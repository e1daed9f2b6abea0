import { randomBytes } from "node:crypto";
import type { Allowed, Principal } from "countersign";
import { type SigningKey, signTokenAsync } from "countersign/jwt";

/** The header `typ` of identity tokens: nothing here accepts them as credentials. */
export const identityType = "countersign-identity+jwt";

/** Who calls, for the service behind a proxy. */
export interface IdentityTokens {
  /** A token for a caller that was admitted. Undefined for an anonymous one. */
  tokenFor(admitted: Allowed<Principal>, procedure: string): Promise<string | undefined> | string | undefined;
}

export interface IdentityTokensOptions {
  /** The `aud` of each procedure. */
  readonly audiences: ReadonlyMap<string, string>;
  readonly issuer: string | undefined;
  /** At most 60. */
  readonly lifetimeSeconds: number;
  readonly signingKey: (lifetimeSeconds: number) => SigningKey | Promise<SigningKey>;
  /** Milliseconds since the epoch. Default: `Date.now`. */
  readonly now?: () => number;
}

interface Kept {
  /** Until when it is handed out again, in milliseconds since the epoch. */
  readonly until: number;
  readonly token: string | Promise<string>;
}

/**
 * Signs them, and hands each out again for half of its life: a caller who calls often costs a signature every few seconds. It
 * is kept by the principal, which ends with what was cached of its credential, so that nobody gets the token of a
 * caller of before.
 */
export function createIdentityTokens(options: IdentityTokensOptions): IdentityTokens {
  const { audiences, lifetimeSeconds, now = Date.now } = options;
  const kept = new WeakMap<Principal, Map<string, Kept>>();
  return {
    tokenFor({ principal, authenticator, expiresAt }, procedure) {
      const audience = audiences.get(procedure);
      if (principal === undefined || audience === undefined) return undefined;
      const at = now();
      const ofPrincipal = kept.get(principal) ?? new Map<string, Kept>();
      const known = ofPrincipal.get(procedure);
      if (known !== undefined && at < known.until) return known.token;
      // No longer than the credential, to the second: a token that has none left is refused wherever it is shown.
      const issuedAt = Math.floor(at / 1000);
      const end = Math.min(issuedAt + lifetimeSeconds, Math.floor(expiresAt / 1000));
      const caller = claimsOf(principal, authenticator);
      const token = sign(options, { ...caller, aud: audience, procedure, iat: issuedAt, exp: end });
      const until = Math.min(at + (lifetimeSeconds * 1000) / 2, end * 1000);
      kept.set(principal, ofPrincipal);
      ofPrincipal.set(procedure, { until, token });
      token.then(
        (signed) => ofPrincipal.set(procedure, { until, token: signed }),
        () => ofPrincipal.delete(procedure),
      );
      return token;
    },
  };
}

/** Under the names that access tokens have. */
function claimsOf(principal: Principal, authenticator: string | undefined) {
  const { userId, username, email, isStaff, isSuperuser, roles, clientId, tenantId, sessionId } = principal;
  return {
    token_type: "identity",
    jti: randomBytes(16).toString("base64url"),
    sub: userId,
    username,
    email,
    is_staff: isStaff,
    is_superuser: isSuperuser,
    roles: [...roles],
    client_id: clientId,
    tenant: tenantId,
    sid: sessionId,
    authenticator,
  };
}

async function sign(
  { issuer, lifetimeSeconds, signingKey }: IdentityTokensOptions,
  claims: Record<string, unknown>,
): Promise<string> {
  return signTokenAsync({ iss: issuer, ...claims }, await signingKey(lifetimeSeconds), { typ: identityType });
}
