import { deepEqual, equal, match, ok } from "node:assert/strict";
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, afterEach, before, describe, it } from "node:test";
import { SignJWT } from "jose";
import { Administrator, ids } from "./cast.ts";
import type { Client, Header, Outcome } from "./clients/client.ts";
import { grpcJs } from "./clients/grpc-js.ts";
import { until, within } from "./deadline.ts";
import { bearer, call, logIn, newAccount } from "./door.ts";
import { type Fault, FaultProxy } from "./fault-proxy.ts";
import { mistyped, unknownKey, withWrongSecret } from "./forged-keys.ts";
import type { Json } from "./protos.ts";
import { type RemoteProcess, type RemoteSettings, startRemote } from "./remote-process.ts";
import { scratchFolder } from "./scratch.ts";
import { runProgram, type ServerOptions, type ServerProcess, startServer } from "./server-process.ts";
import { accessClaims, seconds } from "./tokens.ts";

// A service in another process, guarded by countersign/remote, beside the program that knows its callers: what the one
// would say, the other says too, and soon.

const service = "/api.users.UserService";
/** Promised: everywhere within a second. */
const promisedMs = 1000;
const recoveryMs = 5000;
const answerMs = 2000;
const slackMs = 250;

let signer: KeyObject;
let options: ServerOptions;
let server: ServerProcess;
let administrator: Administrator;
let embedded: Client;
let proxy: FaultProxy;
let settings: RemoteSettings;
let remote: RemoteProcess;
let adminToken: string;

before(async () => {
  const folder = scratchFolder();
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  signer = privateKey;
  const file = join(folder, "signing-key.pem");
  writeFileSync(file, privateKey.export({ type: "pkcs8", format: "pem" }), { mode: 0o600 });
  const config = `auth:\n  jwt:\n    algorithm: RS256\n    private_key: { file: ${file} }\n`;
  const start: ServerOptions = { signing: "managed", config, data: join(folder, "data") };
  server = await startServer(start);
  // Where it is found again.
  const env = { COUNTERSIGN_GRPC_LISTEN: server.grpc, COUNTERSIGN_HTTP_LISTEN: server.http };
  options = { ...start, env };
  adminToken = await token(ids.admin, { exp: seconds(7200) });
  await connect();
  proxy = await FaultProxy.before(Number(server.grpc.split(":")[1]));
  const { key } = await administrator.createKey(ids.admin, "guard", [
    "auth.revocations:watch",
    "auth.keys:validate",
  ]);
  settings = { address: `127.0.0.1:${proxy.port}`, http: `http://${server.http}`, key, reportEveryMs: 200 };
  remote = await startRemote(settings);
  equal(remote.ready, "ready", remote.stderr());
});
after(async () => {
  await remote.stop();
  await embedded.close();
  await administrator.close();
  await server.stop();
  await proxy.close();
});

async function connect(): Promise<void> {
  administrator = await Administrator.with(server, adminToken);
  embedded = await grpcJs.connect(server.grpc);
}

function token(userId: string, changes: Json = {}, key: KeyObject = signer): Promise<string> {
  const claims = Object.entries({ ...accessClaims(userId), ...changes });
  const present = Object.fromEntries(claims.filter(([, value]) => value !== undefined));
  return new SignJWT(present).setProtectedHeader({ alg: "RS256", typ: "JWT" }).sign(key);
}

const keyHeader = (key: string): Header => ["x-api-key", key];
const bearerOf = async (userId: string, changes?: Json): Promise<Header> =>
  bearer(await token(userId, changes));

function upload(client: Client, ...headers: readonly Header[]): Promise<Outcome> {
  return client.call({ procedure: `${service}/Upload`, requests: [{}], headers });
}

async function decided(header: Header, client: Client = remote.client): Promise<string> {
  const { code, reason } = await upload(client, header);
  return code === 0 ? "ok" : (reason ?? String(code));
}

/** How long until the service says so. */
async function untilDecided(header: Header, expected: string, ms: number): Promise<number> {
  const began = performance.now();
  for (;;) {
    const answer = await decided(header);
    if (answer === expected) return performance.now() - began;
    ok(performance.now() - began < ms, `${answer} instead of ${expected} after ${ms} ms`);
  }
}

