import { deepEqual, equal, ok } from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { type PostgresServer, startPostgres } from "../tools/postgres-server.ts";
import { Administrator, ids } from "./cast.ts";
import type { Client, Header } from "./clients/client.ts";
import { grpcJs } from "./clients/grpc-js.ts";
import { until } from "./deadline.ts";
import { answer, bearer, call, logIn, newAccount, type Pair, passes, refusal } from "./door.ts";
import { scratchFolder } from "./scratch.ts";
import { runProgram, type ServerProcess, startServer } from "./server-process.ts";
import { workers } from "./workers.ts";

// Several nodes on one PostgreSQL are one server: what one of them does, all of them know.

let postgres: PostgresServer;
let options: { data: string; env: Readonly<Record<string, string>> };
let first: ServerProcess;
let nodes: readonly { readonly server: ServerProcess; readonly client: Client }[] = [];
let administrator: Administrator;
let clients: readonly [Client, Client];

before(async () => {
  postgres = await startPostgres();
  const url = postgres.url(await postgres.createDatabase());
  options = { data: join(scratchFolder(), "data"), env: { COUNTERSIGN_DATABASE_URL: url } };
  // Two first starts at once: one of them makes the accounts.
  const started = await Promise.all([startServer(options), startServer(options)]);
  const makers = started.filter(({ apiKey }) => apiKey !== "");
  equal(makers.length, 1);
  [first] = makers as [ServerProcess];
  await Promise.all(started.filter((server) => server !== first).map((server) => server.stop()));
  // The development secrets are the ones of the first start.
  const config =
    "environment: development\nservices: [auth.v1.AuthService, auth.v1.UserService, auth.v1.ApiKeyService, api.users.UserService]\n";
  const second = await startServer({ ...options, command: "serve", config });
  nodes = await Promise.all(
    [first, second].map(async (server) => ({ server, client: await grpcJs.connect(server.grpc) })),
  );
  clients = nodes.map(({ client }) => client) as [Client, Client];
  administrator = await Administrator.of(first);
});
after(async () => {
  await administrator.close();
  for (const { client, server } of nodes) {
    await client.close();
    await server.stop();
  }
  await postgres.stop();
});

async function decided(client: Client, header: Header): Promise<string> {
  const { code, reason } = await client.call({
    procedure: "/api.users.UserService/Upload",
    requests: [{}],
    headers: [header],
  });
  return code === 0 ? "ok" : (reason ?? String(code));
}

describe("two nodes on one PostgreSQL", () => {
  it("made one set of accounts", async () => {
    const { users } = (await administrator.call("/auth.v1.UserService/ListUsers", {})) as {
      users: readonly { id: string; username: string }[];
    };
    deepEqual(
      users.map(({ id, username }) => [id, username]),
      [
        ["1", "admin"],
        ["2", "sam"],
        ["3", "alice"],
      ],
    );
  });

  it("refuse a key that was revoked on the other one, soon", async (context) => {
    const [here, there] = clients;
    const took: number[] = [];
    for (let index = 0; index < 60; index += 1) {
      const { id, key } = await administrator.createKey(ids.alice, `revoked ${index}`);
      const header = ["x-api-key", key] as const;
      deepEqual([await decided(here, header), await decided(there, header)], ["ok", "ok"]);
      await administrator.call("/auth.v1.ApiKeyService/RevokeApiKey", { id });
      const revokedAt = performance.now();
      equal(await decided(here, header), "API_KEY_REVOKED");
      while ((await decided(there, header)) === "ok") ok(performance.now() - revokedAt < 5000);
      took.push(performance.now() - revokedAt);
      equal(await decided(there, header), "API_KEY_REVOKED");
    }
    took.sort((a, b) => a - b);
    const [median = 0, p99 = 0] = [took[30], took[59]];
    context.diagnostic(`median ${median.toFixed(1)} ms, slowest of 60 ${p99.toFixed(1)} ms`);
    ok(p99 < 1000, `${p99} ms`);
    // Twice a second they would look anyway: the median shows that they are told.
    ok(median < 200, `${median} ms`);
  });

  it("count every call of a key that either of them allowed", async () => {
    const { id, key } = await administrator.createKey(ids.alice, "counted");
    const left = Array.from({ length: 400 }, (_, index) => index);
    await workers(8, async (worker) => {
      if (left.pop() === undefined) return "done";
      equal(await decided(clients[worker % 2] ?? clients[0], ["x-api-key", key]), "ok");
      return "more";
    });
    const total = async (): Promise<number> => {
      const { api_key: record } = await administrator.call("/auth.v1.ApiKeyService/GetApiKey", { id });
      return Number((record as { total_requests: string }).total_requests);
    };
    await until(10_000, "the counts", async () => (await total()) >= 400);
    equal(await total(), 400);
  });

  it("give one pair for a refresh token that both are asked for at once", async () => {
    const account = await newAccount(administrator);
    const pair = await logIn(clients[0], account);
    const refresh = async (client: Client, token: string): Promise<Pair> =>
      (await answer(call(client, "RefreshToken", { refresh_token: token }))) as unknown as Pair;
    const answers = await Promise.all(
      Array.from({ length: 30 }, (_, index) => refresh(clients[index % 2] ?? clients[0], pair.refresh_token)),
    );
    const tokens = new Set(
      answers.map(({ access_token, refresh_token }) => `${access_token} ${refresh_token}`),
    );
    equal(tokens.size, 1);
    const [next] = answers as [Pair];
    for (const client of clients) equal(await passes(client, bearer(next.access_token)), "ok");
    // A theft that one of them notices ends the session on both.
    const later = await refresh(clients[0], (await refresh(clients[1], next.refresh_token)).refresh_token);
    const [code, reason] = await refusal(
      call(clients[1], "RefreshToken", { refresh_token: pair.refresh_token }),
    );
    deepEqual([code, reason], [16, "TOKEN_REVOKED"]);
    for (const client of clients) {
      await until(
        1000,
        "the end of the session",
        async () => (await passes(client, bearer(later.access_token))) === "TOKEN_REVOKED",
      );
    }
  });

  it("take notice of a command that works on the database itself", async () => {
    const { id, key } = await administrator.createKey(ids.alice, "revoked by a command");
    for (const client of clients) equal(await decided(client, ["x-api-key", key]), "ok");
    const { code, stderr } = await runProgram(["keys", "revoke", id], { ...options, deadlineMs: 45_000 });
    equal(code, 0, stderr);
    for (const client of clients) {
      await until(
        1000,
        "the revocation",
        async () => (await decided(client, ["x-api-key", key])) === "API_KEY_REVOKED",
      );
    }
  });

  it("say that they are there, and a command on the database tells of both", async () => {
    const listed = ["nodes", "list", "-o", "json"];
    await until(10_000, "both nodes", async () => {
      const { code, stdout, stderr } = await runProgram(listed, { ...options, deadlineMs: 15_000 });
      equal(code, 0, stderr);
      const { nodes: seen } = JSON.parse(stdout) as {
        nodes: { grpc_address: string; status: string; current: boolean }[];
      };
      deepEqual(
        seen.map(({ grpc_address, status, current }) => [grpc_address, status, current]).sort(),
        nodes.map(({ server }) => [server.grpc, "serving", false]).sort(),
      );
      return true;
    });
  });
});
