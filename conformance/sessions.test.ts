import { deepEqual, equal, notEqual } from "node:assert/strict";
import { EventEmitter, on, once } from "node:events";
import { after, before, describe, it } from "node:test";
import { type Administrator, ids } from "./cast.ts";
import type { Client, Outcome } from "./clients/client.ts";
import { within } from "./deadline.ts";
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

const sidOf = ({ access_token: token }: Pair): string => String(claimsOf(token)["sid"]);

/** An open WatchUsers. */
interface Watching {
  readonly ended: Promise<Outcome>;
  /** Waits for news of an account whose bio is this. */
  readonly hears: (bio: string) => Promise<void>;
}

async function watch({ access_token: token }: Pair): Promise<Watching> {
  const heard = new EventEmitter();
  const ended = client.call({
    procedure: "/api.users.UserService/WatchUsers",
    requests: [{}],
    headers: [bearer(token)],
    timeoutMs: 20_000,
    onAnswer: ({ bio }) => heard.emit("answer", bio).valueOf(),
  });
  await within(5000, "the stream's first message", once(heard, "answer"));
  return {
    ended,
    async hears(bio) {
      for await (const [news] of on(heard, "answer", { signal: AbortSignal.timeout(5000) })) {
        if (news === bio) return;
      }
    },
  };
}

async function isDead({ access_token: token, refresh_token: refresh }: Pair): Promise<void> {
  equal(await passes(client, bearer(token)), "TOKEN_REVOKED");
  equal((await http(server, "/auth.v1.AuthService/WhoAmI", { token })).json["reason"], "TOKEN_REVOKED");
  equal((await refusal(call(client, "RefreshToken", { refresh_token: refresh })))[1], "TOKEN_REVOKED");
  equal((await http(server, "/auth/token/refresh", { body: { refresh } })).status, 401);
}

async function isAlive({ access_token: token, refresh_token: refresh }: Pair): Promise<void> {
  equal(await passes(client, bearer(token)), "ok");
  equal((await http(server, "/auth.v1.AuthService/WhoAmI", { token })).status, 200);
  await answer(call(client, "RefreshToken", { refresh_token: refresh }));
}

const loggedOut = { status: "logged out" };
const doors: readonly (readonly [string, (token: string) => Promise<unknown>, unknown])[] = [
  ["over gRPC", (token) => answer(call(client, "Logout", {}, bearer(token))), {}],
  ...["/auth/logout", "/logout"].map(
    (path) =>
      [`at ${path}`, async (token: string) => (await http(server, path, { token })).json, loggedOut] as const,
  ),
  [
    "at /auth.v1.AuthService/Logout",
    async (token) => (await http(server, "/auth.v1.AuthService/Logout", { token })).json,
    {},
  ],
];

describe("logging out", () => {
  for (const [door, logOut, expected] of doors) {
    it(`${door} ends the session and its streams at once, and no other session`, async () => {
      const account = await newAccount(administrator);
      const [pair, elsewhere] = [await logIn(client, account), await logIn(client, account)];
      const [stream, other] = [await watch(pair), await watch(elsewhere)];
      deepEqual(await logOut(pair.access_token), expected);
      const { code, reason } = await within(1000, "the stream's end", stream.ended);
      deepEqual([code, reason], [16, "TOKEN_REVOKED"]);
      await isDead(pair);
      const news = other.hears("x");
      await isAlive(elsewhere);
      await news;
      await answer(call(client, "LogoutAll", {}, bearer(elsewhere.access_token)));
      equal((await within(1000, "the other stream's end", other.ended)).code, 16);
    });
  }

  it("needs a token that is good, and takes no key", async () => {
    const pair = await logIn(client, await newAccount(administrator));
    await answer(call(client, "Logout", {}, bearer(pair.access_token)));
    equal((await refusal(call(client, "Logout", {}, bearer(pair.access_token))))[1], "TOKEN_REVOKED");
    equal((await refusal(call(client, "Logout")))[1], "CREDENTIALS_MISSING");
    equal((await refusal(call(client, "Logout", {}, ["x-api-key", server.apiKey])))[0], 9);
    equal((await http(server, "/logout")).status, 401);
  });

  it("LogoutAll ends every session, and a new login works at once", async () => {
    const account = await newAccount(administrator);
    const pairs = [await logIn(client, account), await logIn(client, account), await logIn(client, account)];
    const [first] = pairs as [Pair];
    const { sessions } = await answer(call(client, "LogoutAll", {}, bearer(first.access_token)));
    equal(sessions, 3);
    for (const pair of pairs) await isDead(pair);
    await isAlive(await logIn(client, account));
  });
});

