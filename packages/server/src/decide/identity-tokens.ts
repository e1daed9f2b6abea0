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
  /** From when on a new one is signed, and until when this one is handed out meanwhile; milliseconds since the epoch. */
  readonly renewAt: number;
  readonly until: number;
  readonly token: string | Promise<string>;
}

/**
 * Signs them, and hands each out again for half of its life, and for another quarter while the next one is signed: a caller who
 * calls often waits for one signature, the first. They are kept by the principal, which ends with what was cached of its
 * credential, so that nobody gets the token of a caller of before.
 */
export function createIdentityTokens(options: IdentityTokensOptions): IdentityTokens {
  const { audiences, now = Date.now } = options;
  const kept = new WeakMap<Principal, Map<string, Kept>>();
  return {
    tokenFor(admitted, procedure) {
      const { principal } = admitted;
      const audience = audiences.get(procedure);
      if (principal === undefined || audience === undefined) return undefined;
      const at = now();
      const ofPrincipal = kept.get(principal) ?? new Map<string, Kept>();
      kept.set(principal, ofPrincipal);
      const known = ofPrincipal.get(procedure);
      if (known !== undefined && at < known.renewAt) return known.token;
      const spare = known !== undefined && at < known.until ? known : undefined;
      const next = begin(options, { admitted, audience, procedure, at });
      // Not twice at once: until the next one is there, this one stays.
      if (spare !== undefined) ofPrincipal.set(procedure, { ...spare, renewAt: spare.until });
      else ofPrincipal.set(procedure, next);
      next.token.then(
        (token) => ofPrincipal.set(procedure, { ...next, token }),
        () => spare === undefined && ofPrincipal.delete(procedure),
      );
      return spare?.token ?? next.token;
    },
  };
}

interface Caller {
  readonly admitted: Allowed<Principal>;
  readonly audience: string;
  readonly procedure: string;
  readonly at: number;
}

/** A token that is being signed. */
function begin(options: IdentityTokensOptions, { admitted, audience, procedure, at }: Caller) {
  const { principal, authenticator, expiresAt } = admitted;
  const life = options.lifetimeSeconds;
  const issuedAt = Math.floor(at / 1000);
  // No longer than the credential, to the second: a token that has none left is refused wherever it is shown.
  const end = Math.min(issuedAt + life, Math.floor(expiresAt / 1000));
  const claims = {
    ...(principal !== undefined && claimsOf(principal, authenticator)),
    ...{ aud: audience, procedure, iat: issuedAt, exp: end },
  };
  return {
    renewAt: Math.min(at + life * 500, end * 1000),
    until: Math.min(at + life * 750, end * 1000),
    token: sign(options, claims),
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
