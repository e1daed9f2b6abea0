import type { Cast } from "./cast.ts";
import { ids } from "./cast.ts";
import type { Header } from "./clients/client.ts";
import { callers, type Scenario } from "./scenario.ts";
import { accessClaims, forge, seconds, sign } from "./tokens.ts";

const { alice, sam, admin } = callers;
const hs256 = '{"alg":"HS256","typ":"JWT"}';

/** Tokens: good ones, and every way of not being one. */
export const tokenScenarios: readonly Scenario[] = [
  { name: "a good token", headers: ({ tokens }) => bearer(tokens.alice), gives: alice, brief: true },
  { name: "a staff user's token", headers: ({ tokens }) => bearer(tokens.sam), gives: sam, brief: true },
  { name: "a superuser's token", headers: ({ tokens }) => bearer(tokens.admin), gives: admin },
  {
    name: "bearer in lower case",
    headers: ({ tokens }) => authorization(`bearer ${tokens.alice}`),
    gives: alice,
  },
  {
    name: "BEARER in upper case",
    headers: ({ tokens }) => authorization(`BEARER ${tokens.alice}`),
    gives: alice,
  },
  {
    name: "a token with user_id and no sub, as seed 001 has it",
    headers: claims({ sub: undefined }),
    gives: alice,
  },
  {
    name: "a token that claims to be a superuser",
    headers: claims({ is_superuser: true, is_staff: true }),
    gives: alice,
  },
  { name: "an expired token", headers: claims({ exp: seconds(-60) }), gives: "TOKEN_EXPIRED", brief: true },
  { name: "a token that is not valid yet", headers: claims({ nbf: seconds(600) }), gives: "TOKEN_INVALID" },
  { name: "a token without exp", headers: claims({ exp: undefined }), gives: "TOKEN_INVALID" },
  { name: "a token without jti", headers: claims({ jti: undefined }), gives: "TOKEN_INVALID" },
  {
    name: "a token that names nobody",
    headers: claims({ sub: undefined, user_id: undefined }),
    gives: "TOKEN_INVALID",
  },
  { name: "a token of an unknown user", headers: claims({ sub: "999999" }), gives: "TOKEN_INVALID" },
  { name: "a refresh token", headers: claims({ token_type: "refresh" }), gives: "TOKEN_INVALID" },
  { name: "a token without token_type", headers: claims({ token_type: undefined }), gives: "TOKEN_INVALID" },
  {
    name: "a token for another audience",
    headers: claims({ aud: "https://other.example" }),
    gives: "TOKEN_INVALID",
  },
  { name: "a token that ends in a thousand digits", headers: payload(`"exp":1e400`), gives: "TOKEN_INVALID" },
  {
    name: "a token whose exp is a text",
    headers: payload(`"exp":"${seconds(600)}"`),
    gives: "TOKEN_INVALID",
  },
  {
    name: "a token that names two users",
    headers: payload(`"exp":${seconds(600)},"sub":"1"`),
    gives: "TOKEN_INVALID",
  },
  {
    name: "a revoked token",
    headers: ({ tokens }) => bearer(tokens.revoked),
    gives: "TOKEN_REVOKED",
    brief: true,
  },
  {
    name: "a disabled user's token",
    headers: ({ tokens }) => bearer(tokens.ownerDisabled),
    gives: "USER_DISABLED",
  },
  {
    name: "a deleted user's token",
    headers: ({ tokens }) => bearer(tokens.ownerDeleted),
    gives: "TOKEN_INVALID",
  },
  { name: "a token of another signer", headers: otherSigner, gives: "TOKEN_INVALID" },
  {
    name: "a tampered payload",
    headers: ({ tokens }) => bearer(promoted(tokens.alice)),
    gives: "TOKEN_INVALID",
  },
  {
    name: "a cut signature",
    headers: ({ tokens }) => bearer(tokens.alice.slice(0, -2)),
    gives: "TOKEN_INVALID",
  },
  {
    name: "a respelt signature",
    headers: ({ tokens }) => bearer(respelt(tokens.alice)),
    gives: "TOKEN_INVALID",
  },
  { name: "a padded token", headers: ({ tokens }) => bearer(`${tokens.alice}=`), gives: "TOKEN_INVALID" },
  { name: "alg none", headers: () => bearer(unsigned("none")), gives: "TOKEN_INVALID" },
  { name: "alg NoNe", headers: () => bearer(unsigned("NoNe")), gives: "TOKEN_INVALID" },
  { name: "the right key with another algorithm", headers: otherAlgorithm, gives: "TOKEN_INVALID" },
  { name: "an unknown crit", headers: header('{"alg":"HS256","crit":["x"],"x":1}'), gives: "TOKEN_INVALID" },
  {
    name: "a token of another typ",
    headers: header('{"alg":"HS256","typ":"dpop+jwt"}'),
    gives: "TOKEN_INVALID",
  },
  { name: "five parts", headers: ({ tokens }) => bearer(`${tokens.alice}.a.b`), gives: "TOKEN_INVALID" },
  { name: "a key in place of a token", headers: ({ keys }) => bearer(keys.alice), gives: "TOKEN_INVALID" },
  {
    name: "a bare token",
    headers: ({ tokens }) => authorization(tokens.alice),
    gives: "CREDENTIALS_MALFORMED",
  },
  { name: "Basic", headers: () => authorization("Basic YWRtaW46YWRtaW4="), gives: "CREDENTIALS_MALFORMED" },
  { name: "Bearer and nothing", headers: () => authorization("Bearer"), gives: "CREDENTIALS_MALFORMED" },
  { name: "two spaces", headers: ({ tokens }) => bearer(` ${tokens.alice}`), gives: "CREDENTIALS_MALFORMED" },
  { name: "two tokens in one header", headers: two(" "), gives: "CREDENTIALS_MALFORMED" },
  { name: "two tokens and a comma", headers: two(","), gives: "CREDENTIALS_AMBIGUOUS" },
  { name: "20 kB for a token", headers: () => bearer("a".repeat(20_000)), gives: "CREDENTIALS_MALFORMED" },
  {
    // grpc-js cannot see the second one: the first counts.
    name: "a good authorization, then a bad one",
    headers: ({ tokens }) => [...bearer(tokens.alice), ...bearer("nonsense")],
    gives: alice,
    takes: "two-authorizations",
    where: "sees-one",
  },
  {
    name: "two good authorizations",
    headers: ({ tokens }) => [...bearer(tokens.alice), ...bearer(tokens.sam)],
    gives: "CREDENTIALS_AMBIGUOUS",
    takes: "two-authorizations",
    where: "sees-twice",
  },
  {
    name: "the same authorization twice",
    headers: ({ tokens }) => [...bearer(tokens.alice), ...bearer(tokens.alice)],
    gives: "CREDENTIALS_AMBIGUOUS",
    takes: "two-authorizations",
    where: "sees-twice",
  },
  {
    name: "a bad authorization, then a good one",
    headers: ({ tokens }) => [...bearer("nonsense"), ...bearer(tokens.admin)],
    gives: "TOKEN_INVALID",
    takes: "two-authorizations",
    where: "sees-one",
  },
];

