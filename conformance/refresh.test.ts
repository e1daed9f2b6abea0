import { deepEqual, equal, notEqual, ok } from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { openSqliteStore } from "countersign/store/sqlite";
import type { Administrator } from "./cast.ts";
import type { Client } from "./clients/client.ts";
import {
  answer,
  bearer,
  call,
  claimsOf,
  http,
  logIn,
  newAccount,
  type Pair,
  passes,
  refusal,
} from "./door.ts";
import { closeServer, openServer, reopenServer } from "./open-server.ts";
import { type ServerProcess, startServer } from "./server-process.ts";

// A refresh token is used once. Who uses it twice by accident loses nothing; who uses a stolen one ends the session.

let server: ServerProcess;
let administrator: Administrator;
let client: Client;

before(async () => {
  ({ server, administrator, client } = await openServer());
});
after(() => closeServer({ server, administrator, client }));

const freshPair = async (): Promise<Pair> => logIn(client, await newAccount(administrator));

async function refresh(token: string): Promise<Pair> {
  return (await answer(call(client, "RefreshToken", { refresh_token: token }))) as unknown as Pair;
}

async function refusalOf(token: string): Promise<string> {
  const [code, reason] = await refusal(call(client, "RefreshToken", { refresh_token: token }));
  return `${code} ${reason}`;
}

const tokensOf = ({ access_token, refresh_token }: Pair) => ({ access_token, refresh_token });

const dead = "16 TOKEN_REVOKED";
const invalid = "16 TOKEN_INVALID";

describe("a refresh", () => {
  it("gives a new pair that works, and leaves the old access token alone", async () => {
    const first = await freshPair();
    const second = await refresh(first.refresh_token);
    notEqual(second.refresh_token, first.refresh_token);
    notEqual(second.access_token, first.access_token);
    for (const { access_token: token } of [first, second]) equal(await passes(client, bearer(token)), "ok");
    equal(claimsOf(second.access_token)["sid"], claimsOf(first.access_token)["sid"]);
    notEqual(claimsOf(second.access_token)["jti"], claimsOf(first.access_token)["jti"]);
    await refresh(second.refresh_token);
  });

  it("answered twice within the grace is the same pair, byte for byte", async () => {
    const first = await freshPair();
    const second = await refresh(first.refresh_token);
    deepEqual(tokensOf(await refresh(first.refresh_token)), tokensOf(second));
    await refresh(second.refresh_token);
  });

  it("CVE-2026-1035: 50 times at once, over gRPC and HTTP, is one pair, and logs nobody out", async () => {
    const first = await freshPair();
    const body = { refresh_token: first.refresh_token };
    const answers = await Promise.all(
      Array.from({ length: 50 }, async (_, index) => {
        if (index % 2 === 0) return refresh(first.refresh_token);
        const { status, json } = await http(server, "/auth/token/refresh", { body });
        equal(status, 200);
        return json as unknown as Pair;
      }),
    );
    equal(new Set(answers.map((pair) => JSON.stringify(tokensOf(pair)))).size, 1);
    const [second] = answers as [Pair];
    equal(await passes(client, bearer(second.access_token)), "ok");
    await refresh(second.refresh_token);
  });

  const paths: readonly (readonly [string, string])[] = [
    ["/auth/token/refresh", "refresh_token"],
    ["/auth/token/refresh", "refresh"],
    ["/api/token/refresh/", "refresh"],
    ["/api/token/refresh", "refresh_token"],
    ["/auth.v1.AuthService/RefreshToken", "refresh_token"],
  ];
  for (const [path, field] of paths) {
    it(`works at ${path} with {"${field}"}`, async () => {
      const { refresh_token: token } = await freshPair();
      const { status, json } = await http(server, path, { body: { [field]: token } });
      equal(status, 200);
      const { access_token: access, refresh_token: next } = json as unknown as Pair;
      equal(await passes(client, bearer(access)), "ok");
      if (path.startsWith("/api")) deepEqual([json["access"], json["refresh"]], [access, next]);
      if (!path.startsWith("/auth.v1")) equal(typeof json["expires_in"], "number");
      await refresh(next);
    });
  }
});

describe("CVE-2026-9802, keycloak #50999: a refresh token that was used, and its successor, too", () => {
  it("ends the session: every token of it, on both doors", async () => {
    const other = await newAccount(administrator);
    const [first, elsewhere] = [await logIn(client, other), await logIn(client, other)];
    const second = await refresh(first.refresh_token);
    const third = await refresh(second.refresh_token);
    equal(await refusalOf(first.refresh_token), dead);
    for (const { access_token: token, refresh_token: next } of [first, second, third]) {
      equal(await passes(client, bearer(token)), "TOKEN_REVOKED");
      equal((await http(server, "/auth.v1.AuthService/WhoAmI", { token })).json["reason"], "TOKEN_REVOKED");
      equal(await refusalOf(next), dead);
      const again = await http(server, "/auth/token/refresh", { body: { refresh_token: next } });
      deepEqual([again.status, again.json["reason"]], [401, "TOKEN_REVOKED"]);
    }
    // Another session of the same user goes on.
    equal(await passes(client, bearer(elsewhere.access_token)), "ok");
    await refresh(elsewhere.refresh_token);
  });

  it("at once and from everywhere ends it once", async () => {
    const first = await freshPair();
    const second = await refresh(first.refresh_token);
    const third = await refresh(second.refresh_token);
    const results = await Promise.all(Array.from({ length: 20 }, () => refusalOf(first.refresh_token)));
    deepEqual([...new Set(results)], [dead]);
    equal(await refusalOf(third.refresh_token), dead);
    const sid = String(claimsOf(first.access_token)["sid"]);
    equal((await auditOf(sid)).length, 1);
  });
});

