import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, it, type TestContext } from "node:test";
import { createRequestRecorder, createUsageRecorder, type Store, StoreUnavailable } from "countersign/store";
import { openPostgresRequestLog, openPostgresStore } from "countersign/store/postgres";
import { type PostgresServer, startPostgres } from "../tools/postgres-server.ts";
import { Administrator, ids } from "./cast.ts";
import type { Client, Header, Outcome } from "./clients/client.ts";
import { grpcJs } from "./clients/grpc-js.ts";
import { until } from "./deadline.ts";
import { call, http, newAccount, refusal } from "./door.ts";
import { type Fault, FaultProxy } from "./fault-proxy.ts";
import { scratchFolder } from "./scratch.ts";
import { type ServerProcess, startServer } from "./server-process.ts";

// A database that is away: nobody waits for long, nothing is let in, nothing that is good is called bad, and all is well
// again soon after it is back.

let postgres: PostgresServer;
before(async () => {
  postgres = await startPostgres();
});
after(() => postgres.stop());

interface Behind {
  readonly proxy: FaultProxy;
  readonly url: string;
}

/** A new database, and a store on it that is closed with the test whatever comes of it. */
async function newStore(context: TestContext): Promise<Behind & { readonly store: Store }> {
  const database = await newDatabase();
  const store = await openPostgresStore({ database: database.url });
  context.after(async () => {
    await database.proxy.set("pass");
    await store.close();
    await database.proxy.close();
  });
  return { ...database, store };
}

async function newDatabase(): Promise<Behind> {
  const url = new URL(postgres.url(await postgres.createDatabase()));
  const proxy = await FaultProxy.before(Number(url.port));
  url.port = String(proxy.port);
  return { proxy, url: url.href };
}

/** How long it took to be refused as unavailable. */
async function refusedAfter(work: () => unknown): Promise<number> {
  const began = performance.now();
  try {
    await work();
  } catch (error) {
    ok(error instanceof StoreUnavailable, String(error));
    return performance.now() - began;
  }
  throw new Error("it was answered");
}

const answerMs = 2000;
/** What a busy machine adds to a timer. */
const slackMs = 250;
const recoveryMs = 5000;

