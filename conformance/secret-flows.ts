import { createHmac, randomBytes } from "node:crypto";
import { logInAs } from "./admin/browser-request.ts";
import { newSigningKey, type Scene } from "./audited-rpcs.ts";
import type { Client } from "./clients/client.ts";
import { http } from "./door.ts";
import type { MessageSecret } from "./secret-kinds.ts";
import { codeOf } from "./totp-code.ts";

/** An issuer of a configuration, whose client secret is in `CLIENT_SECRET`. `useEverySecret` shows it a token. */
export const issuerWithSecret = `- name: elsewhere
      kind: introspection
      issuer: http://127.0.0.1:1
      allow_loopback: true
      audience: us
      client_id: us
      client_secret: { env: CLIENT_SECRET }
      introspection_endpoint: http://127.0.0.1:1/introspect
      prefix: "opaque_"`;

const secret = (): string => randomBytes(32).toString("base64url");

/** What is configured, and who is asked. */
export interface Given {
  readonly scene: Scene;
  readonly client: Client;
  readonly staticKey: string;
  readonly metricsToken: string;
  /** Where there are no signing keys to import. */
  readonly ownSigning?: true;
}

type Found = Readonly<Record<MessageSecret, readonly string[]>>;
type Part<K extends MessageSecret> = Readonly<Record<K, readonly string[]>>;

/** Has every kind of secret made, and uses each where it belongs and where it does not. Returns them by what they are. */
export async function useEverySecret(given: Given): Promise<Found> {
  const { scene } = given;
  const sessions = await ofSessions(scene);
  const all: Found = {
    ...sessions,
    ...(await ofKeys(scene)),
    ...(await ofImports(scene)),
    ...(await ofAdmin(scene)),
    ...(await ofSigning(given)),
    "a guess": [secret(), `opaque_${secret()}`],
  };
  await misuse(given, all);
  return all;
}

/** Passwords, tokens, codes: of somebody who logs in with a second factor, and then changes the password. */
async function ofSessions(
  scene: Scene,
): Promise<
  Part<
    | "a password"
    | "a new password"
    | "an access token"
    | "a refresh token"
    | "a TOTP secret"
    | "a recovery code"
    | "the name of a stream"
  >
> {
  const { account, token, secret: seed } = await scene.enrolling();
  const { username, password } = account;
  const code = { otp_code: codeOf(seed, 0) };
  const confirmed = await scene.call("/auth.v1.AuthService/ConfirmTotp", code, token);
  const codes = confirmed["recovery_codes"] as readonly string[];
  const login = { username, password, otp_code: codes[0] ?? "" };
  const pair = await scene.call("/auth.v1.AuthService/Login", login);
  const refresh = { refresh_token: String(pair["refresh_token"]) };
  const next = await scene.call("/auth.v1.AuthService/RefreshToken", refresh);
  const access = String(next["access_token"]);
  const stream = randomBytes(24).toString("base64url");
  await http(scene.server, "/auth.v1.AuthService/RenewStream", {
    body: { stream_id: stream },
    token: access,
  });
  const fresh = `eleven lamps burn at dawn ${secret()}`;
  const change = { current_password: password, new_password: fresh, otp_code: codes[1] ?? "" };
  await scene.call("/auth.v1.AuthService/ChangePassword", change, access);
  return {
    "a password": [password, ...scene.server.users.map((user) => user.password)],
    "a new password": [fresh],
    "an access token": [token, String(pair["access_token"]), access],
    "a refresh token": [refresh.refresh_token, String(next["refresh_token"])],
    "a TOTP secret": [seed],
    "a recovery code": codes,
    "the name of a stream": [stream],
  };
}

const keys = "/auth.v1.ApiKeyService";

/** Keys that are made, revoked, rotated, and given out by links. */
async function ofKeys(
  scene: Scene,
): Promise<
  Part<"an API key" | "a rotated API key" | "a one-time link" | "a key out of a link" | "a minted token">
> {
  const made = await scene.call(`${keys}/CreateApiKey`, { name: scene.name() });
  const { id } = made["api_key"] as { id: string };
  const rotated = await scene.call(`${keys}/RotateApiKey`, { id, grace: "3600s" });
  const next = rotated["api_key"] as { id: string };
  const again = await scene.call(`${keys}/RotateApiKey`, { id: next.id, link: true });
  const linked = await scene.call(`${keys}/CreateApiKey`, { name: scene.name(), link: true });
  const [unused = "", token = ""] = [again, linked].map(({ link }) => String(link).split("#").at(-1));
  const { pathname } = new URL(String(linked["link"]));
  const revealed = await http(scene.server, pathname, { body: { token } });
  if (revealed.status !== 200) throw new Error(`${pathname}: ${revealed.status} ${revealed.text}`);
  await scene.call(`${keys}/RevokeApiKey`, { id, reason: "sung by a canary" });
  const minted = await scene.call("/auth.v1.TokenService/MintToken", { user_id: "1" });
  return {
    "an API key": [scene.server.apiKey, ...withSecretPart(made["key"])],
    "a rotated API key": withSecretPart(rotated["key"]),
    "a one-time link": [unused, token],
    "a key out of a link": withSecretPart(revealed.json["key"]),
    "a minted token": [String(minted["access_token"])],
  };
}

