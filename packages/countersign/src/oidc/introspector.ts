import { Buffer } from "node:buffer";
import type { TokenClaims } from "../jwt/claim-schema.ts";
import { type ClaimRules, createClaimCheck } from "../jwt/claims.ts";
import { type InvalidToken, invalidToken } from "../jwt/invalid-token.ts";
import type { JsonObject } from "../jwt/json.ts";
import { fetchJson } from "./fetch-json.ts";
import type { Issuer } from "./issuer.ts";
import { IssuerUnavailable } from "./issuer-unavailable.ts";

/** Who we are to the issuer: RFC 7662 section 2.1 lets nobody ask without saying so. */
export type IntrospectionClient =
  /** HTTP Basic, as RFC 6749 section 2.3.1 writes it. */
  | { readonly clientId: string; readonly clientSecret: string }
  /** The whole value of `authorization`, such as `Bearer …`. */
  | { readonly authorization: string };

export interface IntrospectorOptions extends Pick<ClaimRules, "audience" | "leewaySeconds"> {
  readonly client: IntrospectionClient;
  /** Must `sub` be there? Default: `client_id` stands in for it. */
  readonly requireSubject?: boolean | undefined;
  /** For each answer, as a whole. Default: 2,000. */
  readonly timeoutMs?: number | undefined;
  /** Of an answer. Default: 65,536. */
  readonly maxBytes?: number | undefined;
  /** Questions under way at once; beyond that, nobody can tell. Default: 64. */
  readonly maxInFlight?: number | undefined;
}

/** What an issuer said of a token that is active, in the terms of a verified one. */
export interface ActiveToken {
  readonly ok: true;
  /** The members of the answer; `iss` is always there. */
  readonly claims: TokenClaims;
  readonly userId: string;
  /** Milliseconds since the epoch; `Infinity` if it was not said. */
  readonly expiresAt: number;
}

/** Asks an issuer about tokens (RFC 7662). Remembers nothing. */
export interface Introspector {
  /** `now` in milliseconds since the epoch. Rejects with `IssuerUnavailable` when nobody can tell. */
  ask(token: string, now: number): Promise<ActiveToken | InvalidToken>;
}

/** Makes one. A TypeError for options that make no sense. */
export function createIntrospector(issuer: Issuer, options: IntrospectorOptions): Introspector {
  const { timeoutMs = 2000, maxBytes = 65_536, maxInFlight = 64 } = options;
  const headers = { authorization: authorizationOf(options.client) };
  const read = createAnswerReader(issuer, options);
  let inFlight = 0;
  return Object.freeze({
    async ask(token: string, now: number) {
      if (inFlight >= maxInFlight)
        throw new IssuerUnavailable(`${issuer.name}: too many introspections are under way`);
      inFlight++;
      try {
        const endpoint = await issuer.introspectionEndpoint();
        const form = new URLSearchParams({ token, token_type_hint: "access_token" });
        const began = issuer.elapsed();
        const answer = await fetchJson(endpoint, { timeoutMs, maxBytes }, { headers, form });
        return read(answer, now + issuer.elapsed() - began);
      } finally {
        inFlight--;
      }
    },
  });
}

const faults = Object.freeze({
  inactive: invalidToken("the issuer says that it is not active"),
  kind: invalidToken("the issuer says that it is another kind of token"),
  bound: invalidToken("it is bound to a key (cnf), which cannot be checked here"),
  scope: invalidToken("claim scope is malformed"),
});

/** The checks of an answer. Members that are there must be right; `aud` is asked for as a verifier asks. */
function createAnswerReader(issuer: Issuer, options: IntrospectorOptions) {
  const { audience, leewaySeconds } = options;
  const checkClaims = createClaimCheck({
    issuer: issuer.names,
    tokenType: false,
    requireExpiration: false,
    userIdClaim: "client_id",
    requiredClaims: options.requireSubject === true ? ["sub"] : [],
    ...(audience !== undefined && { audience }),
    ...(leewaySeconds !== undefined && { leewaySeconds }),
  });
  return (answer: JsonObject, now: number): ActiveToken | InvalidToken => {
    if (answer["active"] !== true) return faults.inactive;
    const claims = Object.freeze({ ...answer, iss: answer["iss"] ?? issuer.name }) as TokenClaims;
    if (!isAccessToken(claims)) return faults.kind;
    if (claims["cnf"] !== undefined) return faults.bound;
    if (claims["scope"] !== undefined && typeof claims["scope"] !== "string") return faults.scope;
    const checked = checkClaims(claims, now);
    return checked.ok ? { ok: true, claims, userId: checked.userId, expiresAt: checked.expiresAt } : checked;
  };
}

/** `token_type` as RFC 6749 section 7.1 has it; `token_use` is what some issuers say beside it. */
function isAccessToken({ token_type: type = "Bearer", token_use: use = "access" }: TokenClaims): boolean {
  const types: readonly unknown[] = ["bearer", "access_token"];
  const uses: readonly unknown[] = ["access", "access_token"];
  return types.includes(typeof type === "string" ? type.toLowerCase() : type) && uses.includes(use);
}

function authorizationOf(client: IntrospectionClient): string {
  if ("authorization" in client) return headerValue(client.authorization);
  const { clientId, clientSecret } = client;
  if (clientId === "" || clientSecret === "") throw new TypeError("clientId and clientSecret are not empty");
  const [id, secret] = [clientId, clientSecret].map(formEncoded);
  return `Basic ${Buffer.from(`${id}:${secret}`, "latin1").toString("base64")}`;
}

function headerValue(text: unknown): string {
  if (typeof text !== "string" || !/^[\x21-\x7e][\x20-\x7e]*$/.test(text))
    throw new TypeError("authorization is the value of a header: visible ASCII");
  return text;
}

/** As in a form (RFC 6749 appendix B). */
function formEncoded(text: string): string {
  return new URLSearchParams({ v: text }).toString().slice("v=".length);
}
