import { deepEqual, equal, match, ok } from "node:assert/strict";
import { execFile } from "node:child_process";
import { after, before, describe, it } from "node:test";
import { promisify } from "node:util";
import { ids } from "./cast.ts";
import { answer, bearer, call, claimsOf } from "./door.ts";
import {
  basic,
  type FormAnswer,
  introspect,
  isInactive,
  loggedIn,
  type OAuthStage,
  oauthStage,
  post,
  renewed,
  withToken,
} from "./oauth-stage.ts";
import type { Json } from "./protos.ts";
import { developmentSecrets } from "./server-process.ts";
import { accessClaims, sign } from "./tokens.ts";

// RFC 7662, as a resource server or an API gateway uses it.

let stage: OAuthStage;
let server: OAuthStage["server"];
let administrator: OAuthStage["administrator"];
let client: OAuthStage["client"];
let introspector: OAuthStage["introspector"];
before(async () => {
  stage = await oauthStage();
  ({ server, administrator, client, introspector } = stage);
});
after(() => stage.close());

describe("introspection", () => {
  it("tells of an access token what it says, and whose it is now", async () => {
    const { account, pair } = await loggedIn(stage);
    const claims = claimsOf(pair.access_token);
    const { status, headers, json } = await introspect(stage, pair.access_token);
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
    equal((await introspect(stage, pair.access_token)).json["username"], renamed);
  });

  it("tells of a refresh token that is in force, and uses nothing up", async () => {
    const { account, pair } = await loggedIn(stage);
    for (let round = 0; round < 2; round += 1) {
      const { json } = await introspect(stage, pair.refresh_token);
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
    const next = await renewed(stage, pair);
    await isInactive(stage, pair.refresh_token);
    equal((await introspect(stage, next.refresh_token)).json["active"], true);
  });

  it("tells of an API key, unless it is meant for some services", async () => {
    const { id, key } = await administrator.createKey(ids.admin, "asked about", [
      "reports:read",
      "mail:send",
    ]);
    deepEqual((await introspect(stage, key)).json, {
      active: true,
      sub: ids.admin,
      username: "admin",
      client_id: id,
      scope: "reports:read mail:send",
      token_type: "api_key",
    });
    const bound = await administrator.createKey(ids.admin, "for one service", ["service:reports"]);
    await isInactive(stage, bound.key);
    await administrator.call("/auth.v1.ApiKeyService/RevokeApiKey", { id });
    await isInactive(stage, key);
  });

  it("says no, and nothing else, of everything that is not good", async () => {
    const { account, pair } = await loggedIn(stage);
    const other = await loggedIn(stage);
    await answer(call(client, "Logout", {}, bearer(other.pair.access_token)));
    await isInactive(stage, other.pair.access_token);
    await isInactive(stage, other.pair.refresh_token);
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
    for (const token of forged) await isInactive(stage, token);
    equal((await introspect(stage, pair.access_token)).json["active"], true);
    await administrator.call("/auth.v1.UserService/DisableUser", { id: account.id });
    await isInactive(stage, pair.access_token);
    await isInactive(stage, pair.refresh_token);
    await administrator.call("/auth.v1.UserService/DeleteUser", { id: account.id });
    await isInactive(stage, pair.access_token);
    await isInactive(stage, pair.refresh_token);
  });

  it("is for those who were granted it, by key, token or HTTP Basic", async () => {
    const { pair } = await loggedIn(stage, { is_staff: true });
    const token = pair.access_token;
    const { id, key } = introspector;
    equal((await post(server, "/oauth/introspect", { token }, basic(id, key))).json["active"], true);
    const { authorization } = basic(id, key);
    const lower = { authorization: authorization.replace("Basic", "basic") };
    equal((await post(server, "/oauth/introspect", { token }, lower)).json["active"], true);
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
      const told = await post(server, "/oauth/introspect", { token }, headers as Record<string, string>);
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
      last = await post(server, "/oauth/introspect", { token: `guess${n}` }, { "x-api-key": eager.key });
      statuses.push(last.status);
    }
    const looked = statuses.filter((status) => status === 200).length;
    ok(looked >= 40 && looked <= 45, String(looked));
    equal(last?.status, 429);
    ok(Number(last?.headers.get("retry-after")) >= 1);
    const { pair } = await loggedIn(stage);
    equal((await introspect(stage, pair.access_token)).json["active"], true);
    // It is the same limit for keys.
    const { code, reason } = await call(client, "ValidateApiKey", { api_key: "x" }, ["x-api-key", eager.key]);
    deepEqual([code, reason], [7, "PERMISSION_DENIED"]);
  });
});

it("curl does it as standard clients do: client_secret_basic", async () => {
  const { pair } = await loggedIn(stage);
  const run = promisify(execFile);
  const { stdout } = await run("curl", [
    ...["-sS", "--max-time", "10", "-u", `${introspector.id}:${introspector.key}`],
    ...["--data-urlencode", `token=${pair.access_token}`, `http://${server.http}/oauth/introspect`],
  ]);
  equal((JSON.parse(stdout) as Json)["active"], true);
});
