import { deepEqual, equal, ok } from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { ApiKeyService, AuthService, UserService } from "countersign/service";
import { type Administrator, ids } from "./cast.ts";
import type { Client, Header } from "./clients/client.ts";
import { answer, bearer, call, claimsOf, logIn, newAccount, passes } from "./door.ts";
import { closeServer, openServer } from "./open-server.ts";
import type { Json } from "./protos.ts";
import type { ServerProcess } from "./server-process.ts";

// What a key may do to accounts, keys and sessions: nothing that was not granted, and nobody who may do more.

const sessionsKey = "static-key-for-sessions-0123456789";

let server: ServerProcess;
let administrator: Administrator;
let client: Client;
before(async () => {
  ({ server, administrator, client } = await openServer({
    config: `auth: { api_keys: { static: [{ name: helpdesk, key: { env: HELPDESK }, permissions: ['auth.sessions:write'] }] } }`,
    env: { HELPDESK: sessionsKey },
  }));
});
after(() => closeServer({ server, administrator, client }));

const keyHeader = (key: string): Header => ["x-api-key", key];

async function makeKey(
  maker: string,
  name: string,
  scopes: readonly string[],
): Promise<{ id: string; key: string }> {
  const procedure = "/auth.v1.ApiKeyService/CreateApiKey";
  const made = await answer(
    client.call({ procedure, requests: [{ name, scopes }], headers: [keyHeader(maker)] }),
  );
  const { api_key: record, key } = made as { api_key: { id: string; made_by: string }; key: string };
  return { id: record.id, key };
}

const revoke = (id: string, more: Json = {}): Promise<Json> =>
  administrator.call("/auth.v1.ApiKeyService/RevokeApiKey", { id, ...more });

describe("a key that makes keys", () => {
  const scopes = ["auth.keys:write", "auth.keys:read"];
  const family = async (name: string) => {
    const root = await administrator.createKey(ids.alice, name, scopes);
    const child = await makeKey(root.key, `${name} child`, scopes);
    const grandchild = await makeKey(child.key, `${name} grandchild`, ["auth.keys:read"]);
    return { root, child, grandchild };
  };

  it("is named in them, and whoever revokes it is told what is left", async () => {
    const { root, child, grandchild } = await family("told");
    const { api_key: record } = (await administrator.call("/auth.v1.ApiKeyService/GetApiKey", {
      id: grandchild.id,
    })) as { api_key: Json };
    equal(record["made_by"], child.id);
    const { made_keys: made, revoked_keys: gone } = await revoke(root.id);
    deepEqual([made, gone], [[child.id], []]);
    equal(await passes(client, keyHeader(child.key)), "ok");
    const { made_keys: left, revoked_keys: revoked } = await revoke(root.id, { with_made_keys: true });
    deepEqual([left, revoked], [[], [child.id, grandchild.id]]);
    for (const { key } of [root, child, grandchild]) {
      equal(await passes(client, keyHeader(key)), "API_KEY_REVOKED");
    }
  });

  it("takes with it also what a key made that is revoked already", async () => {
    const { root, child, grandchild } = await family("in two steps");
    await revoke(root.id);
    await revoke(child.id, { with_made_keys: true });
    equal(await passes(client, keyHeader(grandchild.key)), "API_KEY_REVOKED");
  });

  it("keeps a reason that no store takes from being a failure", async () => {
    const { id } = await administrator.createKey(ids.admin, "odd reason");
    for (const reason of ["nul\0", "x".repeat(501)]) {
      const outcome = await client.call({
        procedure: "/auth.v1.ApiKeyService/RevokeApiKey",
        requests: [{ id, reason }],
        headers: [bearer((await adminLogin()).access_token)],
      });
      equal(outcome.code, 3);
      ok(outcome.message.startsWith("reason:"), outcome.message);
    }
  });
});

async function adminLogin() {
  const { password } = server.users.find(({ username }) => username === "admin") ?? { password: "" };
  return logIn(client, { id: ids.admin, username: "admin", email: "", password });
}

describe("a session", () => {
  it("of someone who may do more is nobody's to end", async () => {
    const plain = await logIn(client, await newAccount(administrator));
    const staff = await logIn(client, await newAccount(administrator, { is_staff: true }));
    const root = await logIn(client, await newAccount(administrator, { is_superuser: true }));
    const end = ({ access_token: token }: typeof plain) =>
      call(client, "RevokeSession", { id: String(claimsOf(token)["sid"]) }, keyHeader(sessionsKey));
    for (const pair of [staff, root]) {
      const { code, reason } = await end(pair);
      deepEqual([code, reason], [7, "PERMISSION_DENIED"]);
      equal(await passes(client, bearer(pair.access_token)), "ok");
    }
    equal((await end(plain)).code, 0);
    equal(await passes(client, bearer(plain.access_token)), "TOKEN_REVOKED");
  });

  it("REGRESSION: is not ended for a reason with NUL, which is the caller's mistake", async () => {
    const pair = await logIn(client, await newAccount(administrator));
    const id = String(claimsOf(pair.access_token)["sid"]);
    const { code, message } = await call(
      client,
      "RevokeSession",
      { id, reason: "a\0b" },
      bearer(pair.access_token),
    );
    equal(code, 3);
    ok(message.startsWith("reason:"), message);
    equal(await passes(client, bearer(pair.access_token)), "ok");
  });
});

describe("an unscoped key of a superuser's", () => {
  it("may do what its owner may, except managing keys, accounts and sessions", async () => {
    const { key } = await administrator.createKey(ids.admin, "unscoped");
    const pair = await logIn(client, await newAccount(administrator));
    const sid = String(claimsOf(pair.access_token)["sid"]);
    const requests: Readonly<Record<string, Json>> = {
      RevokeSession: { id: sid },
      RenewStream: { stream_id: "a-name-that-no-stream-has" },
      ListSessions: { user_id: ids.admin },
      GetApiKey: { id: key.split("_")[2] ?? "" },
      RevokeApiKey: { id: key.split("_")[2] ?? "" },
    };
    // What is anyone's: nobody's account, key or session is touched.
    const free = ["Login", "RefreshToken", "WhoAmI", "Logout"];
    for (const service of [AuthService, UserService, ApiKeyService]) {
      for (const { name } of service.methods.filter(({ name }) => !free.includes(name))) {
        const procedure = `/${service.typeName}/${name}`;
        const request = requests[name] ?? {};
        const { code } = await client.call({ procedure, requests: [request], headers: [keyHeader(key)] });
        ok(code === 7 || code === 5, `${procedure}: ${code}`);
      }
    }
    equal(await passes(client, bearer(pair.access_token)), "ok");
    // Its owner's rights, where that is not so: the guard isSuperuser.
    const procedure = "/api.users.UserService/DeleteUser";
    const { code } = await client.call({
      procedure,
      requests: [{ user_id: "999" }],
      headers: [keyHeader(key)],
    });
    equal(code, 5);
    const scoped = await administrator.createKey(ids.admin, "scoped", ["reports:read"]);
    const refused = await client.call({ procedure, requests: [{}], headers: [keyHeader(scoped.key)] });
    equal(refused.code, 7);
  });
});