function withSecretPart(key: unknown): readonly string[] {
  return [String(key), String(key).split("_").at(-1) ?? ""];
}

/** Keys of another product, one of which is used here, and what they were hashed with. */
async function ofImports(
  scene: Scene,
): Promise<Part<"the secret of an import" | "a key that was made elsewhere">> {
  const hmac = secret();
  const foreign = [`elsewhere-${secret()}`, `elsewhere-${secret()}`];
  const { id } = await scene.user();
  const entries = foreign.map((key) => ({
    ...{ hash: createHmac("sha256", hmac).update(key).digest("hex"), algorithm: "hmac-sha256" },
    ...{ name: scene.name(), user_id: id },
  }));
  const request = { keys: entries, hmac_secret: Buffer.from(hmac).toString("base64") };
  await scene.call(`${keys}/ImportApiKeys`, request);
  const used = await http(scene.server, "/auth.v1.AuthService/WhoAmI", {
    headers: { "x-api-key": foreign[0] ?? "" },
  });
  if (used.status !== 200) throw new Error(`an imported key: ${used.status} ${used.text}`);
  return { "the secret of an import": [hmac], "a key that was made elsewhere": foreign };
}

async function ofAdmin(
  scene: Scene,
): Promise<Part<"the cookie of the admin UI" | "the CSRF token of the admin UI">> {
  const admin = scene.server.users.find(({ username }) => username === "admin");
  if (admin === undefined) throw new Error("there is no admin");
  const { cookie, csrf } = await logInAs(scene.server.http, admin);
  return {
    "the cookie of the admin UI": [cookie.slice(cookie.indexOf("=") + 1)],
    "the CSRF token of the admin UI": [csrf],
  };
}

/** What the server makes never leaves it: what any private key looks like is looked for instead. */
async function ofSigning({
  scene,
  ownSigning,
}: Given): Promise<Part<"an imported signing key" | "a signing key of the server's own">> {
  const imported = newSigningKey();
  if (ownSigning === undefined)
    await scene.call("/auth.v1.SigningKeyService/ImportSigningKey", { key: JSON.stringify(imported) });
  return {
    "an imported signing key": [String(imported.d), String(imported.p)],
    "a signing key of the server's own": ["PRIVATE KEY-----"],
  };
}

/** Each where it belongs and where it does not: refused for every reason that there is. */
async function misuse({ scene, client, staticKey, metricsToken }: Given, found: Found): Promise<void> {
  const { server } = scene;
  const procedure = "/api.users.UserService/GetUser";
  for (const text of [...Object.values(found).map(([first = ""]) => first), staticKey]) {
    const mistyped = `${text.slice(0, -1)}${text.endsWith("x") ? "y" : "x"}`;
    const headers: [string, string][] = [
      ["x-api-key", text],
      ["x-api-key", mistyped],
      ["authorization", `Bearer ${text}`],
      ["authorization", `Bearer ${mistyped}`],
      ["authorization", text],
      ["authorization", `Basic ${text}, ${text}`],
    ];
    for (const [index, header] of headers.entries()) {
      if (index % 2 === 0) await http(server, procedure, { headers: Object.fromEntries([header]) });
      else await client.call({ procedure, requests: [{}], headers: [header] });
    }
    await http(server, `${procedure}?key=${encodeURIComponent(text)}`, { method: "GET" });
    await http(server, "/auth.v1.AuthService/ValidateApiKey", {
      body: { api_key: text },
      token: scene.admin,
    });
    await http(server, "/auth.v1.AuthService/RefreshToken", { body: { refresh_token: mistyped } });
    await http(server, "/admin/session", { headers: { cookie: `__Host-countersign=${text}` } });
    const form = { "content-type": "application/x-www-form-urlencoded" };
    const body = `token=${encodeURIComponent(text)}`;
    await http(server, "/oauth/introspect", { body, token: scene.admin, headers: form });
  }
  await http(server, `/metrics?token=${metricsToken}`, { method: "GET" });
  const guess = { username: "admin", password: found["a guess"][0] ?? "" };
  await http(server, "/auth.v1.AuthService/Login", { body: guess });
  // Cut off in the middle.
  await http(server, "/auth.v1.AuthService/Login", { body: JSON.stringify(guess).slice(0, -3) });
}
