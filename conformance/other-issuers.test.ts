import { deepEqual, equal, match, ok } from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { TestIssuer } from "countersign/testing";
import type { Administrator } from "./cast.ts";
import type { Client } from "./clients/client.ts";
import { until } from "./deadline.ts";
import { answer, bearer, call, claimsOf, http, logIn, newAccount, passes, refusal } from "./door.ts";
import { closeServer, openServer, reopenServer } from "./open-server.ts";
import type { Json } from "./protos.ts";
import type { ServerProcess } from "./server-process.ts";

// Tokens of other issuers, through the program and both of its doors.

const secret = "a secret that only the issuer and we know";
let linked: TestIssuer;
let open: TestIssuer;
/** Where nobody answers. */
let away: string;
let server: ServerProcess;
let administrator: Administrator;
let client: Client;
before(async () => {
  linked = await TestIssuer.start();
  open = await TestIssuer.start();
  const gone = await TestIssuer.start();
  away = gone.url;
  await gone.close();
  ({ server, administrator, client } = await openServer({
    config: configuration(),
    env: { ISSUER_SECRET: secret },
  }));
});
after(async () => {
  await closeServer({ server, administrator, client });
  await Promise.all([linked.close(), open.close()]);
  ok(!server.stderr().includes(secret));
});

const configuration = (): string => `
environment: development
auth:
  issuers:
    - { name: linked, kind: id-token, issuer: "${linked.url}", client_id: client-1, allow_loopback: true }
    - { name: open, kind: id-token, issuer: "${open.url}", client_id: client-1, allow_loopback: true, provision: true }
    - name: open-access
      kind: access-token
      issuer: "${open.url}"
      audience: api
      allow_loopback: true
      provision: true
    - name: opaque
      kind: introspection
      issuer: "${open.url}"
      audience: api
      client_id: guard
      client_secret: { env: ISSUER_SECRET }
      prefix: op_
      cache: 1s
      allow_loopback: true
      provision: true
    - { name: away, kind: id-token, issuer: "${away}", client_id: client-1, allow_loopback: true }
`;

let subjects = 0;
const newSubject = (): string => `subject-${++subjects}-of-this-test`;

/** What both doors say of a token: `ok`, or the reason. */
async function says(token: string): Promise<string> {
  const [grpc, { status, json }] = await Promise.all([
    passes(client, bearer(token)),
    http(server, "/auth.v1.AuthService/WhoAmI", { token }),
  ]);
  equal(status === 200 ? "ok" : json["reason"], grpc);
  return grpc;
}

async function whoAmI(token: string): Promise<Json> {
  return answer(call(client, "WhoAmI", {}, bearer(token)));
}

const link = (issuer: string, subject: string, userId: string) =>
  administrator.call("/auth.v1.UserService/LinkIdentity", { user_id: userId, issuer, subject });

async function userCount(): Promise<number> {
  const { users } = await administrator.call("/auth.v1.UserService/ListUsers", { page_size: 1000 });
  return (users as Json[]).length;
}

describe("an identity that is linked", () => {
  it("is refused before, is its user from then on, and nobody after", async () => {
    const account = await newAccount(administrator);
    const subject = newSubject();
    const token = linked.token({ sub: subject, email: account.email, email_verified: true });
    equal(await says(token), "TOKEN_INVALID");
    await link(linked.url, subject, account.id);
    equal(await says(token), "ok");
    const me = await whoAmI(token);
    deepEqual([me["user_id"], me["authenticator"], me["session_id"]], [account.id, "linked", ""]);
    const { identities } = await administrator.call("/auth.v1.UserService/ListIdentities", {
      user_id: account.id,
    });
    deepEqual(identities, [{ issuer: linked.url, subject, user_id: account.id }]);
    await administrator.call("/auth.v1.UserService/DisableUser", { id: account.id });
    equal(await says(token), "USER_DISABLED");
    await administrator.call("/auth.v1.UserService/EnableUser", { id: account.id });
    equal(await says(token), "ok");
    await administrator.call("/auth.v1.UserService/UnlinkIdentity", { issuer: linked.url, subject });
    equal(await says(token), "TOKEN_INVALID");
  });

  it("is linked by whoever may do what the account may, once", async () => {
    const [account, manager] = [await newAccount(administrator), await newAccount(administrator)];
    const subject = newSubject();
    const request = { user_id: account.id, issuer: linked.url, subject };
    const pair = await logIn(client, manager);
    const procedure = "/auth.v1.UserService/LinkIdentity";
    const attempt = (requests: readonly Json[], token: string) =>
      refusal(client.call({ procedure, requests, headers: [bearer(token)] }));
    equal((await attempt([request], pair.access_token))[0], 7);
    await link(linked.url, subject, account.id);
    const { code } = await client.call({ procedure, requests: [request], headers: [] });
    equal(code, 16);
    for (const [given, message] of [
      [request, /: 6 /],
      [{ ...request, subject: newSubject(), user_id: "999999" }, /: 5 /],
      [{ ...request, subject: "" }, /: 3 /],
      [{ ...request, subject: "\u0000" }, /: 3 /],
    ] as const) {
      const failed = await administrator.call(procedure, given).then(String, ({ message }: Error) => message);
      match(failed, message);
    }
  });
});

