import type { TokenClaims } from "../jwt/claim-schema.ts";
import { type ClaimRules, namesOf } from "../jwt/claims.ts";
import { type InvalidToken, invalidToken } from "../jwt/invalid-token.ts";
import type { TokenVerifierOptions } from "../jwt/verifier.ts";
import type { Issuer } from "./issuer.ts";

/** What tokens of every kind are asked. */
export interface TokenRules extends Pick<ClaimRules, "leewaySeconds" | "maxLifetimeSeconds"> {
  /** Claims that must have exactly this value, such as `{ hd: "example.org" }`. Default: none. */
  readonly requiredValues?: Readonly<Record<string, string>> | undefined;
}

/** ID tokens (OpenID Connect Core 1.0 section 2): who logged in, told to one client. */
export interface IdTokenRules extends TokenRules {
  readonly kind: "id-token";
  /** Our name at the issuer: `aud` must have it, or one of these. */
  readonly clientId: string | readonly string[];
  /** Who else may stand in `aud`. Default: nobody (section 3.1.3.7, step 3). */
  readonly trustedAudiences?: readonly string[] | undefined;
  /** Who may stand in `azp`. Default: our own names. Google's mobile clients have one of their own. */
  readonly authorizedParties?: readonly string[] | undefined;
}

/** Access tokens: what a client may do at us. */
export interface AccessTokenRules extends TokenRules {
  readonly kind: "access-token";
  /** Our name as a resource: `aud` must have it, or one of these. */
  readonly audience: string | readonly string[];
  /** The header `typ`. Default: `at+jwt` (RFC 9068). `JWT`, or none, for issuers that do not write it: then `audience`
   *  must not be the name of a client, whose ID tokens would look the same. */
  readonly typ?: "at+jwt" | "JWT" | undefined;
}

export type IssuedTokenRules = IdTokenRules | AccessTokenRules;

/** The rules as a verifier takes them, without the keys. */
export function verifierOptions(issuer: Issuer, rules: IssuedTokenRules): Omit<TokenVerifierOptions, "keys"> {
  const { leewaySeconds = 5, maxLifetimeSeconds } = rules;
  const { typ, requiredClaims, audience, checks } =
    rules.kind === "id-token" ? ofIdToken(rules) : ofAccess(rules);
  const all = [notOfTheFuture(leewaySeconds), ...checks, ...valueChecks(rules.requiredValues ?? {})];
  return {
    issuer: issuer.names,
    audience,
    requiredClaims,
    tokenType: false,
    leewaySeconds,
    ...(typ !== undefined && { typ }),
    ...(maxLifetimeSeconds !== undefined && { maxLifetimeSeconds }),
    alsoCheck(claims, nowMs) {
      for (const check of all) {
        const refusal = check(claims, nowMs);
        if (refusal !== undefined) return refusal;
      }
      return undefined;
    },
  };
}

type Check = (claims: TokenClaims, nowMs: number) => InvalidToken | undefined;

interface KindRules {
  readonly typ: string | undefined;
  readonly audience: readonly string[];
  readonly requiredClaims: readonly string[];
  readonly checks: readonly Check[];
}

function ofIdToken({ clientId, trustedAudiences = [], authorizedParties }: IdTokenRules): KindRules {
  const clients = [...namesOf(clientId, "clientId")];
  const parties =
    authorizedParties === undefined ? new Set(clients) : namesOf(authorizedParties, "authorizedParties");
  return {
    typ: undefined,
    audience: clients,
    requiredClaims: ["iss", "sub", "aud", "exp", "iat"],
    checks: [
      otherKind([
        ["events", () => false],
        ["token_use", (value) => value === "id"],
        ["typ", (value) => value === "ID"],
      ]),
      knownAudiences(new Set([...clients, ...trustedAudiences])),
      authorizedParty(parties),
    ],
  };
}

function ofAccess({ audience, typ = "at+jwt" }: AccessTokenRules): KindRules {
  if (typ !== "at+jwt" && typ !== "JWT") throw new TypeError('typ is "at+jwt" or "JWT"');
  const standard = typ === "at+jwt";
  return {
    typ: standard ? typ : undefined,
    audience: [...namesOf(audience, "audience")],
    // RFC 9068 section 2.2; elsewhere what is common to all issuers.
    requiredClaims: ["iss", "sub", "aud", "exp", "iat", ...(standard ? ["client_id", "jti"] : [])],
    checks: [
      otherKind([
        ["events", () => false],
        ["at_hash", () => false],
        ["c_hash", () => false],
        ["token_use", (value) => value === "access"],
        ["typ", (value) => value === "Bearer"],
      ]),
    ],
  };
}

/** How some issuers say of what kind a token is: a claim that says another one refuses it. */
function otherKind(claims: readonly (readonly [name: string, fits: (value: unknown) => boolean])[]): Check {
  const refusal = invalidToken("the claims are those of another kind of token");
  return (token) => {
    const stray = claims.some(([name, fits]) => token[name] !== undefined && !fits(token[name]));
    return stray ? refusal : undefined;
  };
}

function notOfTheFuture(leewaySeconds: number): Check {
  const refusal = invalidToken("claim iat is in the future");
  return ({ iat }, nowMs) =>
    iat !== undefined && (iat - leewaySeconds) * 1000 > nowMs ? refusal : undefined;
}

function knownAudiences(known: ReadonlySet<string>): Check {
  const refusal = invalidToken("claim aud has an audience that is not trusted");
  return ({ aud = [] }) => (toList(aud).every((name) => known.has(name)) ? undefined : refusal);
}

/** Section 3.1.3.7, steps 4 and 5: needed where there are several audiences, and right wherever it is. */
function authorizedParty(parties: ReadonlySet<string>): Check {
  const missing = invalidToken("claim azp is missing beside several audiences");
  const other = invalidToken("claim azp is another party");
  return ({ aud = [], ["azp"]: azp }) => {
    if (azp === undefined) return toList(aud).length > 1 ? missing : undefined;
    return typeof azp === "string" && parties.has(azp) ? undefined : other;
  };
}

function valueChecks(values: Readonly<Record<string, string>>): readonly Check[] {
  return Object.entries(values).map(([name, value]) => {
    const refusal = invalidToken(`claim ${name} is not as required`);
    return (claims) => (Object.hasOwn(claims, name) && claims[name] === value ? undefined : refusal);
  });
}

function toList(audience: string | readonly string[]): readonly string[] {
  return typeof audience === "string" ? [audience] : audience;
}
