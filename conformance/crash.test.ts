import { deepEqual, equal, ok } from "node:assert/strict";
import { once } from "node:events";
import { join } from "node:path";
import { describe, it } from "node:test";
import { type ClientDuplexStream, credentials, Client as GrpcClient, Metadata } from "@grpc/grpc-js";
import { Administrator, ids } from "./cast.ts";
import type { Client, Header } from "./clients/client.ts";
import { grpcJs } from "./clients/grpc-js.ts";
import { python } from "./clients/python.ts";
import { within } from "./deadline.ts";
import { type Json, methodAt } from "./protos.ts";
import { scratchFolder } from "./scratch.ts";
import { developmentSecrets, type ServerProcess, startServer } from "./server-process.ts";
import { accessClaims, sign } from "./tokens.ts";
import { workers } from "./workers.ts";

// What was acknowledged is kept: through kill -9, and through an orderly end in the middle of everything.

const getUser = "/api.users.UserService/GetUser";
const service = "/auth.v1.ApiKeyService";

describe("kill -9", () => {
  it("loses none of 1,000 acknowledged keys", async () => {
    const data = join(scratchFolder(), "data");
    const acknowledged: string[] = [];
    for (const goal of [300, 700, 1000]) {
      const server = await startServer({ data });
      await createKeysUntil(server, goal, acknowledged);
      deepEqual(await server.ended, { code: null, signal: "SIGKILL" });
    }
    ok(acknowledged.length >= 1000);
    const server = await startServer({ data });
    const client = await grpcJs.connect(server.grpc);
    const left = [...acknowledged];
    await workers(20, async () => {
      const key = left.pop();
      if (key === undefined) return "done";
      const { code, message, answers } = await ask(client, [["x-api-key", key]]);
      equal(code, 0, message);
      equal(answers[0]?.["requested_by"], "alice");
      return "more";
    });
    await client.close();
    await server.stop();
  });
});

/** Many at a time, and killed in the middle of them. Only what was answered is written down. */
async function createKeysUntil(server: ServerProcess, goal: number, acknowledged: string[]): Promise<void> {
  const token = await sign(developmentSecrets(server.data).jwtSecret, accessClaims(ids.admin));
  const headers: readonly Header[] = [["authorization", `Bearer ${token}`]];
  const client = await grpcJs.connect(server.grpc);
  let count = 0;
  await workers(20, async () => {
    const request = { user_id: ids.alice, name: `${goal}-${count++}` };
    const { code, answers } = await client.call({
      procedure: `${service}/CreateApiKey`,
      requests: [request],
      headers,
    });
    if (code !== 0) return "done";
    acknowledged.push(String(answers[0]?.["key"]));
    if (acknowledged.length >= goal) server.signal("SIGKILL");
    return "more";
  });
  await client.close();
}

describe("SIGTERM", () => {
  it("says NOT_SERVING, lets open calls end, and counts every call of a key", async () => {
    const server = await startServer();
    const administrator = await Administrator.of(server);
    const { id, key } = await administrator.createKey(ids.alice, "counted");
    await administrator.close();
    const health = await HealthWatch.of(server);
    const chat = await Chat.open(server, key);
    let allowed = 1;
    await hammer(server, key, {
      onAllowed: () => {
        allowed += 1;
        if (allowed === 1500) server.signal("SIGTERM");
      },
    });
    await within(5000, "NOT_SERVING", health.notServing);
    equal(await chat.say("still there?"), "You said: still there?");
    deepEqual(await chat.leave(), 0);
    await health.close();
    deepEqual(await within(10_000, "the program's end", server.ended), { code: 0, signal: null });
    ok(allowed > 1500, "nothing was under way when it ended");
    equal(await requestsOf(id, server.data), allowed);
  });

  it("gives endless streams the time that is configured, and no more", async () => {
    const server = await startServer({ config: "shutdown_grace: 1s\n" });
    const client = await grpcJs.connect(server.grpc);
    const call = { procedure: "/api.users.UserService/WatchUsers", requests: [{}], timeoutMs: 60_000 };
    const headers: readonly Header[] = [["x-api-key", server.apiKey]];
    const watching = new Promise<void>((resolve, reject) => {
      void client
        .call({ ...call, headers, onAnswer: () => resolve() })
        .then(() => reject(new Error("it has ended")));
    });
    await watching;
    const began = performance.now();
    deepEqual(await server.stop(), { code: 0, signal: null });
    ok(performance.now() - began < 5000, "it took too long");
    await client.close();
  });
});

