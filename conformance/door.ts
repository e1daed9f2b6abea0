import { equal, ok } from "node:assert/strict";
import type { Administrator } from "./cast.ts";
import type { Client, Header, Outcome } from "./clients/client.ts";
import type { Json } from "./protos.ts";
import type { ServerProcess } from "./server-process.ts";

/** What a login and a refresh answer with. */
export interface Pair {
  readonly access_token: string;
  readonly refresh_token: string;
}

/** An answer of the HTTP side. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** Empty where the body is no JSON. */
  readonly json: Json;
}

export interface HttpRequest {
  readonly method?: string;
  /** Sent as it is where it is a text, and as JSON otherwise. */
  readonly body?: string | Json;
  readonly token?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Asks the HTTP side. */
export async function http(
  server: ServerProcess,
  path: string,
  request: HttpRequest = {},
): Promise<HttpAnswer> {
  const { method = "POST", body = {}, token, headers = {} } = request;
  const response = await fetch(`http://${server.http}${path}`, {
    method,
    headers: {
      "content-type": "application/json",
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...headers,
    },
    ...(method === "GET" ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    signal: AbortSignal.timeout(10_000),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, json: parsed(text) };
}

function parsed(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return {};
  }
}

export function bearer(token: string): Header {
  return ["authorization", `Bearer ${token}`];
}

/** Calls an RPC of AuthService over gRPC. */
export function call(
  client: Client,
  name: string,
  request: Json = {},
  credential?: Header,
): Promise<Outcome> {
  const headers = credential === undefined ? [] : [credential];
  return client.call({
    procedure: `/auth.v1.AuthService/${name}`,
    requests: [request],
    headers,
    timeoutMs: 15_000,
  });
}

/** The answer of a call that must go well. */
export async function answer(outcome: Promise<Outcome>): Promise<Json> {
  const { code, message, answers } = await outcome;
  if (code !== 0) throw new Error(`refused: ${code} ${message}`);
  return answers[0] ?? {};
}

/** Status, reason and text of a call. */
export async function refusal(
  outcome: Promise<Outcome>,
): Promise<readonly [number, string | undefined, string]> {
  const { code, reason, message } = await outcome;
  return [code, reason, message];
}

/** Does this token pass? Calls the demo service. */
export async function passes(client: Client, credential: Header): Promise<string> {
  const procedure = "/api.users.UserService/UpdateProfile";
  const { code, reason } = await client.call({ procedure, requests: [{ bio: "x" }], headers: [credential] });
  return code === 0 ? "ok" : (reason ?? String(code));
}

export interface Account {
  readonly id: string;
  readonly username: string;
  readonly email: string;
  readonly password: string;
}

let count = 0;

/** An account that nobody else uses: what is counted for one identity disturbs no other test. */
export async function newAccount(
  administrator: Administrator,
  rights: { readonly is_staff?: boolean; readonly is_superuser?: boolean } = {},
): Promise<Account> {
  count += 1;
  const username = `person${count}`;
  const email = `person${count}@example.org`;
  const password = `seven rivers meet at dawn ${count}`;
  const { user } = (await administrator.call("/auth.v1.UserService/CreateUser", {
    username,
    email,
    password,
    ...rights,
  })) as { user: { id: string } };
  return { id: user.id, username, email, password };
}

/** Logs in over gRPC. */
export async function logIn(client: Client, { username, password }: Account, code = ""): Promise<Pair> {
  return (await answer(call(client, "Login", { username, password, otp_code: code }))) as unknown as Pair;
}

/** The claims of a token, not verified. */
export function claimsOf(token: string): Json {
  return JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString()) as Json;
}

/** `expires_in` counts from the answer on: where the second has turned since the token was signed, one is gone. */
export function tellsItsLifetime(login: Json, lifetime: number): void {
  const { iat, exp } = claimsOf(String(login["access_token"]));
  equal(Number(exp) - Number(iat), lifetime);
  const told = Number(login["expires_in"]);
  const leftNow = Number(exp) - Math.floor(Date.now() / 1000);
  ok(leftNow <= told && told <= lifetime, `${told} of ${lifetime} s are told, ${leftNow} are left`);
}
