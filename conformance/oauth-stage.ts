import { deepEqual } from "node:assert/strict";
import { Administrator, ids } from "./cast.ts";
import { grpcJs } from "./clients/grpc-js.ts";
import { type Account, answer, call, logIn, newAccount, type Pair } from "./door.ts";
import { closeServer, type OpenServer } from "./open-server.ts";
import type { Json } from "./protos.ts";
import { developmentSecrets, type ServerProcess, startServer } from "./server-process.ts";
import { accessClaims, sign } from "./tokens.ts";

// What the tests of the OAuth forms have in common: a server with an issuer, a gateway that may introspect, and a key that may revoke.

export const revokerKey = "static-key-of-a-revoker-0123456789";

export interface OAuthStage extends OpenServer {
  readonly introspector: { readonly id: string; readonly key: string };
  close(): Promise<void>;
}

export async function oauthStage(): Promise<OAuthStage> {
  const server = await startServer({
    config: [
      "auth:",
      "  jwt: { issuer: 'https://id.example', audience: api }",
      "  limits: { wrong_key_validations: 40 }",
      "  api_keys: { static: [{ name: revoker, key: { env: REVOKER }, permissions: ['auth.tokens:revoke'] }] }",
    ].join("\n"),
    env: { REVOKER: revokerKey },
  });
  // Tokens of this server name an issuer and an audience.
  const claims = { ...accessClaims(ids.admin), iss: "https://id.example", aud: "api" };
  const token = await sign(developmentSecrets(server.data).jwtSecret, claims);
  const administrator = await Administrator.with(server, token);
  const client = await grpcJs.connect(server.grpc);
  const introspector = await administrator.createKey(ids.admin, "gateway", ["auth.tokens:introspect"]);
  const open = { server, administrator, client };
  return { ...open, introspector, close: () => closeServer(open) };
}

/** An account of a test's own, logged in. */
export async function loggedIn(
  { administrator, client }: OAuthStage,
  rights: { readonly is_staff?: boolean } = {},
): Promise<{ readonly account: Account; readonly pair: Pair }> {
  const account = await newAccount(administrator, rights);
  return { account, pair: await logIn(client, account) };
}

/** The pair that comes after. */
export async function renewed({ client }: OAuthStage, { refresh_token: token }: Pair): Promise<Pair> {
  return (await answer(call(client, "RefreshToken", { refresh_token: token }))) as unknown as Pair;
}

export interface FormAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly json: Json;
}

type Path = "/oauth/introspect" | "/oauth/revoke";

export async function post(
  server: ServerProcess,
  path: Path,
  form: string | Readonly<Record<string, string>>,
  headers: Readonly<Record<string, string>> = {},
): Promise<FormAnswer> {
  const response = await fetch(`http://${server.http}${path}`, {
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded", ...headers },
    body: typeof form === "string" ? form : new URLSearchParams(form).toString(),
    signal: AbortSignal.timeout(10_000),
  });
  const text = await response.text();
  const json = text.startsWith("{") ? (JSON.parse(text) as Json) : {};
  return { status: response.status, headers: response.headers, text, json };
}

/** What the gateway is told of a token. */
export function introspect({ server, introspector }: OAuthStage, token: string): Promise<FormAnswer> {
  return post(server, "/oauth/introspect", { token }, { "x-api-key": introspector.key });
}

/** The gateway is told nothing else. */
export async function isInactive(stage: OAuthStage, token: string): Promise<void> {
  const { status, text } = await introspect(stage, token);
  deepEqual([status, text], [200, '{"active":false}\n']);
}

export const basic = (id: string, secret: string) => ({
  authorization: `Basic ${Buffer.from(`${encodeURIComponent(id)}:${encodeURIComponent(secret)}`).toString("base64")}`,
});
export const withToken = (token: string) => ({ authorization: `Bearer ${token}` });