let keys = 0;
const newKey = (scopes: readonly string[] = []): Promise<{ id: string; key: string }> =>
  administrator.createKey(ids.alice, `key ${++keys}`, scopes);
const revokeKey = (id: string): Promise<Json> =>
  administrator.call("/auth.v1.ApiKeyService/RevokeApiKey", { id });

describe("a guarded service in another process", () => {
  it("says what the program itself would say, of keys and of tokens in every state", async () => {
    const account = (): Promise<{ id: string }> => newAccount(administrator);
    const [disabled, deleted] = [await account(), await account()];
    const revoked = await newKey();
    const ofDisabled = await administrator.createKey(disabled.id, "of a disabled user");
    const ofDeleted = await administrator.createKey(deleted.id, "of a deleted user");
    const disabledToken = await bearerOf(disabled.id);
    const deletedToken = await bearerOf(deleted.id);
    const expired = await administrator.call("/auth.v1.ApiKeyService/CreateApiKey", {
      name: "short",
      expires_at: { seconds: String(seconds(1)) },
    });
    const person = await newAccount(administrator);
    const session = await logIn(embedded, person);
    const other = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
    await revokeKey(revoked.id);
    await administrator.call("/auth.v1.UserService/DisableUser", { id: disabled.id });
    await administrator.call("/auth.v1.UserService/DeleteUser", { id: deleted.id });
    equal((await call(embedded, "Logout", {}, bearer(session.access_token))).code, 0);
    await until(
      3000,
      "the key's end",
      async () => (await decided(keyHeader(String(expired["key"])), embedded)) !== "ok",
    );
    const good = await token(ids.alice);
    const [header = "", payload = "", signature = ""] = good.split(".");
    const credentials: Readonly<Record<string, readonly Header[]>> = {
      none: [],
      "a key": [keyHeader(server.apiKey)],
      "a scoped key": [keyHeader((await newKey(["users:list"])).key)],
      "a key for another service": [keyHeader((await newKey(["orders:read"])).key)],
      "a wrong secret": [keyHeader(withWrongSecret(server.apiKey))],
      "an unknown key": [keyHeader(unknownKey(server.apiKey))],
      "a mistyped key": [keyHeader(mistyped(server.apiKey))],
      "no key at all": [keyHeader("nonsense")],
      "an expired key": [keyHeader(String(expired["key"]))],
      "a revoked key": [keyHeader(revoked.key)],
      "a key of a disabled user": [keyHeader(ofDisabled.key)],
      "a key of a deleted user": [keyHeader(ofDeleted.key)],
      "a token": [bearer(good)],
      "a token of staff": [await bearerOf(ids.sam)],
      "a token of a superuser": [await bearerOf(ids.admin)],
      "an expired token": [await bearerOf(ids.alice, { exp: seconds(-60), iat: seconds(-120) })],
      "a token of the future": [await bearerOf(ids.alice, { nbf: seconds(600) })],
      "a token without jti": [await bearerOf(ids.alice, { jti: undefined })],
      "a refresh token": [await bearerOf(ids.alice, { token_type: "refresh" })],
      "a token of another key": [bearer(await token(ids.alice, {}, other))],
      "a token without a signature": [bearer(`${header}.${payload}.`)],
      "a token with another payload": [bearer(`${header}.${payload.slice(1)}.${signature}`)],
      "a token of a disabled user": [disabledToken],
      "a token of a deleted user": [deletedToken],
      "a token of nobody": [await bearerOf("999999")],
      "a token after logout": [bearer(session.access_token)],
      "nonsense for a token": [bearer("nonsense")],
      "another scheme": [["authorization", "Basic YTpi"]],
      "a key and a token": [keyHeader(server.apiKey), bearer(good)],
    };
    for (const [name, headers] of Object.entries(credentials)) {
      for (const procedure of ["GetUser", "ListAllUsers", "Upload"]) {
        const request = { procedure: `${service}/${procedure}`, requests: [{}], headers };
        const [there, here] = await Promise.all([embedded.call(request), remote.client.call(request)]);
        const said = ({ code, reason, message }: Outcome) => [code, reason, message];
        // Twice: the second time from what is remembered.
        const again = await remote.client.call(request);
        // The demo service tells that there is no user 0.
        const expected = there.code === 5 ? [0, undefined, ""] : said(there);
        deepEqual([said(here), said(again)], [expected, expected], `${name}, ${procedure}`);
      }
    }
  });

  it("knows a key that is for some services only by its own name", async () => {
    const { key } = await newKey(["service:orders", "users:list"]);
    equal(await decided(keyHeader(key)), "PERMISSION_DENIED");
    const orders = await startRemote({ ...settings, serviceName: "orders" });
    equal(await decided(keyHeader(key), orders.client), "ok");
    await orders.stop();
  });

  it("refuses what was revoked within a second, open streams included", async (context) => {
    const took: number[] = [];
    for (let round = 0; round < 40; round += 1) {
      const { id, key } = await newKey();
      equal(await decided(keyHeader(key)), "ok");
      await revokeKey(id);
      took.push(await untilDecided(keyHeader(key), "API_KEY_REVOKED", recoveryMs));
    }
    for (let round = 0; round < 10; round += 1) {
      const credential = bearer((await logIn(embedded, await newAccount(administrator))).access_token);
      equal(await decided(credential), "ok");
      equal((await call(embedded, "Logout", {}, credential)).code, 0);
      took.push(await untilDecided(credential, "TOKEN_REVOKED", recoveryMs));
    }
    const streams: number[] = [];
    for (let round = 0; round < 5; round += 1) {
      const { id, key } = await newKey();
      const ended = open(keyHeader(key));
      await ended.begun;
      await revokeKey(id);
      const began = performance.now();
      const { reason } = await within(recoveryMs, "the stream's end", ended.outcome);
      streams.push(performance.now() - began);
      equal(reason, "API_KEY_REVOKED");
    }
    const sorted = took.toSorted((a, b) => a - b);
    const [median = 0, p99 = 0] = [sorted[25], sorted[49]];
    context.diagnostic(
      `calls: median ${median.toFixed(1)} ms, slowest of 50 ${p99.toFixed(1)} ms; streams: slowest of 5 ${Math.max(...streams).toFixed(1)} ms`,
    );
    ok(Math.max(p99, ...streams) < promisedMs);
    ok(median < 100, `${median} ms`);
  });

  it("follows what changes about users and roles", async () => {
    const person = await newAccount(administrator);
    const credential = await bearerOf(person.id);
    const list = async (): Promise<string> => {
      const request = { procedure: `${service}/ListAllUsers`, requests: [{}], headers: [credential] };
      const { code, reason } = await remote.client.call(request);
      return code === 0 ? "ok" : (reason ?? String(code));
    };
    const becomes = (answer: string): Promise<void> =>
      until(promisedMs, answer, async () => (await list()) === answer);
    const permission = { resource: "users", action: "list" };
    equal(await list(), "PERMISSION_DENIED");
    await administrator.call("/auth.v1.RoleService/CreateRole", {
      name: "lister",
      permissions: [permission],
    });
    await administrator.call("/auth.v1.RoleService/AssignRole", { user_id: person.id, role: "lister" });
    await becomes("ok");
    await administrator.call("/auth.v1.RoleService/UpdateRole", {
      name: "lister",
      remove_permissions: [permission],
    });
    await becomes("PERMISSION_DENIED");
    await administrator.call("/auth.v1.UserService/DisableUser", { id: person.id });
    await becomes("USER_DISABLED");
    await administrator.call("/auth.v1.UserService/EnableUser", { id: person.id });
    await becomes("PERMISSION_DENIED");
  });

  it("reports what keys were used for", async () => {
    const { id, key } = await newKey();
    for (let calls = 0; calls < 25; calls += 1) equal(await decided(keyHeader(key)), "ok");
    await until(8000, "the report", async () => (await totalOf(id)) === 25);
  });

  it("reports it once, also where the answer to a report is lost", async () => {
    const { id, key } = await newKey();
    equal(await decided(keyHeader(key)), "ok");
    await until(8000, "the first report", async () => (await totalOf(id)) === 1);
    const before = remote.stderr().length;
    // The key is known now: nothing but the report has its id in it.
    await proxy.set({ losesAnswerTo: id });
    for (let calls = 0; calls < 5; calls += 1) equal(await decided(keyHeader(key)), "ok");
    await until(recoveryMs, "the loss", async () => remote.stderr().length > before);
    equal(await decided(keyHeader(key)), "ok");
    // A flush writes what is unsure first: when this one is counted, the other has been told again.
    const marker = await newKey();
    await untilDecided(keyHeader(marker.key), "ok", recoveryMs);
    await until(recoveryMs, "a later report", async () => (await totalOf(marker.id)) > 0);
    equal(await totalOf(id), 7);
  });
});