describe("a store whose server is away", () => {
  for (const fault of ["refuse", "hang", "reset"] as const) {
    it(`answers in time, then at once, and works when it is back (${fault})`, async (context) => {
      const { proxy, store } = await newStore(context);
      const { id } = await store.users.create({ username: "ada" });
      await proxy.set(fault);
      const reads = Array.from({ length: 30 }, () => refusedAfter(() => store.users.load(id)));
      const writes = Array.from({ length: 5 }, (_, n) =>
        refusedAfter(() => store.users.create({ username: `user${n}` })),
      );
      const first = Math.max(...(await Promise.all([...reads, ...writes])));
      ok(first <= answerMs + slackMs, `the first answers took ${first} ms`);
      // The circuit is open: but for one that tries now and then, nobody waits.
      const later = await Promise.all(
        Array.from({ length: 50 }, () => refusedAfter(() => store.users.load(id))),
      );
      const waited = later.filter((ms) => ms > 100).length;
      ok(waited <= 1, `${waited} of 50 waited`);
      await proxy.set("pass");
      const back = performance.now();
      await until(recoveryMs, "reading again", () => works(() => store.users.load(id)));
      await until(recoveryMs, "writing again", () => works(() => store.users.update(id, { isStaff: true })));
      context.diagnostic(
        `answers ${first.toFixed(0)} ms, recovery ${(performance.now() - back).toFixed(0)} ms`,
      );
      equal((await store.users.load(id))?.isStaff, true);
    });
  }

  it("neither fails nor waits for long when it is merely slow", async (context) => {
    const { proxy, store } = await newStore(context);
    await proxy.set({ delayMs: 50 });
    const user = await store.users.create({ username: "ada" });
    deepEqual(await store.users.load(user.id), user);
  });

  it("counts calls once when the answer to a commit is lost", async (context) => {
    const { proxy, store } = await newStore(context);
    const { id: userId } = await store.users.create({ username: "ada" });
    const made = { digest: new Uint8Array(32), pepperId: "p1", name: "k", type: "service" };
    await store.apiKeys.create({ id: "k1", userId, ...made });
    const usage = createUsageRecorder({ apiKeys: store.apiKeys, flushEveryMs: 3_600_000 });
    for (let n = 0; n < 5; n += 1) usage.record("k1", 1000);
    // The query as it is sent: "read committed" is none.
    await proxy.set({ losesAnswerTo: "\x0bcommit\0" });
    await rejects(usage.flush(), StoreUnavailable);
    const total = async () => (await store.apiKeys.load("k1"))?.totalRequests;
    await until(recoveryMs, "the store", async () => total().then(Boolean, () => false));
    equal(await total(), 5, "it was committed all the same");
    usage.record("k1", 2000);
    equal(usage.pending, 2);
    await usage.close();
    equal(await total(), 6);
    const day = { period: "day", from: new Date(0), until: new Date(86_400_000) } as const;
    const [counted] = await store.apiKeys.usage({ id: "k1", ...day });
    equal(counted?.allowed, 6);
  });

  it("writes calls down once when the answer to a batch is lost", async (context) => {
    const { proxy, url } = await newStore(context);
    const log = openPostgresRequestLog({ database: url });
    context.after(() => log.close());
    const recorder = createRequestRecorder({ log, maxWaiting: 5, flushEveryMs: 3_600_000 });
    const at = Date.now();
    const rest = { at, durationMs: 1, procedure: "/a.A/B", protocol: "grpc", code: 0, received: 1, sent: 1 };
    const record = (n: number) => recorder.record({ ...nobody, ...rest, requestId: `call ${n}` });
    const figures = async () => {
      const day = { since: at - 86_400_000, until: at + 86_400_000 };
      const { calls, dropped } = await log.statistics({ ...day, top: 1 });
      return [await log.head(), calls, dropped];
    };
    for (let n = 0; n < 7; n += 1) record(n);
    await proxy.set({ losesAnswerTo: "insert into request_rollups" });
    await rejects(recorder.flush(), StoreUnavailable);
    deepEqual([recorder.waiting, recorder.written, recorder.dropped], [5, 0, 2]);
    await until(recoveryMs, "the log", () => works(() => log.head()));
    deepEqual(await figures(), [5, 5, 2], "it was committed all the same");
    record(7);
    equal(recorder.dropped, 3, "there is no more room than before");
    await recorder.flush();
    record(8);
    await recorder.close();
    deepEqual(await figures(), [6, 6, 3]);
    const ids = (await log.since(0, 100)).map(({ requestId }) => requestId);
    deepEqual(
      ids,
      [0, 1, 2, 3, 4, 8].map((n) => `call ${n}`),
    );
    deepEqual([recorder.waiting, recorder.written, recorder.failures], [0, 6, 1]);
  });

  it("can be closed, and leaves nothing open", async () => {
    const { proxy, url } = await newDatabase();
    const store = await openPostgresStore({ database: url });
    const stop = store.revocations.onAppend?.(() => {});
    await store.users.create({ username: "ada" });
    await proxy.set("hang");
    const failing = refusedAfter(() => store.users.create({ username: "bob" }));
    const began = performance.now();
    await store.close();
    ok(performance.now() - began < answerMs + slackMs);
    await failing;
    stop?.();
    await proxy.close();
  });

  it("keeps writers waiting no longer than that when another process stands still in a transaction", async (context) => {
    const { proxy, store, url } = await newStore(context);
    const direct = await openPostgresStore({
      database: url.replace(String(proxy.port), String(postgres.port)),
    });
    context.after(() => direct.close());
    const { id } = await store.users.create({ username: "ada" });
    await standStill(proxy, store);
    const took = await refusedAfter(() => direct.users.create({ username: "bob" }));
    ok(took <= answerMs + slackMs, `${took} ms`);
    equal((await direct.users.load(id))?.username, "ada", "who reads does not wait for who writes");
    await until(10_000, "the lock", () => works(() => direct.users.create({ username: "bob" })));
    equal(await direct.users.findByUsername("carol"), undefined);
  });
});

/** What a call may tell of its caller. */
const nobody = {
  ...{ reason: undefined, userId: undefined, apiKeyId: undefined, authenticator: undefined, peer: undefined },
  ...{ userAgent: undefined, rule: undefined, missing: undefined, tenantId: undefined },
};

/** Cuts a process off that holds the write lock. */
async function standStill(proxy: FaultProxy, store: Store): Promise<void> {
  const locked = async (): Promise<boolean> => {
    const [row] = await postgres.query(
      "select 1 from pg_locks join pg_database d on d.oid = database where locktype = 'advisory' and datname like 'test%'",
    );
    return row !== undefined;
  };
  // A slow way leaves time between the lock and the next statement.
  await proxy.set({ delayMs: 100 });
  const doomed = refusedAfter(() => store.users.create({ username: "carol" }));
  await until(2000, "the write lock", locked);
  await proxy.set("hang");
  await doomed;
}

async function works(work: () => unknown): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (error) {
    ok(error instanceof StoreUnavailable, String(error));
    return false;
  }
}

