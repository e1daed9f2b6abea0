import { deepEqual, equal, match, ok } from "node:assert/strict";
import { execFile } from "node:child_process";
import { createHmac } from "node:crypto";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { memoryTokenStore, type Session, type TokenStore } from "countersign/client";
import { openSession } from "countersign/grpc/client";
import { fileTokenStore } from "../examples/token-file.ts";
import { webhookServer } from "../examples/webhook.ts";
import { Administrator } from "./cast.ts";
import { grpcJs } from "./clients/grpc-js.ts";
import { type RenewingClient, renewingKinds } from "./clients/renewing.ts";
import { until } from "./deadline.ts";
import { type Account, answer, bearer, call, claimsOf, http, logIn, newAccount } from "./door.ts";
import { scratchFolder } from "./scratch.ts";
import { type ServerProcess, startServer } from "./server-process.ts";

// Our own clients beside the real program, whose access tokens are good for three seconds.

const lifetimeMs = 3000;

let server: ServerProcess;
let administrator: Administrator;
before(async () => {
  server = await startServer({
    config: "auth:\n  jwt:\n    access_lifetime: 3s\n    leeway: 0s\nshutdown_grace: 1s\n",
  });
  administrator = await Administrator.of(server);
});
after(async () => {
  await administrator.close();
  await server.stop();
});

/** A store that counts how often tokens were put into it. */
function counting(): TokenStore & { saved: number } {
  const store = memoryTokenStore();
  return {
    saved: 0,
    load: store.load,
    save(tokens) {
      this.saved += 1;
      return store.save(tokens);
    },
  };
}

type How = (typeof hows)[number];
const hows = ["foreseeing", "surprised"] as const;

interface Standing {
  readonly name: string;
  readonly account: Account;
  readonly ended: (string | undefined)[];
  /** Sees its token's end coming, and one whose clock stands still: it hears of the end from the server. */
  readonly sessions: Readonly<Record<How, Session & { close?(): void }>>;
  readonly stores: Readonly<Record<How, ReturnType<typeof counting>>>;
  readonly users: Readonly<Record<How, RenewingClient>>;
}

describe("clients whose tokens end", () => {
  const standing: Standing[] = [];
  before(async () => {
    for (const kind of renewingKinds) {
      const account = await newAccount(administrator);
      const ended: (string | undefined)[] = [];
      const stores = { foreseeing: counting(), surprised: counting() };
      const began = Date.now();
      const onEnd = (reason: string | undefined): void => void ended.push(reason);
      const sessions = {
        foreseeing: kind.session(server, { store: stores.foreseeing, onEnd }),
        surprised: kind.session(server, { store: stores.surprised, now: () => began, onEnd }),
      };
      const users = {
        foreseeing: kind.users(server, sessions.foreseeing),
        surprised: kind.users(server, sessions.surprised),
      };
      standing.push({ name: kind.name, account, ended, sessions, stores, users });
    }
    for (const { account, sessions } of standing) {
      const { username, password } = account;
      for (const session of Object.values(sessions)) await session.login({ username, password });
    }
  });
  after(() => {
    for (const { sessions, users } of standing)
      for (const each of hows) {
        users[each].close();
        sessions[each].close?.();
      }
  });

  it("call with what they logged in with", async () => {
    for (const { users, stores } of standing) {
      equal(await users.foreseeing.updateProfile(), "ok");
      equal(stores.surprised.saved, 1);
    }
  });

  for (const how of hows) {
    it(`make one refresh for a hundred calls at the end, ${how}`, async () => {
      await pause(lifetimeMs + 100);
      for (const { name, users, stores } of standing) {
        const before = stores[how].saved;
        const outcomes = await Promise.all(Array.from({ length: 100 }, () => users[how].updateProfile()));
        deepEqual([...new Set(outcomes)], ["ok"], name);
        equal(stores[how].saved - before, 1, name);
      }
    });
  }

  it("hear that the session was ended, and say so once", async () => {
    for (const { name, account, ended, users } of standing) {
      await administrator.call("/auth.v1.UserService/DisableUser", { id: account.id });
      match(await users.foreseeing.updateProfile(), /^16 /, name);
      match(await users.foreseeing.updateProfile(), /^16 /, name);
      equal(ended.length, 1, name);
    }
  });
});

/** A stream that was opened with the first token, and nobody has touched since. */
interface OpenStream {
  readonly name: string;
  readonly userId: string;
  readonly openedAt: number;
  heard: number;
  ended: string | undefined;
  /** Brings about one message more. */
  readonly stir: () => void;
}

