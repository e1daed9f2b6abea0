import { deepEqual, equal, match, ok } from "node:assert/strict";
import { execFile } from "node:child_process";
import { after, before, describe, it } from "node:test";
import { promisify } from "node:util";
import { Administrator, ids } from "./cast.ts";
import type { Client } from "./clients/client.ts";
import { grpcJs } from "./clients/grpc-js.ts";
import { answer, bearer, call, claimsOf, logIn, newAccount, type Pair, passes } from "./door.ts";
import type { Json } from "./protos.ts";
import { developmentSecrets, type ServerProcess, startServer } from "./server-process.ts";
import { accessClaims, sign } from "./tokens.ts";

// RFC 7009 and RFC 7662, as a resource server or an API gateway uses them.

const revoker = "static-key-of-a-revoker-0123456789";

let server: ServerProcess;
let administrator: Administrator;
let client: Client;
let introspector: { readonly id: string; readonly key: string };
before(async () => {
  server = await startServer({
    config: [
      "auth:",
      "  jwt: { issuer: 'https://id.example', audience: api }",
      "  limits: { wrong_key_validations: 40 }",
      "  api_keys: { static: [{ name: revoker, key: { env: REVOKER }, permissions: ['auth.tokens:revoke'] }] }",
    ].join("\n"),
    env: { REVOKER: revoker },
  });
  administrator = await issuedAdministrator();
  client = await grpcJs.connect(server.grpc);
  introspector = await administrator.createKey(ids.admin, "gateway", ["auth.tokens:introspect"]);
});
after(async () => {
  await client.close();
  await administrator.close();
  await server.stop();
});

/** Tokens of this server name an issuer and an audience. */
async function issuedAdministrator(): Promise<Administrator> {
  const claims = { ...accessClaims(ids.admin), iss: "https://id.example", aud: "api" };
  return Administrator.with(server, await sign(developmentSecrets(server.data).jwtSecret, claims));
}

interface FormAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly json: Json;
}

type Path = "/oauth/introspect" | "/oauth/revoke";

