import { deepEqual, equal, match, ok } from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { type PostgresServer, startPostgres } from "../tools/postgres-server.ts";
import { type RedisServer, redisPassword, startRedis } from "../tools/redis-server.ts";
import { Administrator, ids } from "./cast.ts";
import type { Client, Header, Outcome } from "./clients/client.ts";
import { grpcJs } from "./clients/grpc-js.ts";
import { python } from "./clients/python.ts";
import { until } from "./deadline.ts";
import { http, newAccount } from "./door.ts";
import { FaultProxy } from "./fault-proxy.ts";
import { scratchFolder } from "./scratch.ts";
import { runProgram, type ServerProcess, startServer } from "./server-process.ts";

// Two nodes on one PostgreSQL and one Redis: they count for one limit, tell each other what was revoked, and neither a
// Redis that is away nor somebody who sends bad credentials is in anybody's way who has nothing to do with it.

const limits = `environment: development
services: [auth.v1.AuthService, auth.v1.UserService, auth.v1.ApiKeyService, auth.v1.LimitService, api.users.UserService]
auth: { limits: { shared_addresses: [], failed_credentials_per_network: 40, failed_credentials_per_key: 5 } }
redis: { prefix: conformance }
limits:
  uploads: { per: key, limit: 25, window: 10m, methods: [/api.users.UserService/Upload] }
  profiles: { per: user, kind: quota, limit: 12, window: month, methods: [/api.users.UserService/UpdateProfile] }
  watches: { per: user, limit: 3, window: 10m, methods: [/api.users.UserService/WatchUsers] }
`;

let postgres: PostgresServer;
let redis: RedisServer;
let proxy: FaultProxy;
let options: { data: string; env: Readonly<Record<string, string>>; config: string };
let nodes: readonly [ServerProcess, ServerProcess];
let clients: readonly [Client, Client];
let foreign: Client;
let administrator: Administrator;

before(async () => {
  [postgres, redis] = await Promise.all([startPostgres(), startRedis()]);
  proxy = await FaultProxy.before(redis.port);
  const url = new URL(redis.url);
  url.port = String(proxy.port);
  const database = postgres.url(await postgres.createDatabase());
  const env = { COUNTERSIGN_DATABASE_URL: database, COUNTERSIGN_REDIS_URL: url.href };
  options = { data: join(scratchFolder(), "data"), env, config: limits };
  const first = await startServer(options);
  nodes = [first, await startServer({ ...options, command: "serve" })];
  clients = [await grpcJs.connect(nodes[0].grpc), await grpcJs.connect(nodes[1].grpc)];
  foreign = await python.connect(nodes[1].grpc);
  administrator = await Administrator.of(nodes[0]);
});
after(async () => {
  await proxy.set("pass");
  await administrator.close();
  for (const client of [...clients, foreign]) await client.close();
  await Promise.all(nodes.map((node) => node.stop()));
  await proxy.close();
  await Promise.all([postgres.stop(), redis.stop()]);
});

const rpc = (name: string): string => `/api.users.UserService/${name}`;
const upload = (client: Client, header: Header): Promise<Outcome> =>
  client.call({ procedure: rpc("Upload"), requests: [{}], headers: [header] });
const reasonOf = ({ code, reason }: Outcome): string => (code === 0 ? "ok" : (reason ?? String(code)));

async function newKey(name: string, userId: string = ids.alice): Promise<Header> {
  return ["x-api-key", (await administrator.createKey(userId, name)).key];
}