describe("streams of clients whose tokens end", () => {
  const streams: OpenStream[] = [];
  const closing: (() => void)[] = [];
  before(async () => {
    for (const kind of renewingKinds) {
      const { id, username, password } = await newAccount(administrator);
      const session = kind.session(server, {});
      await session.login({ username, password });
      const users = kind.users(server, session);
      closing.push(() => users.close());
      const stir = (): void => void administrator.call("/api.users.UserService/UpdateProfile", { bio: "y" });
      open(`WatchUsers, ${kind.name}`, id, (heard) => ({ say: stir, ended: users.watch(heard) }));
      if (users.chat !== undefined) open(`Chat, ${kind.name}`, id, users.chat);
    }
  });
  after(() => {
    for (const close of closing) close();
  });

  function open(
    name: string,
    userId: string,
    start: (onMessage: () => void) => { say(): void; readonly ended: Promise<string> },
  ): void {
    const stream = { name, userId, openedAt: Date.now(), heard: 0, ended: undefined as string | undefined };
    const { say, ended } = start(() => {
      stream.heard += 1;
    });
    const opened = Object.assign(stream, { stir: say });
    void ended.then((how) => {
      opened.ended = how;
    });
    streams.push(opened);
  }

  it("nobody else renews a stream, whoever knows its name, and no server that does not have it", async () => {
    const [ann, bob] = [await newAccount(administrator), await newAccount(administrator)];
    const client = await grpcJs.connect(server.grpc);
    // The one with the stream comes last: its token lasts for what follows, and a login takes its time.
    const [other, bobs, pair] = [
      await logIn(client, ann),
      await logIn(client, bob),
      await logIn(client, ann),
    ];
    const streamId = "n0b0dy-else-kn0ws-this-name";
    const opened = Promise.withResolvers<void>();
    const stream = client.call({
      procedure: "/api.users.UserService/WatchUsers",
      requests: [{}],
      headers: [bearer(pair.access_token), ["x-countersign-stream", streamId]],
      timeoutMs: 20_000,
      onAnswer: () => opened.resolve(),
    });
    await opened.promise;
    const renew = (token: string, stream_id = streamId) =>
      call(client, "RenewStream", { stream_id }, bearer(token));
    for (const stranger of [bobs, other]) {
      const { code, message } = await renew(stranger.access_token);
      deepEqual([code, message], [5, "No such stream of this caller's is open on this node"]);
    }
    equal((await renew(pair.access_token, "n0b0dy-else-kn0ws-that-name")).code, 5);
    equal((await renew(pair.access_token, "short")).code, 3);
    equal((await call(client, "RenewStream", { stream_id: streamId })).code, 16);
    const refreshed = await answer(call(client, "RefreshToken", { refresh_token: pair.refresh_token }));
    const path = "/auth.v1.AuthService/RenewStream";
    const { status, json } = await http(server, path, {
      body: { streamId },
      token: String(refreshed["access_token"]),
    });
    equal(status, 200);
    const end = Date.parse(String(json["expires_at"]));
    equal(end, Number(claimsOf(String(refreshed["access_token"]))["exp"]) * 1000);
    const { code, reason } = await stream;
    deepEqual([code, reason], [16, "TOKEN_EXPIRED"]);
    ok(Date.now() >= end, "it was not renewed");
    await client.close();
  });

  it("several processes share one session in a file: each refresh token is used once", async () => {
    const file = join(scratchFolder(), "session.json");
    const account = await newAccount(administrator);
    const session = openSession({ address: server.grpc, store: fileTokenStore(file) });
    await session.login({ username: account.username, password: account.password });
    const script = fileURLToPath(new URL("clients/session-process.ts", import.meta.url));
    const run = async (): Promise<Readonly<Record<string, number>>> => {
      const args = ["--conditions=countersign-source", script, server.grpc, file, String(2.5 * lifetimeMs)];
      const { stdout } = await promisify(execFile)(process.execPath, args);
      return JSON.parse(stdout) as Readonly<Record<string, number>>;
    };
    for (const outcomes of await Promise.all([run(), run(), run()])) {
      deepEqual(Object.keys(outcomes), ["ok"]);
      ok((outcomes["ok"] ?? 0) > 50, "it hardly called");
    }
    equal(await session.isLoggedIn(), true);
    await session.logout();
    equal(await session.isLoggedIn(), false);
    session.close();
  });

  it("go on for three lifetimes of a token", async () => {
    equal(streams.length, 6);
    const waited = Math.max(...streams.map(({ openedAt }) => openedAt)) + 3 * lifetimeMs - Date.now();
    if (waited > 0) await pause(waited);
    for (const stream of streams) {
      equal(stream.ended, undefined, stream.name);
      const { heard } = stream;
      stream.stir();
      await until(5000, `news: ${stream.name}`, async () => stream.heard > heard);
    }
  });

  it("are cut off within a second when the session is revoked", async () => {
    for (const userId of new Set(streams.map((stream) => stream.userId))) {
      const { sessions } = (await administrator.call("/auth.v1.AuthService/ListSessions", {
        user_id: userId,
      })) as { sessions: { id: string }[] };
      for (const { id } of sessions)
        await administrator.call("/auth.v1.AuthService/RevokeSession", { id, reason: "test" });
      for (const stream of streams.filter((each) => each.userId === userId)) {
        await until(1000, `the end: ${stream.name}`, async () => stream.ended !== undefined);
        equal(stream.ended, "16 Token revoked", stream.name);
      }
    }
  });
});

it("the webhook of examples/ acts as the owner of its key", async (t) => {
  const variables = { WEBHOOK_SECRET: "s3cret", WEBHOOK_API_KEY: server.apiKey, USERS_ADDRESS: server.grpc };
  const hooks = webhookServer(variables);
  await once(hooks.listen(0, "127.0.0.1"), "listening");
  t.after(() => hooks.close().closeAllConnections());
  const body = JSON.stringify({ bio: "heard of by a webhook" });
  const response = await fetch(`http://127.0.0.1:${(hooks.address() as AddressInfo).port}`, {
    method: "POST",
    body,
    headers: { "x-signature": createHmac("sha256", "s3cret").update(body).digest("hex") },
  });
  deepEqual([response.status, await response.json()], [200, { status: "ok" }]);
  const alice = await administrator.call("/api.users.UserService/GetUser", { user_id: "3" });
  equal(alice["bio"], "heard of by a webhook");
});