async function totalOf(id: string): Promise<number> {
  const { api_key: record } = await administrator.call("/auth.v1.ApiKeyService/GetApiKey", { id });
  return Number((record as { total_requests: string }).total_requests);
}

interface Open {
  readonly begun: Promise<unknown>;
  readonly outcome: Promise<Outcome>;
}

function open(header: Header): Open {
  const { promise: begun, resolve } = Promise.withResolvers<unknown>();
  const outcome = remote.client.call({
    procedure: `${service}/WatchUsers`,
    requests: [{}],
    headers: [header],
    timeoutMs: 30_000,
    onAnswer: resolve,
  });
  return { begun, outcome };
}

describe("while the server is away", () => {
  afterEach(async () => {
    await proxy.set("pass");
    await until(
      recoveryMs,
      "the connection",
      async () => (await decided(keyHeader((await newKey()).key))) === "ok",
    );
  });

  const faults: readonly Fault[] = ["refuse", "hang", "reset"];
  for (const fault of faults) {
    it(`goes on with what it knows, refuses what was revoked, and cannot tell of the rest (${String(fault)})`, async (context) => {
      const [known, gone, fresh, missed] = [await newKey(), await newKey(), await newKey(), await newKey()];
      for (const { key } of [known, gone, missed]) equal(await decided(keyHeader(key)), "ok");
      await revokeKey(gone.id);
      await untilDecided(keyHeader(gone.key), "API_KEY_REVOKED", promisedMs);
      await proxy.set(fault);
      const began = performance.now();
      const answers = await Promise.all([
        decided(keyHeader(known.key)),
        decided(keyHeader(gone.key)),
        decided(keyHeader(fresh.key)),
        decided(await bearerOf(ids.sam)),
      ]);
      const took = performance.now() - began;
      deepEqual(answers, ["ok", "API_KEY_REVOKED", "UNAVAILABLE", "UNAVAILABLE"]);
      ok(took < answerMs + slackMs, `${took} ms`);
      // Nobody who watches the connection can miss this for long.
      await revokeKey(missed.id);
      equal(await decided(keyHeader(missed.key)), "ok");
      const waits: number[] = [];
      await until(4000, "a quick answer", async () => {
        const from = performance.now();
        equal(await decided(keyHeader(fresh.key)), "UNAVAILABLE");
        waits.push(performance.now() - from);
        return (waits.at(-1) ?? 0) < 100;
      });
      await proxy.set("pass");
      const caughtUp = await untilDecided(keyHeader(missed.key), "API_KEY_REVOKED", recoveryMs);
      context.diagnostic(
        `first answers ${took.toFixed(0)} ms, slowest later ${Math.max(...waits).toFixed(0)} ms, caught up ${caughtUp.toFixed(0)} ms after it was back`,
      );
      deepEqual(await Promise.all([known, fresh].map(({ key }) => decided(keyHeader(key)))), ["ok", "ok"]);
    });
  }

  it("bears a slow network", async () => {
    await proxy.set({ delayMs: 100 });
    const { id, key } = await newKey();
    equal(await decided(keyHeader(key)), "ok");
    await revokeKey(id);
    await untilDecided(keyHeader(key), "API_KEY_REVOKED", promisedMs);
  });

  it("catches up with a server that was killed, and with what a command revoked meanwhile", async () => {
    const [known, missed] = [await newKey(), await newKey()];
    for (const { key } of [known, missed]) equal(await decided(keyHeader(key)), "ok");
    await embedded.close();
    await administrator.close();
    await server.stop("SIGKILL");
    const { code, stderr } = await runProgram(["keys", "revoke", missed.id], {
      ...options,
      deadlineMs: 45_000,
    });
    equal(code, 0, stderr);
    deepEqual(await Promise.all([known, missed].map(({ key }) => decided(keyHeader(key)))), ["ok", "ok"]);
    server = { ...(await startServer(options)), apiKey: server.apiKey };
    await connect();
    await untilDecided(keyHeader(missed.key), "API_KEY_REVOKED", recoveryMs);
    equal(await decided(keyHeader(known.key)), "ok");
  });

  it("takes a server that stands still for one that is away", async () => {
    const [known, fresh] = [await newKey(), await newKey()];
    equal(await decided(keyHeader(known.key)), "ok");
    server.signal("SIGSTOP");
    const began = performance.now();
    try {
      equal(await decided(keyHeader(fresh.key)), "UNAVAILABLE");
      ok(performance.now() - began < answerMs + slackMs);
      equal(await decided(keyHeader(known.key)), "ok");
    } finally {
      server.signal("SIGCONT");
    }
  });

  it("uses what it knows no longer than it was told to", async (context) => {
    const { key } = await newKey();
    const [strict, brief] = await Promise.all([
      startRemote({ ...settings, staleAfterSeconds: 0 }),
      startRemote({ ...settings, staleAfterSeconds: 2 }),
    ]);
    for (const { client } of [strict, brief]) equal(await decided(keyHeader(key), client), "ok");
    // A healthy connection is no reason to refuse, however strict.
    await new Promise((resolve) => setTimeout(resolve, 1500));
    equal(await decided(keyHeader(key), strict.client), "ok");
    await proxy.set("refuse");
    const began = performance.now();
    const cutOff = async ({ client }: RemoteProcess): Promise<number> => {
      await until(10_000, "the end", async () => (await decided(keyHeader(key), client)) === "UNAVAILABLE");
      return performance.now() - began;
    };
    const took = await Promise.all([cutOff(strict), cutOff(brief)]);
    context.diagnostic(`strict ${took[0].toFixed(0)} ms, 2 s ${took[1].toFixed(0)} ms`);
    ok(took[0] < 1000 && took[1] > 500 && took[1] < 3000, String(took));
    await proxy.set("pass");
    for (const { client } of [strict, brief]) {
      await until(recoveryMs, "its return", async () => (await decided(keyHeader(key), client)) === "ok");
    }
    await Promise.all([strict.stop(), brief.stop()]);
  });
});