describe("a limit", () => {
  it("is one limit on both nodes, to the call", async () => {
    const header = await newKey("shared");
    // Known to both, so that counting is all that there is to wait for.
    for (const node of nodes) {
      const whoAmI = () => http(node, "/auth.v1.AuthService/WhoAmI", { headers: { [header[0]]: header[1] } });
      await until(10_000, "the key", async () => (await whoAmI()).status === 200);
    }
    const outcomes = await Promise.all(
      Array.from({ length: 200 }, (_, n) => upload(clients[n % 2 === 0 ? 0 : 1], header)),
    );
    const counts = new Map<string, number>();
    for (const outcome of outcomes) counts.set(reasonOf(outcome), (counts.get(reasonOf(outcome)) ?? 0) + 1);
    deepEqual(Object.fromEntries(counts), { ok: 25, RATE_LIMITED: 175 });
  });

  it("tells foreign clients when to come again", async () => {
    const { id } = await newAccount(administrator);
    const header = await newKey("foreign", id);
    const profile = (): Promise<Outcome> =>
      foreign.call({ procedure: rpc("UpdateProfile"), requests: [{ bio: "x" }], headers: [header] });
    for (let n = 0; n < 12; n += 1) equal(reasonOf(await profile()), "ok");
    const { code, message, reason, domain, quota, retryAfterSeconds = 0 } = await profile();
    deepEqual([code, message, reason, domain], [8, "Quota exceeded", "QUOTA_EXCEEDED", "countersign"]);
    equal(quota, `user:${id}`);
    ok(retryAfterSeconds > 0 && retryAfterSeconds <= 31 * 86_400);
    // Over HTTP, on the other node: by Connect.
    const answer = await http(nodes[0], rpc("UpdateProfile"), {
      body: { bio: "x" },
      headers: { [header[0]]: header[1] },
    });
    deepEqual([answer.status, answer.json["reason"]], [429, "QUOTA_EXCEEDED"]);
    const waits = Number(answer.headers.get("retry-after"));
    ok(Number.isInteger(waits) && Math.abs(waits - retryAfterSeconds) < 10);
    // What no limit names goes on.
    const whoAmI = await http(nodes[0], "/auth.v1.AuthService/WhoAmI", {
      headers: { [header[0]]: header[1] },
    });
    equal(whoAmI.status, 200);
  });

  it("counts a stream when it begins, and not the calls that are refused", async () => {
    const { id } = await newAccount(administrator, { is_staff: true });
    const header = await newKey("streams", id);
    const watch = (): Promise<Outcome> =>
      clients[0].call({ procedure: rpc("WatchUsers"), requests: [{}], headers: [header], take: 1 });
    deepEqual([await watch(), await watch(), await watch(), await watch()].map(reasonOf), [
      "ok",
      "ok",
      "ok",
      "RATE_LIMITED",
    ]);
    const scoped = await administrator.createKey(ids.alice, "may nothing", ["nothing:here"]);
    const denied: Header = ["x-api-key", scoped.key];
    for (let n = 0; n < 5; n += 1) {
      const outcome = await clients[1].call({
        procedure: rpc("DeleteUser"),
        requests: [{ id: 1 }],
        headers: [denied],
      });
      equal(reasonOf(outcome), "PERMISSION_DENIED");
    }
  });

  it("is shown and reset by commands, on the store and on a server", async () => {
    const { id } = await newAccount(administrator);
    const header = await newKey("commands", id);
    for (let n = 0; n < 12; n += 1)
      await clients[0].call({ procedure: rpc("UpdateProfile"), requests: [{ bio: "x" }], headers: [header] });
    const run = async (...args: readonly string[]) => {
      const { code, stdout, stderr } = await runProgram(["limits", ...args], {
        ...options,
        deadlineMs: 20_000,
      });
      equal(code, 0, stderr);
      return stdout;
    };
    match(await run("list"), /profiles +user +12 each month .* database\nuploads +key +25 in 600s .* redis/s);
    match(await run("reset", `user:${id}`, "--limit", "profiles"), /Reset profiles\./);
    const answer = await administrator.call("/auth.v1.LimitService/GetLimitUsage", { subject: `user:${id}` });
    const [profiles] = answer["usage"] as readonly { used: string; remaining: string }[];
    deepEqual([profiles?.used, profiles?.remaining], ["0", "12"]);
    const outcome = await clients[1].call({
      procedure: rpc("UpdateProfile"),
      requests: [{ bio: "x" }],
      headers: [header],
    });
    equal(reasonOf(outcome), "ok");
  });
});

/** Revokes a key here, and tells how long it passes there. */
async function revocationMs(name: string): Promise<number> {
  const { id, key } = await administrator.createKey(ids.alice, name);
  const headers = { "x-api-key": key };
  const there = async () => (await http(nodes[1], "/auth.v1.AuthService/WhoAmI", { headers })).status;
  equal(await there(), 200);
  await administrator.call("/auth.v1.ApiKeyService/RevokeApiKey", { id });
  const began = performance.now();
  await until(5000, "the revocation", async () => (await there()) === 401);
  return performance.now() - began;
}

