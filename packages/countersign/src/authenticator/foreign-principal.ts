import type { MaybePromise } from "../core/decision.ts";
import type { Principal } from "../core/principal.ts";
import type { RoleDirectory } from "../core/role-directory.ts";
import { isIdentifier, type TokenClaims } from "../jwt/claim-schema.ts";
import { verifiedEmail, withoutUnverifiedEmail } from "../oidc/verified-email.ts";
import { rightsOf } from "./account.ts";
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

export type FindForeigner = (
  token: ForeignToken,
  directory: RoleDirectory | undefined,
) => MaybePromise<Principal | NobodyBehind>;

/** Finds the principal of a token that is right. */
export function createForeignerFinder(
  authenticator: string,
  { accounts, mapping = {} }: ForeignPrincipalOptions,
): FindForeigner {
  const find = accounts === undefined ? undefined : createAccountFinder(accounts);
  return ({ issuer, claims: signed }, directory) => {
    const claims = withoutUnverifiedEmail(signed);
    const clientId = claims.client_id ?? textOf(claims["azp"]);
    if (find === undefined)
      return describe({ issuer, claims }, { authenticator, clientId, mapping, directory });
    const { sub: subject } = claims;
    if (subject === undefined) return noSubject;
    return find({ issuer, subject }, claims, { authenticator, claims, clientId }, directory);
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
  readonly directory: RoleDirectory | undefined;
}

/** Nothing is taken for granted that was not mapped: whoever runs an issuer can sign any claim. */
function describe(
  { issuer, claims }: ForeignToken,
  { authenticator, clientId, mapping, directory }: Facts,
): Principal {
  const { userId, username = "preferred_username" } = mapping;
  const [roles, permissions] = [mapping.roles, mapping.permissions].map((claim) =>
    claim === undefined ? none : Object.freeze(wordsOf(claims[claim])),
  ) as [readonly string[], readonly string[]];
  return Object.freeze({
    userId: userId === undefined ? foreignId(issuer, claims) : userId(claims),
    username: textOf(claims[username]),
    email: verifiedEmail(claims),
    isStaff: false,
    isSuperuser: false,
    roles,
    permissions: rightsOf(directory, roles, permissions),
    authenticator,
    claims,
    apiKey: undefined,
    clientId,
  });
}

const none: readonly string[] = Object.freeze([]);

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