/** 200 calls at a time, from two kinds of client, until the server takes no more. */
async function hammer(
  server: ServerProcess,
  key: string,
  { onAllowed }: { onAllowed: () => void },
): Promise<void> {
  const clients = [await grpcJs.connect(server.grpc), await python.connect(server.grpc)];
  const headers: readonly Header[] = [["x-api-key", key]];
  await workers(200, async (worker) => {
    // One in ten of them in Python, whose threads are slow.
    const client = clients[worker % 10 === 0 ? 1 : 0];
    if (client === undefined) return "done";
    const { code, message } = await ask(client, headers);
    if (code === 0) onAllowed();
    else equal(code, 14, message);
    return code === 0 ? "more" : "done";
  });
  for (const client of clients) await client.close();
}

function ask(client: Client, headers: readonly Header[]) {
  return client.call({ procedure: getUser, requests: [{ user_id: ids.admin }], headers, timeoutMs: 20_000 });
}

/** What the next start of the program tells. */
async function requestsOf(id: string, data: string): Promise<number> {
  const server = await startServer({ data });
  const administrator = await Administrator.of(server);
  const answer = await administrator.call(`${service}/GetApiKey`, { id });
  await administrator.close();
  await server.stop();
  return Number((answer["api_key"] as Json)["total_requests"]);
}

/** A health watch that was told SERVING. */
class HealthWatch {
  readonly notServing: Promise<void>;
  readonly #client: GrpcClient;

  private constructor(client: GrpcClient, notServing: Promise<void>) {
    this.#client = client;
    this.notServing = notServing;
  }

  static async of(server: ServerProcess): Promise<HealthWatch> {
    const { path, requestSerialize, responseDeserialize } = methodAt("/grpc.health.v1.Health/Watch");
    const client = new GrpcClient(server.grpc, credentials.createInsecure(), {
      "grpc.use_local_subchannel_pool": 1,
    });
    const stream = client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, {});
    stream.on("error", () => {});
    const [first] = (await once(stream, "data")) as [Json];
    equal(first["status"], "SERVING");
    const notServing = once(stream, "data").then(([next]) => {
      equal((next as Json)["status"], "NOT_SERVING");
      stream.cancel();
    });
    return new HealthWatch(client, notServing);
  }

  async close(): Promise<void> {
    this.#client.close();
  }
}

/** A conversation that is under way: one line was said and answered. */
class Chat {
  readonly #client: GrpcClient;
  readonly #stream: ClientDuplexStream<object, object>;

  private constructor(client: GrpcClient, stream: ClientDuplexStream<object, object>) {
    this.#client = client;
    this.#stream = stream;
  }

  static async open(server: ServerProcess, key: string): Promise<Chat> {
    const { path, requestSerialize, responseDeserialize } = methodAt("/api.users.UserService/Chat");
    const client = new GrpcClient(server.grpc, credentials.createInsecure(), {
      "grpc.use_local_subchannel_pool": 1,
    });
    const metadata = new Metadata();
    metadata.set("x-api-key", key);
    const chat = new Chat(
      client,
      client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, metadata),
    );
    equal(await chat.say("hello"), "You said: hello");
    return chat;
  }

  async say(text: string): Promise<unknown> {
    this.#stream.write({ text });
    const [answer] = (await once(this.#stream, "data")) as [Json];
    return answer["text"];
  }

  /** The status of the call. */
  async leave(): Promise<number> {
    const status = once(this.#stream, "status");
    this.#stream.end();
    const [{ code }] = (await status) as [{ code: number }];
    this.#client.close();
    return code;
  }
}
