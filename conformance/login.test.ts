import { deepEqual, equal, match, ok } from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type Administrator, ids } from "./cast.ts";
import type { Client } from "./clients/client.ts";
import { grpcJs } from "./clients/grpc-js.ts";
import { python } from "./clients/python.ts";
import {
  type Account,
  answer,
  bearer,
  call,
  claimsOf,
  type HttpAnswer,
  http,
  newAccount,
  passes,
  refusal,
  tellsItsLifetime,
} from "./door.ts";
import { closeServer, openServer } from "./open-server.ts";
import type { Json } from "./protos.ts";
import type { ServerProcess } from "./server-process.ts";

// Login at every door: gRPC with two libraries, Connect's JSON, and the paths of the seeds' clients.

let server: ServerProcess;
let administrator: Administrator;
let client: Client;
before(async () => {
  ({ server, administrator, client } = await openServer());
});
after(() => closeServer({ server, administrator, client }));

const identities: readonly (readonly [string, (account: Account) => Json])[] = [
  ["by username", ({ username, password }) => ({ username, password })],
  ["by email", ({ email, password }) => ({ email, password })],
  ["by email in another case", ({ email, password }) => ({ email: email.toUpperCase(), password })],
  ["by email in the field for the username", ({ email, password }) => ({ username: email, password })],
];

for (const kind of [grpcJs, python]) {
  describe(`over gRPC with ${kind.name}`, () => {
    let other: Client;
    before(async () => (other = await kind.connect(server.grpc)));
    after(() => other.close());

    for (const [how, requestOf] of identities) {
      it(`logs in ${how}, and the token is good at once`, async () => {
        const account = await newAccount(administrator);
        const login = await answer(call(other, "Login", requestOf(account)));
        const { access_token: token, token_type: type, user } = login;
        equal(type, "bearer");
        tellsItsLifetime(login, 900);
        deepEqual((user as Json)["username"], account.username);
        const { requested_by: caller } = await answer(
          other.call({
            procedure: "/api.users.UserService/GetUser",
            requests: [{ user_id: ids.admin }],
            headers: [bearer(String(token))],
          }),
        );
        equal(caller, account.username);
      });
    }
  });
}

it("names the session, the methods and the time of the login in the token", async () => {
  const account = await newAccount(administrator);
  const login = await answer(call(client, "Login", identities[0]?.[1](account)));
  const claims = claimsOf(String(login["access_token"]));
  deepEqual(
    [claims["sub"], claims["token_type"], claims["amr"], claims["auth_time"], claims["email"]],
    [account.id, "access", ["pwd"], claims["iat"], account.email],
  );
  match(String(claims["sid"]), /^[\w-]{24}$/);
  match(String(claims["jti"]), /^[\w-]{22}$/);
});

const connectPath = "/auth.v1.AuthService/Login";
const aliases = ["/auth/token", "/api/token/", "/api/token", "/cfg/accounts/login/", "/cfg/accounts/login"];

describe("over HTTP", () => {
  for (const path of [connectPath, ...aliases]) {
    const django = path.startsWith("/api") || path.startsWith("/cfg");
    it(`logs in at ${path}`, async () => {
      const account = await newAccount(administrator);
      const { username, password, email } = account;
      const { status, json, headers } = await http(server, path, { body: { username, password } });
      equal(status, 200);
      deepEqual(
        [headers.get("content-type"), headers.get("cache-control")],
        ["application/json", "no-store"],
      );
      const user = json["user"] as Json;
      const isAlias = path !== connectPath;
      // Protobuf's JSON writes 64-bit integers as texts; those clients expect numbers.
      deepEqual(
        [json["token_type"], typeof json["expires_in"], user["id"], user["username"], user["email"]],
        ["bearer", isAlias ? "number" : "string", isAlias ? Number(account.id) : account.id, username, email],
      );
      tellsItsLifetime(json, 900);
      const token = String(json["access_token"]);
      match(String(json["refresh_token"]), /^cs_refresh_/);
      equal(await passes(client, bearer(token)), "ok");
      deepEqual(
        [json["access"], json["refresh"]],
        django ? [token, json["refresh_token"]] : [undefined, undefined],
      );
      ok(!JSON.stringify(json).includes("argon2"));
    });
  }

  it("takes what curl sends with -d, and a body without a type", async () => {
    const { username, password } = await newAccount(administrator);
    for (const type of ["application/x-www-form-urlencoded", "application/json; charset=utf-8"]) {
      const request = { body: { username, password }, headers: { "content-type": type } };
      equal((await http(server, "/auth/token", request)).status, 200, type);
    }
    const body = new TextEncoder().encode(JSON.stringify({ username, password }));
    equal((await fetch(`http://${server.http}/auth/token`, { method: "POST", body })).status, 200);
  });
});

