import { deepEqual, equal, ok } from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { answer, bearer, call, passes } from "./door.ts";
import {
  introspect,
  isInactive,
  loggedIn,
  type OAuthStage,
  oauthStage,
  post,
  renewed,
  revokerKey,
  withToken,
} from "./oauth-stage.ts";

// RFC 7009, and what both forms refuse.

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

describe("revocation", () => {
  it("of a refresh token ends its session, and the access tokens of it", async () => {
    const { pair } = await loggedIn(stage);
    const next = await renewed(stage, pair);
    const { status, text } = await post(
      server,
      "/oauth/revoke",
      { token: next.refresh_token, token_type_hint: "refresh_token" },
      withToken(next.access_token),
    );
    deepEqual([status, text], [200, ""]);
    equal(await passes(client, bearer(next.access_token)), "TOKEN_REVOKED");
    equal(await passes(client, bearer(pair.access_token)), "TOKEN_REVOKED");
    const { reason } = await call(client, "RefreshToken", { refresh_token: next.refresh_token });
    equal(reason, "TOKEN_REVOKED");
  });

  it("of an access token ends that one, and its session goes on", async () => {
    const { pair } = await loggedIn(stage);
    // A hint that is wrong, or of a kind that nobody knows, is none.
    const form = { token: pair.access_token, token_type_hint: "refresh_token" };
    equal((await post(server, "/oauth/revoke", form, withToken(pair.access_token))).status, 200);
    equal(await passes(client, bearer(pair.access_token)), "TOKEN_REVOKED");
    await isInactive(stage, pair.access_token);
    equal(await passes(client, bearer((await renewed(stage, pair)).access_token)), "ok");
  });

  it("of one that is unknown, over or revoked is no failure", async () => {
    const { pair } = await loggedIn(stage);
    const other = await loggedIn(stage);
    await answer(call(client, "Logout", {}, bearer(other.pair.access_token)));
    for (const token of ["x", "é", other.pair.access_token, `${pair.refresh_token}x`, "y".repeat(8192)]) {
      const { status, text } = await post(server, "/oauth/revoke", { token }, withToken(pair.access_token));
      deepEqual([status, text], [200, ""]);
    }
    equal(await passes(client, bearer(pair.access_token)), "ok");
  });

  it("is for the holder, and for who was granted it and may not do less", async () => {
    const [ada, bob, staff] = [
      await loggedIn(stage),
      await loggedIn(stage),
      await loggedIn(stage, { is_staff: true }),
    ];
    const key = await administrator.createKey(ada.account.id, "ada's own");
    for (const token of [ada.pair.access_token, ada.pair.refresh_token]) {
      for (const headers of [withToken(bob.pair.access_token), { "x-api-key": key.key }]) {
        const { status, json } = await post(server, "/oauth/revoke", { token }, headers);
        deepEqual([status, json["error"]], [403, "insufficient_scope"]);
      }
    }
    for (const token of [staff.pair.access_token, staff.pair.refresh_token]) {
      equal((await post(server, "/oauth/revoke", { token }, { "x-api-key": revokerKey })).status, 403);
    }
    equal(await passes(client, bearer(staff.pair.access_token)), "ok");
    equal(await passes(client, bearer(ada.pair.access_token)), "ok");
    for (const token of [ada.pair.access_token, ada.pair.refresh_token]) {
      equal((await post(server, "/oauth/revoke", { token }, { "x-api-key": revokerKey })).status, 200);
      await isInactive(stage, token);
    }
    equal((await post(server, "/oauth/revoke", { token: "x" })).status, 401);
  });

  it("is not for API keys, which it says", async () => {
    const { pair } = await loggedIn(stage);
    const { status, json } = await post(
      server,
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
        const { status: told, json, text } = await post(server, path, form, { ...headers, ...more });
        deepEqual([told, json["error"]], [status, "invalid_request"], `${form.slice(0, 40)}: ${text}`);
      }
      // Nobody who is not known gets so far.
      equal((await post(server, path, "token=a&token=b")).status, 401);
      for (const method of ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"]) {
        const response = await fetch(`http://${server.http}${path}?token=x`, { method, headers });
        deepEqual([response.status, response.headers.get("allow")], [405, "POST"], method);
      }
    });
  }
});

it("no token is in the log", async () => {
  const { pair } = await loggedIn(stage);
  await introspect(stage, pair.access_token);
  await post(server, "/oauth/revoke", { token: pair.refresh_token }, withToken(pair.access_token));
  for (const secret of [pair.access_token, pair.refresh_token, introspector.key, revokerKey]) {
    ok(!server.stderr().includes(secret));
  }
});