describe("an issuer that provisions", () => {
  it("gets one plain user for a person, however many calls come first", async () => {
    const before = await userCount();
    const subject = newSubject();
    const claims = {
      sub: subject,
      preferred_username: "grace",
      email: "grace@idp.example",
      email_verified: true,
    };
    const tokens = Array.from({ length: 20 }, (_, n) =>
      open.token({ ...claims, nonce: `${n}`, is_staff: true }),
    );
    deepEqual(new Set(await Promise.all(tokens.map(says))), new Set(["ok"]));
    equal(await userCount(), before + 1);
    const { user, claims: told } = (await whoAmI(tokens[0] ?? "")) as { user: Json; claims: Json };
    deepEqual(
      [user["username"], user["email"], user["is_staff"], user["is_superuser"]],
      ["grace", "grace@idp.example", false, false],
    );
    equal(told["user_id"], subject);
    // The other tokens of this issuer are of the same person.
    const access = open.token({ sub: subject, aud: "api", client_id: "app", jti: "j" }, { typ: "at+jwt" });
    equal((await whoAmI(access))["user_id"], String(user["id"]));
    open.introspect = (token, { headers }) => ({
      active:
        token === "op_1" &&
        headers.authorization ===
          `Basic ${btoa(`guard:${encodeURIComponent(secret).replaceAll("%20", "+")}`)}`,
      sub: subject,
      aud: "api",
    });
    deepEqual([await says("op_1"), await says("op_2")], ["ok", "TOKEN_INVALID"]);
    const opaque = await whoAmI("op_1");
    deepEqual([opaque["user_id"], opaque["authenticator"]], [String(user["id"]), "opaque"]);
    equal(await userCount(), before + 1);
  });

  it("gets no user again for a person whose account was deleted", async () => {
    const subject = newSubject();
    const token = open.token({ sub: subject });
    equal(await says(token), "ok");
    const id = (await whoAmI(token))["user_id"];
    await administrator.call("/auth.v1.UserService/DeleteUser", { id });
    equal(await says(token), "TOKEN_INVALID");
    const before = await userCount();
    equal(await says(open.token({ sub: subject, nonce: "again" })), "TOKEN_INVALID");
    equal(await userCount(), before);
  });
});

describe("another issuer's token", () => {
  it("REGRESSION: is not the session that its sid names, and logs out nothing but itself", async () => {
    const account = await newAccount(administrator);
    const pair = await logIn(client, account);
    const sid = claimsOf(pair.access_token)["sid"];
    const subject = newSubject();
    await link(linked.url, subject, account.id);
    const token = linked.token({ sub: subject, sid, jti: "jti-1" });
    equal((await whoAmI(token))["session_id"], "");
    const { sessions } = await answer(call(client, "ListSessions", {}, bearer(token)));
    deepEqual(
      (sessions as Json[]).map(({ id, current }) => [id, current]),
      [[sid, false]],
    );
    const change = { current_password: account.password, new_password: "seven rivers met at dusk" };
    for (const [name, request] of [
      ["LogoutAll", {}],
      ["ChangePassword", change],
      ["EnrollTotp", { password: account.password }],
    ] as const) {
      deepEqual(
        (await refusal(call(client, name, request, bearer(token)))).slice(0, 2),
        [7, "PERMISSION_DENIED"],
        name,
      );
    }
    await answer(call(client, "Logout", {}, bearer(token)));
    equal(await says(token), "TOKEN_REVOKED");
    equal(await passes(client, bearer(pair.access_token)), "ok");
    // Our own session ends, and the token of the other issuer has no part in it.
    const other = linked.token({ sub: subject, sid, jti: "jti-2" });
    equal(await says(other), "ok");
    await answer(call(client, "Logout", {}, bearer(pair.access_token)));
    deepEqual([await passes(client, bearer(pair.access_token)), await says(other)], ["TOKEN_REVOKED", "ok"]);
    const nameless = linked.token({ sub: subject });
    equal((await refusal(call(client, "Logout", {}, bearer(nameless))))[0], 9);
  });

  it("is checked, and is none of ours", async () => {
    const subject = newSubject();
    for (const [token, reason] of [
      [open.token({ sub: subject, aud: "client-2" }), "TOKEN_INVALID"],
      [open.token({ sub: subject, exp: 1_700_000_000 }), "TOKEN_EXPIRED"],
      [linked.token({ sub: subject, iss: open.url }), "TOKEN_INVALID"],
      [
        open.token({ sub: subject, token_type: "access", user_id: "1", is_superuser: true, iss: undefined }),
        "TOKEN_INVALID",
      ],
      [open.token({ sub: subject, iss: "https://elsewhere.example" }), "TOKEN_INVALID"],
    ] as const) {
      equal(await says(token), reason);
    }
  });

  it("is UNAVAILABLE while its issuer is away, and all others go on", async () => {
    equal(await says(open.token({ iss: away })), "UNAVAILABLE");
    equal(await passes(client, ["x-api-key", server.apiKey]), "ok");
    match(server.stderr(), /"issuer":"away".*cannot be reached \(ECONNREFUSED\).*"an issuer cannot be used"/);
    const token = open.token({ sub: newSubject() });
    equal(await says(token), "ok");
    open.faults.introspection = "500";
    open.introspect = () => ({ active: true, sub: "new", aud: "api" });
    deepEqual([await says("op_new"), await says(token)], ["UNAVAILABLE", "ok"]);
    delete open.faults.introspection;
    await until(5000, "the answer after the outage", async () => (await says("op_new")) === "ok");
  });

  it("is the same user after a restart", async () => {
    const token = open.token({ sub: newSubject() });
    equal(await says(token), "ok");
    const { user_id: userId } = await whoAmI(token);
    ({ server, administrator, client } = await reopenServer(
      { server, administrator, client },
      { config: configuration(), env: { ISSUER_SECRET: secret } },
    ));
    equal((await whoAmI(token))["user_id"], userId);
  });
});