/** Everything but the time, and the id of the request. */
function bytesOf({ status, headers, text }: HttpAnswer): readonly unknown[] {
  return [status, [...headers].filter(([name]) => name !== "date" && name !== "x-request-id"), text];
}

describe("a login that fails", () => {
  it("has the same bytes over HTTP, whoever there is and whatever was wrong", async () => {
    const account = await newAccount(administrator);
    const noPassword = await administrator.createUser("without-a-password");
    ok(noPassword);
    const known = { password: "not the right one at all" };
    for (const path of [connectPath, ...aliases]) {
      const { email } = await newAccount(administrator);
      const wrong = await http(server, path, { body: { email, ...known } });
      const unknown = await http(server, path, { body: { email: `no-${email}`, ...known } });
      equal(wrong.status, 401);
      deepEqual([wrong.json["message"], wrong.json["reason"]], ["Invalid credentials", "LOGIN_FAILED"]);
      deepEqual(bytesOf(unknown), bytesOf(wrong));
      equal(wrong.headers.get("www-authenticate"), "Bearer");
    }
    const none = await http(server, connectPath, { body: { username: "without-a-password", ...known } });
    const wrong = await http(server, connectPath, { body: { username: account.username, ...known } });
    deepEqual(bytesOf(none), bytesOf(wrong));
  });

  it("has the same status over gRPC", async () => {
    const { username } = await newAccount(administrator);
    const known = { password: "not the right one at all" };
    const wrong = await call(client, "Login", { username, ...known });
    deepEqual(wrong, {
      code: 16,
      message: "Invalid credentials",
      answers: [],
      reason: "LOGIN_FAILED",
      domain: "countersign",
    });
    deepEqual(await call(client, "Login", { username: `no-${username}`, ...known }), wrong);
  });

  it("counts unknown names as the store compares them, so that a spelling tells nothing", async () => {
    for (const name of [(await newAccount(administrator)).username, "stranger"]) {
      const spellings = [name, name.toUpperCase(), name.replace("r", "ｒ")];
      const codes: number[] = [];
      for (const username of spellings) {
        codes.push((await call(client, "Login", { username, password: "wrong wrong wrong" })).code);
      }
      deepEqual(codes, [16, 16, 8], name);
    }
  });

  it("tells a disabled user so, but only who knows the password", async () => {
    const { id, username, password } = await newAccount(administrator);
    await administrator.call("/auth.v1.UserService/DisableUser", { id });
    deepEqual(
      (await refusal(call(client, "Login", { username, password: "not this one" })))[1],
      "LOGIN_FAILED",
    );
    deepEqual((await refusal(call(client, "Login", { username, password })))[1], "USER_DISABLED");
  });
});

const incomplete: readonly (readonly [string, Json])[] = [
  ["email", { password: "some password" }],
  ["password", { username: "someone" }],
  ["username", { username: "a", email: "a@example.org", password: "some password" }],
  ["password", { username: "someone", password: "x".repeat(1025) }],
];
for (const [field, request] of incomplete) {
  it(`names ${field}: ${JSON.stringify(request).slice(0, 70)}`, async () => {
    const [code, , message] = await refusal(call(client, "Login", request));
    equal(code, 3);
    match(message, new RegExp(`^${field}: `));
    for (const path of [connectPath, "/auth/token", "/api/token/"]) {
      const { status, json } = await http(server, path, { body: request });
      deepEqual([status, json["code"]], [400, "invalid_argument"]);
      const [{ debug }] = json["details"] as [{ debug: { field_violations: [{ field: string }] } }];
      equal(debug.field_violations[0].field, field);
    }
  });
}