function authorization(value: string): readonly Header[] {
  return [["authorization", value]];
}

function bearer(token: string): readonly Header[] {
  return authorization(`Bearer ${token}`);
}

/** alice's token, signed by the right key, with other claims than usual. */
function claims(change: Readonly<Record<string, unknown>>): Scenario["headers"] {
  return async ({ secret }) => bearer(await sign(secret, { ...accessClaims(ids.alice), ...change }));
}

/** A payload that no library writes, behind the usual header. */
function payload(members: string): Scenario["headers"] {
  return ({ secret }) =>
    bearer(forge(secret, hs256, `{"sub":"3","token_type":"access","jti":"j",${members}}`));
}

/** A header that no library writes, before a payload that is good. */
function header(text: string): Scenario["headers"] {
  return ({ secret }) => bearer(forge(secret, text, JSON.stringify(accessClaims(ids.alice))));
}

async function otherSigner(): Promise<readonly Header[]> {
  return bearer(await sign(new Uint8Array(32).fill(7), accessClaims(ids.admin)));
}

async function otherAlgorithm({ secret }: Cast): Promise<readonly Header[]> {
  return bearer(await sign(secret, accessClaims(ids.alice), "HS512"));
}

function two(between: string): Scenario["headers"] {
  return ({ tokens }) => bearer(`${tokens.alice}${between}${tokens.sam}`);
}

function unsigned(alg: string): string {
  const parts = [{ alg, typ: "JWT" }, accessClaims(ids.admin)];
  return `${parts.map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")).join(".")}.`;
}

/** alice's token with the admin's id in it, and alice's signature. */
function promoted(token: string): string {
  const [head, body = "", signature] = token.split(".");
  const changed = { ...(JSON.parse(Buffer.from(body, "base64url").toString()) as object), sub: ids.admin };
  return [head, Buffer.from(JSON.stringify(changed)).toString("base64url"), signature].join(".");
}

/** The same bytes, spelt with other unused bits in the last character. 32 bytes leave two of its six bits. */
function respelt(token: string): string {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  return token.slice(0, -1) + alphabet.charAt(alphabet.indexOf(token.at(-1) ?? "") ^ 1);
}
