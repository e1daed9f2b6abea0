import { deepEqual, equal, ok } from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Administrator } from "./cast.ts";
import type { Client } from "./clients/client.ts";
import { answer, bearer, call, http, logIn, newAccount, passes } from "./door.ts";
import { looksWithin } from "./guess-pace.ts";
import { closeServer, openServer, reopenServer } from "./open-server.ts";
import { developmentSecrets, type ServerProcess } from "./server-process.ts";
import { accessClaims, sign } from "./tokens.ts";

// Limits by network, with this machine's own address counted as any other.

let server: ServerProcess;
let administrator: Administrator;
let client: Client;
const config =
  "auth: { limits: { failed_logins_per_network: 12, shared_addresses: [], key_validations: 30, wrong_key_validations: 10 } }";
before(async () => {
  ({ server, administrator, client } = await openServer({ config }));
});
after(() => closeServer({ server, administrator, client }));

const wrong = "this is not the password";

describe("ValidateApiKey", () => {
  it("is limited for each caller, with the time to wait", async () => {
    const validator = await administrator.createKey("1", "validator", ["auth.keys:validate"]);
    const other = await administrator.createKey("1", "other validator", ["auth.keys:validate"]);
    const ask = (key: string, asks = validator) =>
      http(server, "/auth.v1.AuthService/ValidateApiKey", {
        body: { api_key: key, service_name: "reports" },
        headers: { "x-api-key": asks.key },
      });
    const good = await Promise.all(Array.from({ length: 40 }, () => ask(server.apiKey)));
    const passed = good.filter(({ status, json }) => status === 200 && json["valid"] === true).length;
    ok(passed >= 30 && passed <= 35, String(passed));
    const refused = good.find(({ status }) => status === 429);
    equal(refused?.json["reason"], "RATE_LIMITED");
    ok(Number(refused?.headers.get("retry-after")) >= 1);
    const wrongs: number[] = [];
    for (let n = 0; n < 16; n += 1) wrongs.push((await ask(`guess-${n}`, other)).status);
    const looked = wrongs.filter((status) => status === 200).length;
    ok(looked >= 10 && looked <= 12, String(looked));
    equal((await ask(server.apiKey, other)).status, 429);
    equal(await passes(client, ["x-api-key", other.key]), "ok");
  });
});

describe("tokens outside sessions", () => {
  const minted = async (userId: string, now = Date.now()) => {
    const iat = Math.floor(now / 1000) - 5;
    return sign(developmentSecrets(server.data).jwtSecret, { ...accessClaims(userId), iat });
  };

  it("end with a new password, and the session that it was changed in goes on", async () => {
    const account = await newAccount(administrator);
    const pair = await logIn(client, account);
    const token = await minted(account.id);
    equal(await passes(client, bearer(token)), "ok");
    const change = { current_password: account.password, new_password: "a new one that is long" };
    await answer(call(client, "ChangePassword", change, bearer(pair.access_token)));
    equal(await passes(client, bearer(token)), "TOKEN_REVOKED");
    equal(await passes(client, bearer(pair.access_token)), "ok");
    const again = await answer(call(client, "RefreshToken", { refresh_token: pair.refresh_token }));
    equal(await passes(client, bearer(String(again["access_token"]))), "ok");
  });

  it("of a deleted user have one answer, now and after a restart", async () => {
    const account = await newAccount(administrator);
    const token = await minted(account.id);
    const { key } = await administrator.createKey(account.id, "of a deleted user");
    for (const header of [bearer(token), ["x-api-key", key] as const])
      equal(await passes(client, header), "ok");
    await administrator.call("/auth.v1.UserService/DeleteUser", { id: account.id });
    const told = async () => [await passes(client, bearer(token)), await passes(client, ["x-api-key", key])];
    const before = await told();
    deepEqual(before, ["TOKEN_INVALID", "API_KEY_REVOKED"]);
    ({ server, administrator, client } = await reopenServer({ server, administrator, client }, { config }));
    deepEqual(await told(), before);
  });
});

// The last one: the network is full after it.
it("CVE-2025-6004: names are guessed at from one network until it is full, whatever X-Forwarded-For says", async () => {
  const known = await newAccount(administrator);
  const unknown = await newAccount(administrator);
  await logIn(client, known);
  const reasons: unknown[] = [];
  for (let n = 0; n < 20; n += 1) {
    const headers = {
      "x-forwarded-for": `203.0.113.${n}`,
      forwarded: `for=203.0.113.${n}`,
      "x-real-ip": "203.0.113.9",
    };
    const body = { username: `somebody${n}`, password: wrong };
    reasons.push((await http(server, "/auth.v1.AuthService/Login", { body, headers })).json["reason"]);
  }
  deepEqual(reasons, [...Array(12).fill("LOGIN_FAILED"), ...Array(8).fill("RATE_LIMITED")]);
  const { reason } = await call(client, "Login", { username: unknown.username, password: unknown.password });
  equal(reason, "RATE_LIMITED");
  // GHSA-cq42: whoever has logged in from here before has an allowance of their own.
  await logIn(client, known);
  const began = performance.now();
  const guesses = Array.from({ length: 10 }, () =>
    call(client, "Login", { username: known.username, password: wrong }),
  );
  const own = (await Promise.all(guesses)).map(({ reason: told }) => told);
  const looked = own.filter((told) => told === "LOGIN_FAILED").length;
  ok(looked >= 2 && looked <= looksWithin(performance.now() - began), own.join());
  equal(own.filter((told) => told === "RATE_LIMITED").length, own.length - looked, own.join());
});