describe("a server whose database is away", () => {
  let proxy: FaultProxy;
  let server: ServerProcess;
  let administrator: Administrator;
  let client: Client;
  let warm: Header;
  let revoked: Header;

  before(async () => {
    const database = await newDatabase();
    proxy = database.proxy;
    server = await startServer({
      data: join(scratchFolder(), "data"),
      config: "revocations: { stale_after: 2s }\n",
      env: { COUNTERSIGN_DATABASE_URL: database.url },
    });
    administrator = await Administrator.of(server);
    client = await grpcJs.connect(server.grpc);
    warm = ["x-api-key", server.apiKey];
    const { id, key } = await administrator.createKey(ids.alice, "revoked");
    revoked = ["x-api-key", key];
    equal((await ask(revoked)).code, 0);
    await administrator.call("/auth.v1.ApiKeyService/RevokeApiKey", { id });
  });
  after(async () => {
    await proxy.set("pass");
    await administrator.close();
    await client.close();
    await server.stop();
    await proxy.close();
  });

  const ask = (header: Header): Promise<Outcome> =>
    client.call({
      procedure: "/api.users.UserService/UpdateProfile",
      requests: [{ bio: "x" }],
      headers: [header],
    });
  const decided = async (header: Header): Promise<string> => {
    const began = performance.now();
    const { code, reason } = await client.call({
      // Touches no store itself.
      procedure: "/api.users.UserService/Upload",
      requests: [{}],
      headers: [header],
    });
    const took = performance.now() - began;
    ok(took <= answerMs + slackMs, `${took} ms`);
    return code === 0 ? "ok" : (reason ?? String(code));
  };
  const health = async (): Promise<unknown> =>
    (await client.call({ procedure: "/grpc.health.v1.Health/Check", requests: [{}] })).answers[0]?.["status"];
  const ready = async (): Promise<number> => (await http(server, "/readyz", { method: "GET" })).status;

  for (const fault of ["refuse", "hang", "reset"] as const satisfies readonly Fault[]) {
    it(`goes on with what it knows for a while, then says UNAVAILABLE, and comes back (${fault})`, async (context) => {
      const cold = await administrator.createKey(ids.alice, `cold when it ${fault}s`);
      const account = await newAccount(administrator);
      equal(await decided(warm), "ok");
      await proxy.set(fault);
      const away = performance.now();
      deepEqual(await Promise.all([warm, revoked, ["x-api-key", cold.key] as const].map(decided)), [
        "ok",
        "API_KEY_REVOKED",
        "UNAVAILABLE",
      ]);
      const [login] = await refusal(call(client, "Login", { username: account.username, password: "x" }));
      equal(login, 14);
      equal(
        (await http(server, "/auth/token", { body: { username: account.username, password: "x" } })).status,
        503,
      );
      await until(6000, "the end of what it knows", async () => (await decided(warm)) === "UNAVAILABLE");
      ok(performance.now() - away >= 1500, "it goes on for as long as it was told to");
      equal(await health(), "NOT_SERVING");
      equal(await ready(), 503);
      // What was revoked is not said to be anything else.
      ok(["API_KEY_REVOKED", "UNAVAILABLE"].includes(await decided(revoked)));
      await proxy.set("pass");
      const back = performance.now();
      await until(recoveryMs, "the recovery", async () => (await decided(warm)) === "ok");
      await until(recoveryMs, "the cold key", async () => (await decided(["x-api-key", cold.key])) === "ok");
      await until(
        recoveryMs,
        "health",
        async () => (await health()) === "SERVING" && (await ready()) === 200,
      );
      context.diagnostic(`recovery ${(performance.now() - back).toFixed(0)} ms`);
      equal(await decided(revoked), "API_KEY_REVOKED");
    });
  }

  it("comes back after the database was killed and started again, and has lost nothing", async () => {
    const { id } = await administrator.createKey(ids.alice, "before the crash");
    await postgres.kill();
    equal(await decided(warm), "ok");
    await postgres.restart();
    const name = async (): Promise<unknown> => {
      const answer = await administrator.call("/auth.v1.ApiKeyService/GetApiKey", { id });
      return (answer["api_key"] as { name: string }).name;
    };
    const isBack = (): Promise<boolean> =>
      name().then(
        () => true,
        () => false,
      );
    await until(recoveryMs, "the recovery", isBack);
    equal(await name(), "before the crash");
  });

  it("writes no password to its log", () => {
    ok(!server.stderr().includes("only-for-tests"), server.stderr());
    ok(server.stderr().includes("the revocation log cannot be read"));
  });
});
