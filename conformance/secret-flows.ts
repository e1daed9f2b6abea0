import { randomBytes } from "node:crypto";
import { newSigningKey, type Scene } from "./audited-rpcs.ts";
import type { Client } from "./clients/client.ts";
import { http } from "./door.ts";
import { codeOf } from "./totp-code.ts";

const secret = (): string => randomBytes(32).toString("base64url");

/** What is configured, and who is asked. */
export interface Given {
  readonly scene: Scene;
  readonly client: Client;
  readonly staticKey: string;
  readonly metricsToken: string;
}

type Found = Readonly<Record<string, string>>;

/** Has every kind of secret made, and uses each where it belongs and where it does not. Returns them by what they are. */
export async function useEverySecret(given: Given): Promise<Found> {
  const session = await ofSessions(given.scene);
  const issued = await ofServices(given.scene);
  const guessed = { "a wrong password": secret(), "an opaque token": `opaque_${secret()}` };
  const all = { ...session, ...issued, ...guessed };
  await misuse(given, all);
  return all;
}

/** Passwords, tokens, codes: of somebody who logs in with a second factor. */
async function ofSessions(scene: Scene): Promise<Found> {
  const { account, token, secret: seed } = await scene.enrolling();
  const { username, password } = account;
  const code = { otp_code: codeOf(seed, -1) };
  const confirmed = await scene.call("/auth.v1.AuthService/ConfirmTotp", code, token);
  const codes = confirmed["recovery_codes"] as readonly string[];
  const login = { username, password, otp_code: codes[0] ?? "" };
  const pair = await scene.call("/auth.v1.AuthService/Login", login);
  const refresh = { refresh_token: String(pair["refresh_token"]) };
  const next = await scene.call("/auth.v1.AuthService/RefreshToken", refresh);
  return {
    "a password": password,
    "an access token": token,
    "a TOTP secret": seed,
    "a refresh token": refresh.refresh_token,
    "its successor": String(next["refresh_token"]),
    ...Object.fromEntries(codes.map((text, index) => [`recovery code ${index}`, text])),
    ...Object.fromEntries(
      scene.server.users.map(({ username: name, password: own }) => [`${name}'s password`, own]),
    ),
  };
}

/** Keys and tokens that administrators make. */
async function ofServices(scene: Scene): Promise<Found> {
  const { key, api_key: record } = await scene.call("/auth.v1.ApiKeyService/CreateApiKey", {
    name: "canary",
  });
  const { id } = record as { id: string };
  const minted = await scene.call("/auth.v1.TokenService/MintToken", { user_id: "1" });
  const imported = newSigningKey();
  await scene.call("/auth.v1.SigningKeyService/ImportSigningKey", { key: JSON.stringify(imported) });
  await scene.call("/auth.v1.ApiKeyService/RevokeApiKey", { id, reason: "canary" });
  return {
    "the first key": scene.server.apiKey,
    "a revoked key": String(key),
    "its secret part": String(key).split("_").at(-1) ?? "",
    "a minted token": String(minted["access_token"]),
    "an imported signing key": String(imported.d),
    "a prime of it": String(imported.p),
  };
}

/** Each where it belongs and where it does not: refused for every reason that there is. */
async function misuse({ scene, client, staticKey, metricsToken }: Given, found: Found): Promise<void> {
  const { server } = scene;
  const procedure = "/api.users.UserService/GetUser";
  for (const text of [...Object.values(found), staticKey]) {
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
    await http(server, `${procedure}?key=${text}`, { method: "GET" });
    await http(server, "/auth.v1.AuthService/ValidateApiKey", {
      body: { api_key: text },
      token: scene.admin,
    });
    await http(server, "/auth.v1.AuthService/RefreshToken", { body: { refresh_token: mistyped } });
    const form = { "content-type": "application/x-www-form-urlencoded" };
    await http(server, "/oauth/introspect", { body: `token=${text}`, token: scene.admin, headers: form });
  }
  await http(server, `/metrics?token=${metricsToken}`, { method: "GET" });
  const guess = { username: "admin", password: found["a wrong password"] ?? "" };
  await http(server, "/auth.v1.AuthService/Login", { body: guess });
  // Cut off in the middle.
  await http(server, "/auth.v1.AuthService/Login", { body: JSON.stringify(guess).slice(0, -3) });
}