async function auditOf(sid: string): Promise<readonly string[]> {
  const store = await openSqliteStore({ path: join(server.data, "countersign.db") });
  try {
    const rows = await store.audit.list({ limit: 100, target: `session:${sid}` });
    return rows.map(({ action, details }) => `${action} ${details["presented"]} ${details["inForce"]}`);
  } finally {
    await store.close();
  }
}

describe("keycloak #51312: a restart", () => {
  it("changes nothing: what was used stays used, and what was in force is", async () => {
    const used = await freshPair();
    const successor = await refresh(used.refresh_token);
    const latest = await refresh(successor.refresh_token);
    const [ended, kept] = [await freshPair(), await freshPair()];
    await refresh((await refresh(ended.refresh_token)).refresh_token);
    equal(await refusalOf(ended.refresh_token), dead);

    ({ server, administrator, client } = await reopenServer({ server, administrator, client }));

    equal(await passes(client, bearer(kept.access_token)), "ok");
    equal(await passes(client, bearer(ended.access_token)), "TOKEN_REVOKED");
    equal(await refusalOf(ended.refresh_token), dead);
    await refresh(kept.refresh_token);
    equal(await passes(client, bearer(latest.access_token)), "ok");
    equal(await refusalOf(used.refresh_token), dead);
    equal(await passes(client, bearer(latest.access_token)), "TOKEN_REVOKED");
    equal(await refusalOf(latest.refresh_token), dead);
    deepEqual(await auditOf(String(claimsOf(used.access_token)["sid"])), ["session.reuse_detected 1 3"]);
  });
});

describe("refused are", () => {
  it("the refresh of a user who is disabled, and of one who is gone", async () => {
    const account = await newAccount(administrator);
    const { refresh_token: token, access_token: access } = await logIn(client, account);
    await administrator.call("/auth.v1.UserService/DisableUser", { id: account.id });
    equal(await refusalOf(token), dead);
    equal(await passes(client, bearer(access)), "USER_DISABLED");
    await administrator.call("/auth.v1.UserService/DeleteUser", { id: account.id });
    equal(await refusalOf(token), dead);
    equal(await passes(client, bearer(access)), "TOKEN_INVALID");
  });

  it("a refresh token as a bearer, and an access token as a refresh token", async () => {
    const { access_token: access, refresh_token: token } = await freshPair();
    const [code, reason] = await refusal(call(client, "WhoAmI", {}, bearer(token)));
    equal(code, 16);
    ok(reason === "CREDENTIALS_MALFORMED" || reason === "TOKEN_INVALID", reason);
    equal((await http(server, "/auth.v1.AuthService/WhoAmI", { token })).status, 401);
    equal(await refusalOf(access), invalid);
  });

  it("one that was tampered with, or never given out", async () => {
    const { refresh_token: token } = await freshPair();
    const [head = "", generation = "", mac = ""] = token.split(".");
    const flipped = mac.startsWith("A") ? `B${mac.slice(1)}` : `A${mac.slice(1)}`;
    for (const wrong of [
      `${head}.${Number(generation) + 1}.${mac}`,
      `${head}.0.${mac}`,
      `${head}.${generation}.${flipped}`,
      `${head}x.${generation}.${mac}`,
      `${token}.`,
      ` ${token}`,
      `${token}\n`,
      token.toUpperCase(),
      "cs_refresh_",
      "x".repeat(5000),
      "a.b.c",
    ]) {
      equal(await refusalOf(wrong), invalid, wrong.slice(0, 100));
    }
    await refresh(token);
  });

  it("one from another installation", async () => {
    const other = await startServer();
    const { username, password } = other.users.find((user) => user.username === "alice") ?? {};
    const { json } = await http(other, "/auth/token", { body: { username, password } });
    await other.stop();
    equal(await refusalOf(String(json["refresh_token"])), invalid);
    equal(await passes(client, bearer(String(json["access_token"]))), "TOKEN_INVALID");
  });

  it("none at all, which is a mistake in the request", async () => {
    const [code, , message] = await refusal(call(client, "RefreshToken", {}));
    deepEqual([code, message], [3, "refresh_token: is missing"]);
    equal((await http(server, "/api/token/refresh/", { body: {} })).status, 400);
  });
});