describe("the guard's own key", () => {
  const mustNotBeReady = async (key: string, why: RegExp): Promise<void> => {
    const guarded = await startRemote({ ...settings, key });
    match(guarded.ready, why);
    equal(await decided(keyHeader(server.apiKey), guarded.client), "UNAVAILABLE");
    ok(!guarded.stderr().includes(key));
    await guarded.stop();
  };

  it("has to be one, and to have the permission", async () => {
    await mustNotBeReady(unknownKey(server.apiKey), /UNAUTHENTICATED: API key invalid/);
    await mustNotBeReady(server.apiKey, /PERMISSION_DENIED: Permission 'auth.revocations:watch' required/);
  });

  it("ends the stream when it is revoked, and then what is known grows old", async () => {
    const own = await administrator.createKey(ids.admin, "guard of its own", [
      "auth.revocations:watch",
      "auth.keys:validate",
    ]);
    const guarded = await startRemote({ ...settings, key: own.key, staleAfterSeconds: 1 });
    equal(await decided(keyHeader(server.apiKey), guarded.client), "ok");
    await revokeKey(own.id);
    await until(
      3000,
      "the end",
      async () => (await decided(keyHeader(server.apiKey), guarded.client)) === "UNAVAILABLE",
    );
    match(guarded.stderr(), /UNAUTHENTICATED: API key revoked/);
    await guarded.stop();
  });
});
