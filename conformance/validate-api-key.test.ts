import { deepEqual, equal, ok } from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type Administrator, ids } from "./cast.ts";
import type { Client, Header } from "./clients/client.ts";
import { answer, bearer, call, http, logIn, newAccount, refusal } from "./door.ts";
import { closeServer, openServer } from "./open-server.ts";
import type { Json } from "./protos.ts";
import type { ServerProcess } from "./server-process.ts";

let server: ServerProcess;
let administrator: Administrator;
let client: Client;
before(async () => {
  ({ server, administrator, client } = await openServer());
});
after(() => closeServer({ server, administrator, client }));

const validate = (key: string, service = "reports"): Promise<Json> =>
  administrator.call("/auth.v1.AuthService/ValidateApiKey", { api_key: key, service_name: service });

const invalid = { valid: false, client_id: "", permissions: [], expires_at: null, details: null };

describe("ValidateApiKey", () => {
  it("says of a good key whose program it is and what it may", async () => {
    // Scopes limit what its owner may, and a superuser may everything.
    for (const [owner, expected] of [
      [ids.admin, ["reports:read"]],
      [ids.sam, []],
    ] as const) {
      const { id, key } = await administrator.createKey(owner, "limited", ["reports:read"]);
      const { valid, client_id: clientId, permissions, expires_at: expiresAt } = await validate(key);
      deepEqual([valid, clientId, permissions, expiresAt], [true, id, expected, null]);
    }
  });

  it("tells when a key expires", async () => {
    const expires = Math.floor(Date.now() / 1000) + 3600;
    const request = { user_id: ids.sam, name: "for an hour", expires_at: { seconds: String(expires) } };
    const { key } = await administrator.call("/auth.v1.ApiKeyService/CreateApiKey", request);
    const { valid, expires_at: expiresAt } = await validate(String(key));
    deepEqual([valid, (expiresAt as Json)["seconds"]], [true, String(expires)]);
  });

  it("says nothing but no of every other one", async () => {
    const { id, key } = await administrator.createKey(ids.sam, "to be revoked");
    equal((await validate(key))["valid"], true);
    await administrator.call("/auth.v1.ApiKeyService/RevokeApiKey", { id });
    deepEqual(await validate(key), invalid);
    const { id: owner } = await newAccount(administrator);
    const owned = await administrator.createKey(owner, "of someone");
    await administrator.call("/auth.v1.UserService/DisableUser", { id: owner });
    deepEqual(await validate(owned.key), invalid);
    const good = await administrator.createKey(ids.sam, "another good one");
    const flipped = good.key.slice(0, -1) + (good.key.endsWith("a") ? "b" : "a");
    for (const wrong of ["", "x", flipped, `${good.key} `, `Bearer ${good.key}`, "k".repeat(10_000), "é\n"]) {
      deepEqual(await validate(wrong), invalid, wrong.slice(0, 80));
    }
    // A token is no key.
    const { access_token: token } = await logIn(client, await newAccount(administrator));
    deepEqual(await validate(token), invalid);
  });

  it("says no of a key that is meant for other services", async () => {
    const { key } = await administrator.createKey(ids.sam, "for two", [
      "service:reports",
      "service:billing",
      "reports:read",
    ]);
    equal((await validate(key, "reports"))["valid"], true);
    equal((await validate(key, "billing"))["valid"], true);
    for (const service of ["", "mail", "Reports", "reports ", "reports:read"]) {
      deepEqual(await validate(key, service), invalid, service);
    }
  });

  const ask = (header?: Header) =>
    refusal(call(client, "ValidateApiKey", { api_key: server.apiKey, service_name: "reports" }, header));

  it("is for those who were granted it", async () => {
    const plain = await logIn(client, await newAccount(administrator));
    const staff = await logIn(client, await newAccount(administrator, { is_staff: true }));
    for (const { access_token: token } of [plain, staff]) {
      deepEqual((await ask(bearer(token))).slice(0, 2), [7, "PERMISSION_DENIED"]);
    }
    equal((await ask())[1], "CREDENTIALS_MISSING");
    deepEqual((await ask(["x-api-key", server.apiKey])).slice(0, 2), [7, "PERMISSION_DENIED"]);
    // A key of a superuser's without scopes may not do what concerns accounts and keys.
    const unscoped = await administrator.createKey(ids.admin, "unscoped");
    equal((await ask(["x-api-key", unscoped.key]))[0], 7);
    const scoped = await administrator.createKey(ids.admin, "validates", ["auth.keys:validate"]);
    equal((await ask(["x-api-key", scoped.key]))[0], 0);
  });

  it("works over HTTP, and the key is in no log", async () => {
    const { key: validator } = await administrator.createKey(ids.admin, "validator", ["auth.keys:validate"]);
    const { key } = await administrator.createKey(ids.sam, "asked about");
    const body = { api_key: key, service_name: "reports" };
    const headers = { "x-api-key": validator };
    const { status, json } = await http(server, "/auth.v1.AuthService/ValidateApiKey", { body, headers });
    deepEqual([status, json["valid"]], [200, true]);
    ok(!server.stderr().includes(key));
    await answer(call(client, "ValidateApiKey", body, ["x-api-key", validator]));
  });
});