describe("while Redis is away", () => {
  const decided = async (header: Header): Promise<string> => {
    const began = performance.now();
    const reason = reasonOf(await upload(clients[1], header));
    const took = performance.now() - began;
    ok(took <= 2000, `${took} ms`);
    return reason;
  };
  const whoAmI = async (header: Header) =>
    (await http(nodes[1], "/auth.v1.AuthService/WhoAmI", { headers: { [header[0]]: header[1] } })).status;

  it("revocations reach the other node quickly while it is there", async (context) => {
    const took: number[] = [];
    for (let n = 0; n < 15; n += 1) took.push(await revocationMs(`healthy ${n}`));
    took.sort((a, b) => a - b);
    context.diagnostic(`median ${took[7]?.toFixed(0)} ms, slowest of 15 ${took[14]?.toFixed(0)} ms`);
    ok((took[14] ?? 0) < 1000);
  });

  for (const fault of ["refuse", "hang", "reset"] as const) {
    it(`what has a rate is UNAVAILABLE, and nothing else is changed (${fault})`, async (context) => {
      const header = await newKey(`while it ${fault}s`);
      equal(await decided(header), "ok");
      await proxy.set(fault);
      for (let n = 0; n < 5; n += 1) equal(await decided(header), "UNAVAILABLE");
      equal(await whoAmI(header), 200);
      equal((await http(nodes[1], "/readyz", { method: "GET" })).status, 200);
      context.diagnostic(`a revocation took ${(await revocationMs(`revoked, ${fault}`)).toFixed(0)} ms`);
      await proxy.set("pass");
      const back = performance.now();
      await until(5000, "the recovery", async () => (await decided(header)) === "ok");
      context.diagnostic(`recovery ${(performance.now() - back).toFixed(0)} ms`);
    });
  }

  it("and when it was killed and has forgotten everything, it counts anew without a restart", async () => {
    const header = await newKey("killed");
    equal(await decided(header), "ok");
    await redis.kill();
    equal(await decided(header), "UNAVAILABLE");
    await redis.start();
    await until(5000, "the recovery", async () => (await decided(header)) === "ok");
  });

  it("its password is written nowhere, and it is told of once each time", () => {
    for (const node of nodes) {
      ok(
        !node.stderr().includes(redisPassword) && !node.stderr().includes(encodeURIComponent(redisPassword)),
      );
      const told = node
        .stderr()
        .split("\n")
        .filter((line) => line.includes('"Redis is away"')).length;
      ok(told >= 2 && told <= 12, String(told));
    }
  });

  it("a wrong password stops the start", async () => {
    const url = redis.url.replace(/:[^:@]+@/, ":a-wrong-password@");
    const env = { ...options.env, COUNTERSIGN_REDIS_URL: url };
    const { code, stdout, stderr } = await runProgram(["dev", "--json"], {
      ...options,
      env,
      deadlineMs: 45_000,
    });
    equal(code, 1);
    match(stderr, /redis:\/\/127\.0\.0\.1:\d+\/ refuses this program .*look at redis\.url/);
    ok(!`${stdout}${stderr}`.includes("a-wrong-password"));
    const doctor = await runProgram(["doctor"], { ...options, env, deadlineMs: 45_000 });
    match(doctor.stdout, /fail +redis +redis:\/\/127\.0\.0\.1:\d+\/ refuses this program/);
    ok(!`${doctor.stdout}${doctor.stderr}`.includes("a-wrong-password"));
  });
});

// The last one: this machine is known for bad credentials after it.
it("CVE-2024-4629: bad credentials of one network are not looked at any more, and who is known there goes on", async () => {
  const warm = await newKey("warm");
  equal(reasonOf(await upload(clients[0], warm)), "ok");
  const { key } = await administrator.createKey(ids.alice, "guessed at");
  const ask = (headers: Readonly<Record<string, string>>) =>
    http(nodes[0], "/auth.v1.AuthService/WhoAmI", { headers });
  const reasons = new Map<unknown, number>();
  for (let n = 0; n < 60; n += 1) {
    const { json } = await ask({
      authorization: `Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.${"A".repeat(42)}${"AEIMQUY"[n % 7]}`,
    });
    reasons.set(json["reason"], (reasons.get(json["reason"]) ?? 0) + 1);
  }
  deepEqual(Object.fromEntries(reasons), { TOKEN_INVALID: 40, RATE_LIMITED: 20 });
  const refused = await ask({ "x-api-key": key });
  deepEqual([refused.status, refused.json["reason"]], [429, "RATE_LIMITED"]);
  const wait = Number(refused.headers.get("retry-after"));
  ok(wait >= 1 && wait <= 60, String(wait));
  equal(reasonOf(await upload(clients[0], warm)), "ok");
  // Each node counts for itself: it is its own work that it spares.
  equal(reasonOf(await upload(clients[1], ["x-api-key", key])), "ok");
});