async function post(
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

const basic = (id: string, secret: string) => ({
  authorization: `Basic ${Buffer.from(`${encodeURIComponent(id)}:${encodeURIComponent(secret)}`).toString("base64")}`,
});
const withToken = (token: string) => ({ authorization: `Bearer ${token}` });

/** What the gateway is told. */
async function introspect(token: string): Promise<FormAnswer> {
  return post("/oauth/introspect", { token }, { "x-api-key": introspector.key });
}

async function isInactive(token: string): Promise<void> {
  const { status, text } = await introspect(token);
  deepEqual([status, text], [200, '{"active":false}\n']);
}

async function login(rights: { readonly is_staff?: boolean } = {}) {
  const account = await newAccount(administrator, rights);
  return { account, pair: await logIn(client, account) };
}

describe("introspection", () => {
  it("tells of an access token what it says, and whose it is now", async () => {
    const { account, pair } = await login();
    const claims = claimsOf(pair.access_token);
    const { status, headers, json } = await introspect(pair.access_token);
    equal(status, 200);
    match(String(headers.get("content-type")), /^application\/json/);
    equal(headers.get("cache-control"), "no-store");
    deepEqual(json, {
      active: true,
      sub: account.id,
      username: account.username,
      token_type: "Bearer",
      exp: claims["exp"],
      iat: claims["iat"],
      ...(claims["nbf"] !== undefined && { nbf: claims["nbf"] }),
      aud: "api",
      iss: "https://id.example",
      jti: claims["jti"],
    });
    const renamed = `renamed-${account.id}`;
    await administrator.call("/auth.v1.UserService/UpdateUser", { id: account.id, username: renamed });
    equal((await introspect(pair.access_token)).json["username"], renamed);
  });

  it("tells of a refresh token that is in force, and uses nothing up", async () => {
    const { account, pair } = await login();
    for (let round = 0; round < 2; round += 1) {
      const { json } = await introspect(pair.refresh_token);
      const { iat, exp, ...rest } = json;
      deepEqual(rest, {
        active: true,
        token_type: "refresh_token",
        username: account.username,
        sub: account.id,
        iss: "https://id.example",
      });
      equal(Number(exp) - Number(iat), 86_400);
    }
    const renewed = (await answer(
      call(client, "RefreshToken", { refresh_token: pair.refresh_token }),
    )) as unknown as Pair;
    await isInactive(pair.refresh_token);
    equal((await introspect(renewed.refresh_token)).json["active"], true);
  });

  it("tells of an API key, unless it is meant for some services", async () => {
    const { id, key } = await administrator.createKey(ids.admin, "asked about", [
      "reports:read",
      "mail:send",
    ]);
    deepEqual((await introspect(key)).json, {
      active: true,
      sub: ids.admin,
      username: "admin",
      client_id: id,
      scope: "reports:read mail:send",
      token_type: "api_key",
    });
    const bound = await administrator.createKey(ids.admin, "for one service", ["service:reports"]);
    await isInactive(bound.key);
    await administrator.call("/auth.v1.ApiKeyService/RevokeApiKey", { id });
    await isInactive(key);
  });

  it("says no, and nothing else, of everything that is not good", async () => {
    const { account, pair } = await login();
    const other = await login();
    await answer(call(client, "Logout", {}, bearer(other.pair.access_token)));
    await isInactive(other.pair.access_token);
    await isInactive(other.pair.refresh_token);
    const { jwtSecret } = developmentSecrets(server.data);
    const claims = { ...accessClaims(account.id), iss: "https://id.example", aud: "api" };
    const forged = [
      await sign(jwtSecret, { ...claims, exp: Math.floor(Date.now() / 1000) - 60 }),
      await sign(jwtSecret, { ...claims, aud: "another" }),
      await sign(jwtSecret, { ...claims, iss: "https://other.example" }),
      await sign(new TextEncoder().encode("x".repeat(64)), claims),
      `${pair.access_token} `,
      `Bearer ${pair.access_token}`,
      pair.refresh_token.replace(/.$/, (last) => (last === "A" ? "B" : "A")),
      "x",
      "é\0\n",
      "y".repeat(8192),
    ];
    for (const token of forged) await isInactive(token);
    equal((await introspect(pair.access_token)).json["active"], true);
    await administrator.call("/auth.v1.UserService/DisableUser", { id: account.id });
    await isInactive(pair.access_token);
    await isInactive(pair.refresh_token);
    await administrator.call("/auth.v1.UserService/DeleteUser", { id: account.id });
    await isInactive(pair.access_token);
    await isInactive(pair.refresh_token);
  });

  it("is for those who were granted it, by key, token or HTTP Basic", async () => {
    const { pair } = await login({ is_staff: true });
    const token = pair.access_token;
    const { id, key } = introspector;
    equal((await post("/oauth/introspect", { token }, basic(id, key))).json["active"], true);
    const { authorization } = basic(id, key);
    const lower = { authorization: authorization.replace("Basic", "basic") };
    equal((await post("/oauth/introspect", { token }, lower)).json["active"], true);
    const unscoped = await administrator.createKey(ids.admin, "unscoped gateway");
    const another = await administrator.createKey(ids.admin, "another gateway", ["auth.tokens:introspect"]);
    for (const [headers, status, error, reason] of [
      [{}, 401, "invalid_client", "CREDENTIALS_MISSING"],
      [withToken(token), 403, "insufficient_scope", "PERMISSION_DENIED"],
      [{ "x-api-key": unscoped.key }, 403, "insufficient_scope", "PERMISSION_DENIED"],
      [{ "x-api-key": `${key}x` }, 401, "invalid_client", "API_KEY_INVALID"],
      [basic(id, another.key), 401, "invalid_client", "API_KEY_INVALID"],
      [basic("", key), 401, "invalid_client", "API_KEY_INVALID"],
      [basic(id, "wrong"), 401, "invalid_client", "API_KEY_INVALID"],
      [{ ...basic(id, key), "x-api-key": key }, 401, "invalid_client", "CREDENTIALS_AMBIGUOUS"],
      [{ authorization: "Basic !!!" }, 401, "invalid_client", "CREDENTIALS_MALFORMED"],
      [
        { authorization: `Basic ${Buffer.from("%zz:x").toString("base64")}` },
        401,
        "invalid_client",
        undefined,
      ],
      [{ authorization: `Basic ${Buffer.from(key).toString("base64")}` }, 401, "invalid_client", undefined],
    ] as const) {
      const told = await post("/oauth/introspect", { token }, headers as Record<string, string>);
      deepEqual([told.status, told.json["error"]], [status, error], told.text);
      if (reason !== undefined) equal(told.json["reason"], reason);
      if (status === 401) match(String(told.headers.get("www-authenticate")), /Basic realm="countersign"/);
      ok(!told.text.includes(key));
    }
    // Basic is for these two alone.
    const elsewhere = await fetch(`http://${server.http}/auth.v1.AuthService/WhoAmI`, {
      method: "POST",
      headers: { ...basic(id, key), "content-type": "application/json" },
      body: "{}",
    });
    equal(elsewhere.status, 401);
    ok(!String(elsewhere.headers.get("www-authenticate")).includes("Basic"));
  });

  it("limits whoever guesses, and not the others", async () => {
    const eager = await administrator.createKey(ids.admin, "eager", ["auth.tokens:introspect"]);
    const statuses: number[] = [];
    let last: FormAnswer | undefined;
    for (let n = 0; n < 50; n += 1) {
      last = await post("/oauth/introspect", { token: `guess${n}` }, { "x-api-key": eager.key });
      statuses.push(last.status);
    }
    const looked = statuses.filter((status) => status === 200).length;
    ok(looked >= 40 && looked <= 45, String(looked));
    equal(last?.status, 429);
    ok(Number(last?.headers.get("retry-after")) >= 1);
    const { pair } = await login();
    equal((await introspect(pair.access_token)).json["active"], true);
    // It is the same limit for keys.
    const { code, reason } = await call(client, "ValidateApiKey", { api_key: "x" }, ["x-api-key", eager.key]);
    deepEqual([code, reason], [7, "PERMISSION_DENIED"]);
  });
});

describe("revocation", () => {
  it("of a refresh token ends its session, and the access tokens of it", async () => {
    const { pair } = await login();
    const renewed = (await answer(
      call(client, "RefreshToken", { refresh_token: pair.refresh_token }),
    )) as unknown as Pair;
    const { status, text } = await post(
      "/oauth/revoke",
      { token: renewed.refresh_token, token_type_hint: "refresh_token" },
      withToken(renewed.access_token),
    );
    deepEqual([status, text], [200, ""]);
    equal(await passes(client, bearer(renewed.access_token)), "TOKEN_REVOKED");
    equal(await passes(client, bearer(pair.access_token)), "TOKEN_REVOKED");
    const { reason } = await call(client, "RefreshToken", { refresh_token: renewed.refresh_token });
    equal(reason, "TOKEN_REVOKED");
  });

  it("of an access token ends that one, and its session goes on", async () => {
    const { pair } = await login();
    // A hint that is wrong, or of a kind that nobody knows, is none.
    const form = { token: pair.access_token, token_type_hint: "refresh_token" };
    equal((await post("/oauth/revoke", form, withToken(pair.access_token))).status, 200);
    equal(await passes(client, bearer(pair.access_token)), "TOKEN_REVOKED");
    await isInactive(pair.access_token);
    const renewed = await answer(call(client, "RefreshToken", { refresh_token: pair.refresh_token }));
    equal(await passes(client, bearer(String(renewed["access_token"]))), "ok");
  });

  it("of one that is unknown, over or revoked is no failure", async () => {
    const { pair } = await login();
    const other = await login();
    await answer(call(client, "Logout", {}, bearer(other.pair.access_token)));
    for (const token of ["x", "é", other.pair.access_token, `${pair.refresh_token}x`, "y".repeat(8192)]) {
      const { status, text } = await post("/oauth/revoke", { token }, withToken(pair.access_token));
      deepEqual([status, text], [200, ""]);
    }
    equal(await passes(client, bearer(pair.access_token)), "ok");
  });

  it("is for the holder, and for who was granted it and may not do less", async () => {
    const [ada, bob, staff] = [await login(), await login(), await login({ is_staff: true })];
    const key = await administrator.createKey(ada.account.id, "ada's own");
    for (const token of [ada.pair.access_token, ada.pair.refresh_token]) {
      for (const headers of [withToken(bob.pair.access_token), { "x-api-key": key.key }]) {
        const { status, json } = await post("/oauth/revoke", { token }, headers);
        deepEqual([status, json["error"]], [403, "insufficient_scope"]);
      }
    }
    for (const token of [staff.pair.access_token, staff.pair.refresh_token]) {
      equal((await post("/oauth/revoke", { token }, { "x-api-key": revoker })).status, 403);
    }
    equal(await passes(client, bearer(staff.pair.access_token)), "ok");
    equal(await passes(client, bearer(ada.pair.access_token)), "ok");
    for (const token of [ada.pair.access_token, ada.pair.refresh_token]) {
      equal((await post("/oauth/revoke", { token }, { "x-api-key": revoker })).status, 200);
      await isInactive(token);
    }
    equal((await post("/oauth/revoke", { token: "x" })).status, 401);
  });

  it("is not for API keys, which it says", async () => {
    const { pair } = await login();
    const { status, json } = await post(
      "/oauth/revoke",
      { token: server.apiKey },
      withToken(pair.access_token),
    );
    deepEqual([status, json["error"]], [400, "unsupported_token_type"]);
    equal(await passes(client, ["x-api-key", server.apiKey]), "ok");
  });
});

describe("a request that is wrong", () => {
  for (const path of ["/oauth/introspect", "/oauth/revoke"] as const) {
    it(`is refused as RFC 6749 section 5.2 says: ${path}`, async () => {
      const headers = { "x-api-key": introspector.key };
      for (const [form, status, more] of [
        ["", 400, {}],
        ["token=", 400, {}],
        ["token_type_hint=access_token", 400, {}],
        ["token=a&token=b", 400, {}],
        [`token=${"x".repeat(9000)}`, 400, {}],
        [`token=${"x".repeat(20_000)}`, 413, {}],
        ["token=a", 415, { "content-type": "application/json" }],
        ["token=a", 415, { "content-encoding": "gzip" }],
      ] as const) {
        const { status: told, json, text } = await post(path, form, { ...headers, ...more });
        deepEqual([told, json["error"]], [status, "invalid_request"], `${form.slice(0, 40)}: ${text}`);
      }
      // Nobody who is not known gets so far.
      equal((await post(path, "token=a&token=b")).status, 401);
      for (const method of ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"]) {
        const response = await fetch(`http://${server.http}${path}?token=x`, { method, headers });
        deepEqual([response.status, response.headers.get("allow")], [405, "POST"], method);
      }
    });
  }
});

it("curl does it as standard clients do: client_secret_basic", async () => {
  const { pair } = await login();
  const run = promisify(execFile);
  const { stdout } = await run("curl", [
    ...["-sS", "--max-time", "10", "-u", `${introspector.id}:${introspector.key}`],
    ...["--data-urlencode", `token=${pair.access_token}`, `http://${server.http}/oauth/introspect`],
  ]);
  equal((JSON.parse(stdout) as Json)["active"], true);
});

it("no token is in the log", async () => {
  const { pair } = await login();
  await introspect(pair.access_token);
  await post("/oauth/revoke", { token: pair.refresh_token }, withToken(pair.access_token));
  for (const secret of [pair.access_token, pair.refresh_token, introspector.key, revoker]) {
    ok(!server.stderr().includes(secret));
  }
});