describe("sessions", () => {
  const list = async (token: string, request: Json = {}): Promise<{ sessions: Json[]; next: string }> => {
    const page = await answer(call(client, "ListSessions", request, bearer(token)));
    return { sessions: page["sessions"] as Json[], next: String(page["next_page_token"]) };
  };

  it("are listed newest first, a page at a time, and the current one is marked", async () => {
    const account = await newAccount(administrator);
    const pairs: Pair[] = [];
    for (let index = 0; index < 5; index++) pairs.push(await logIn(client, account));
    const [first, second] = pairs as [Pair, Pair];
    const seen: Json[] = [];
    let token = "";
    do {
      const page = await list(second.access_token, { page_size: 2, page_token: token });
      seen.push(...page.sessions);
      token = page.next;
    } while (token !== "" && seen.length < 20);
    deepEqual(seen.map(({ id }) => id).toSorted(), pairs.map(sidOf).toSorted());
    const current = seen.filter((session) => session["current"]).map(({ id }) => id);
    deepEqual(current, [sidOf(second)]);
    const [{ methods, user_id: userId, revoked_at: revokedAt }] = seen as [Json];
    deepEqual([methods, userId, revokedAt], [["pwd"], account.id, null]);
    // One that is over is not listed unless it is asked for.
    await answer(call(client, "Logout", {}, bearer(first.access_token)));
    equal((await list(second.access_token)).sessions.length, 4);
    const all = (await list(second.access_token, { include_ended: true })).sessions;
    deepEqual(
      all.filter(({ id }) => id === sidOf(first)).map((ended) => ended["revoked_reason"]),
      ["logged out"],
    );
    equal(
      (await refusal(call(client, "ListSessions", { page_token: "%" }, bearer(second.access_token))))[0],
      3,
    );
  });

  it("are revoked by their user, and not by another, for whom there are none", async () => {
    const [account, stranger] = [await newAccount(administrator), await newAccount(administrator)];
    const [pair, elsewhere] = [await logIn(client, account), await logIn(client, account)];
    const other = await logIn(client, stranger);
    for (const id of [sidOf(pair), "no-such-session-here", ""]) {
      const [code, , message] = await refusal(
        call(client, "RevokeSession", { id }, bearer(other.access_token)),
      );
      deepEqual([code, message], [5, "No such session"]);
    }
    const asked = await refusal(
      call(client, "ListSessions", { user_id: account.id }, bearer(other.access_token)),
    );
    deepEqual(asked.slice(0, 2), [7, "PERMISSION_DENIED"]);
    const request = { id: sidOf(elsewhere), reason: "lost phone" };
    const { session } = await answer(call(client, "RevokeSession", request, bearer(pair.access_token)));
    equal((session as Json)["revoked_reason"], "lost phone");
    await isDead(elsewhere);
    await isAlive(pair);
    await isAlive(other);
  });

  it("of anyone are listed and revoked by a superuser", async () => {
    const account = await newAccount(administrator);
    const pair = await logIn(client, account);
    const listed = await administrator.call("/auth.v1.AuthService/ListSessions", { user_id: account.id });
    deepEqual(
      (listed["sessions"] as Json[]).map(({ id }) => id),
      [sidOf(pair)],
    );
    await administrator.call("/auth.v1.AuthService/RevokeSession", { id: sidOf(pair) });
    await isDead(pair);
  });

  it("end when an administrator sets a password", async () => {
    const account = await newAccount(administrator);
    const pair = await logIn(client, account);
    const password = "a password that was reset";
    await administrator.call("/auth.v1.UserService/SetPassword", { id: account.id, password });
    await isDead(pair);
    await isAlive(await logIn(client, { ...account, password }));
  });

  it("are not for keys", async () => {
    const key = ["x-api-key", server.apiKey] as const;
    const pair = await logIn(client, await newAccount(administrator));
    for (const [name, request] of [
      ["ListSessions", {}],
      ["LogoutAll", {}],
      ["ListSessions", { user_id: ids.alice }],
    ] as const) {
      equal((await refusal(call(client, name, request, key)))[0], 7, name);
    }
    equal((await refusal(call(client, "RevokeSession", { id: sidOf(pair) }, key)))[0], 5);
  });
});

describe("WhoAmI", () => {
  it("tells a token's caller", async () => {
    const account = await newAccount(administrator);
    const pair = await logIn(client, account);
    const me = await answer(call(client, "WhoAmI", {}, bearer(pair.access_token)));
    deepEqual(
      [me["user_id"], me["authenticator"], me["session_id"], (me["user"] as Json)["email"]],
      [account.id, "jwt", sidOf(pair), account.email],
    );
    const { user_id: id, email, issued_at: issued, expires_at: expires } = me["claims"] as Json;
    deepEqual([id, email], [account.id, account.email]);
    equal(Number((expires as Json)["seconds"]) - Number((issued as Json)["seconds"]), 900);
    const { json } = await http(server, "/auth.v1.AuthService/WhoAmI", { token: pair.access_token });
    deepEqual([json["user_id"], json["session_id"]], [account.id, sidOf(pair)]);
  });

  it("tells a key's caller", async () => {
    const me = await answer(call(client, "WhoAmI", {}, ["x-api-key", server.apiKey]));
    deepEqual(
      [me["user_id"], me["authenticator"], me["session_id"], me["claims"], (me["user"] as Json)["username"]],
      [ids.alice, "api_key", "", null, "alice"],
    );
    const { status, json } = await http(server, "/auth.v1.AuthService/WhoAmI", {
      headers: { "x-api-key": server.apiKey },
    });
    deepEqual([status, json["user_id"]], [200, ids.alice]);
    notEqual(JSON.stringify(json).includes(server.apiKey), true);
  });

  it("refuses who is nobody", async () => {
    deepEqual((await refusal(call(client, "WhoAmI"))).slice(0, 2), [16, "CREDENTIALS_MISSING"]);
    equal((await http(server, "/auth.v1.AuthService/WhoAmI")).status, 401);
  });
});
