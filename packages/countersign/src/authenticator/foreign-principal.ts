import type { MaybePromise } from "../core/decision.ts";
import { noPermissions, type Principal } from "../core/principal.ts";
import { isIdentifier, type TokenClaims } from "../jwt/claim-schema.ts";
import { verifiedEmail, withoutUnverifiedEmail } from "../oidc/verified-email.ts";
import { permissionSet } from "./account.ts";
import type { NobodyBehind } from "./jwt.ts";
import { createAccountFinder, type LinkedAccounts } from "./linked-accounts.ts";

/** Whom tokens of another issuer stand for. */
export interface ForeignPrincipalOptions {
  /** Local accounts that identities are linked to. Default: none, and the claims describe the caller. */
  readonly accounts?: LinkedAccounts | undefined;
  /** Without accounts: what is taken from the claims, beside the subject. Default: no role and no permission. */
  readonly mapping?: ClaimMapping | undefined;
}

/** Which claims are believed. */
export interface ClaimMapping {
  /** The caller's id. Default: `ISSUER|SUBJECT`. */
  readonly userId?: ((claims: TokenClaims) => string) | undefined;
  /** A claim whose text names the caller. Default: `preferred_username`. */
  readonly username?: string | undefined;
  /** A claim that lists roles, as an array or as words between spaces. */
  readonly roles?: string | undefined;
  /** The same of permissions, such as `scope`. */
  readonly permissions?: string | undefined;
}

/** The token that stands for somebody, as far as it matters here. */
export interface ForeignToken {
  /** The issuer under which identities are linked. */
  readonly issuer: string;
  readonly claims: TokenClaims;
}

export type FindForeigner = (token: ForeignToken) => MaybePromise<Principal | NobodyBehind>;

/** Finds the principal of a token that is right. */
export function createForeignerFinder(
  authenticator: string,
  { accounts, mapping = {} }: ForeignPrincipalOptions,
): FindForeigner {
  const find = accounts === undefined ? undefined : createAccountFinder(accounts);
  return ({ issuer, claims: signed }) => {
    const claims = withoutUnverifiedEmail(signed);
    const clientId = claims.client_id ?? textOf(claims["azp"]);
    if (find === undefined) return describe({ issuer, claims }, { authenticator, clientId, mapping });
    const { sub: subject } = claims;
    if (subject === undefined) return noSubject;
    return find({ issuer, subject }, claims, { authenticator, claims, clientId });
  };
}

const noSubject: NobodyBehind = Object.freeze({
  ok: false,
  reason: "TOKEN_INVALID",
  cause: "claim sub is missing",
});

interface Facts {
  readonly authenticator: string;
  readonly clientId: string | undefined;
  readonly mapping: ClaimMapping;
}

/** Nothing is taken for granted that was not mapped: whoever runs an issuer can sign any claim. */
function describe({ issuer, claims }: ForeignToken, { authenticator, clientId, mapping }: Facts): Principal {
  const { userId, username = "preferred_username", roles, permissions } = mapping;
  return Object.freeze({
    userId: userId === undefined ? foreignId(issuer, claims) : userId(claims),
    username: textOf(claims[username]),
    email: verifiedEmail(claims),
    isStaff: false,
    isSuperuser: false,
    roles: roles === undefined ? noRoles : Object.freeze(wordsOf(claims[roles])),
    permissions: permissions === undefined ? noPermissions : permissionSet(wordsOf(claims[permissions])),
    authenticator,
    claims,
    apiKey: undefined,
    clientId,
  });
}

const noRoles: readonly string[] = Object.freeze([]);

/** A token without a subject stands for its client, which no subject can be mistaken for. */
function foreignId(issuer: string, { sub, client_id: client = "" }: TokenClaims): string {
  return sub === undefined ? `${issuer}#${client}` : `${issuer}|${sub}`;
}

function textOf(value: unknown): string | undefined {
  return isIdentifier(value) ? value : undefined;
}

function wordsOf(value: unknown): readonly string[] {
  if (typeof value === "string") return value.split(" ").filter((word) => word !== "");
  return Array.isArray(value) ? value.filter(isIdentifier) : [];
}
