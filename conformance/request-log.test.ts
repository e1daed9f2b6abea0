import { deepEqual, equal, match, ok } from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { openSqliteRequestLog } from "countersign/store/sqlite";
import { Administrator, ids } from "./cast.ts";
import type { Client, ClientCall, Header } from "./clients/client.ts";
import { grpcJs } from "./clients/grpc-js.ts";
import { python } from "./clients/python.ts";
import { pythonHttp } from "./clients/python-http.ts";
import { until } from "./deadline.ts";
import { http } from "./door.ts";
import type { Json } from "./protos.ts";
import { developmentSecrets, type ServerProcess, startServer } from "./server-process.ts";
import { accessClaims, sign } from "./tokens.ts";
import { workers } from "./workers.ts";

// What clients that are not ours have counted for themselves, against what the request log says.

const service = "/api.users.UserService";
const logs = "/auth.v1.LogService";

/** One kind of call: what is asked, and what the log should have for it. */
interface Scene {
  readonly call: Omit<ClientCall, "headers">;
  readonly headers: readonly Header[];
  /** What its caller hears. */
  readonly hears: number;
  /** What the log says: the server of a client who leaves hears CANCELLED. */
  readonly code: string;
  readonly reason: string;
  readonly userId: string;
  readonly keyId: string;
  readonly received: string;
  /** Undefined: as many as there were until the client left. */
  readonly sent?: string;
}

type Row = Readonly<
  Record<"request_id" | "procedure" | "code" | "reason" | "user_id" | "api_key_id", string>
> &
  Readonly<
    Record<"protocol" | "authenticator" | "peer" | "user_agent" | "received" | "sent" | "missing", string>
  >;

describe("200 mixed calls of foreign clients", () => {
  let server: ServerProcess;
  let administrator: Administrator;
  let admin: string;
  const tallies = new Map<string, Scene & { readonly client: string }>();
  const clients: Record<string, Client> = {};

  before(async () => {
    server = await startServer();
    administrator = await Administrator.of(server);
    const { jwtSecret } = developmentSecrets(server.data);
    admin = await sign(jwtSecret, accessClaims(ids.admin));
    clients["grpc-js"] = await grpcJs.connect(server.grpc);
    clients["python"] = await python.connect(server.grpc);
    clients["Python HTTP"] = await pythonHttp.connect(server.http);
    await play(await scenes());
  });
  after(async () => {
    for (const client of Object.values(clients)) await client.close();
    await administrator.close();
    await server.stop();
  });

  async function scenes(): Promise<readonly Scene[]> {
    const { jwtSecret } = developmentSecrets(server.data);
    const key = await administrator.createKey(ids.alice, "in use");
    const revoked = await administrator.createKey(ids.alice, "gone");
    await administrator.call("/auth.v1.ApiKeyService/RevokeApiKey", { id: revoked.id, reason: "test" });
    const expired = await sign(jwtSecret, { ...accessClaims(ids.alice), iat: 1000, exp: 2000 });
    const token = await sign(jwtSecret, accessClaims(ids.alice));
    const bearer = (value: string): Header => ["authorization", `Bearer ${value}`];
    const byKey = { headers: [["x-api-key", key.key]] as const, userId: ids.alice, keyId: key.id };
    const nobody = { headers: [], userId: "", keyId: "" };
    const unary = (name: string, request: Json = {}) => ({
      procedure: `${service}/${name}`,
      requests: [request],
    });
    const good = { hears: 0, code: "OK", reason: "", received: "1", sent: "1" };
    const refused = (code: string, reason: string) => ({
      ...{ hears: code === "PERMISSION_DENIED" ? 7 : 16, code, reason, received: "0", sent: "0" },
    });
    const chunks = ["YQ==", "YmI=", "Y2Nj"].map((chunk) => ({ chunk }));
    const lines = ["one", "two"].map((text) => ({ text }));
    return [
      { call: unary("GetUser", { user_id: ids.admin }), ...byKey, ...good },
      { call: unary("UpdateProfile", { bio: "x" }), ...byKey, headers: [bearer(token)], keyId: "", ...good },
      { call: unary("GetUser", { user_id: ids.admin }), ...nobody, ...good },
      { call: unary("GetUser", { user_id: 999 }), ...byKey, ...good, hears: 5, code: "NOT_FOUND", sent: "0" },
      { call: unary("UpdateProfile"), ...nobody, ...refused("UNAUTHENTICATED", "CREDENTIALS_MISSING") },
      { call: unary("ListAllUsers"), ...byKey, ...refused("PERMISSION_DENIED", "PERMISSION_DENIED") },
      {
        call: unary("GetUser"),
        ...nobody,
        headers: [bearer(expired)],
        ...refused("UNAUTHENTICATED", "TOKEN_EXPIRED"),
      },
      {
        ...{
          call: unary("GetUser"),
          userId: ids.alice,
          keyId: revoked.id,
          headers: [["x-api-key", revoked.key]],
        },
        ...refused("UNAUTHENTICATED", "API_KEY_REVOKED"),
      },
      { call: { procedure: `${service}/Upload`, requests: chunks }, ...byKey, ...good, received: "3" },
      {
        call: { procedure: `${service}/Upload`, requests: chunks },
        ...nobody,
        ...refused("UNAUTHENTICATED", "CREDENTIALS_MISSING"),
      },
      {
        call: { procedure: `${service}/Chat`, requests: lines, take: 2 },
        ...byKey,
        ...good,
        received: "2",
        sent: "2",
      },
      {
        ...{ call: { procedure: `${service}/WatchUsers`, requests: [{}], take: 2 }, ...byKey, hears: 0 },
        ...{ code: "CANCELLED", reason: "", received: "1" },
      },
      {
        call: { procedure: `${service}/WatchUsers`, requests: [{}] },
        ...nobody,
        ...refused("UNAUTHENTICATED", "CREDENTIALS_MISSING"),
      },
    ];
  }

  /** Each client makes each call that it can make so often that there are 200; the clients count for themselves. */
  async function play(all: readonly Scene[]): Promise<void> {
    const queue: (() => Promise<void>)[] = [];
    for (const [name, client] of Object.entries(clients)) {
      const able = name === "Python HTTP" ? all.filter(({ call }) => isUnary(call.procedure)) : all;
      for (let n = 0; n < 6; n += 1)
        for (const [index, scene] of able.entries()) {
          const id = `${name.replace(" ", "-")}.${n}.${index}.of-a-test`;
          tallies.set(id, { ...scene, client: name });
          queue.push(async () => {
            const headers = [...scene.headers, ["x-request-id", id] as const];
            const { code, message } = await client.call({ ...scene.call, headers });
            equal(code, scene.hears, `${id}: ${message}`);
          });
        }
    }
    ok(queue.length >= 200, `${queue.length} calls`);
    await workers(8, async () => {
      const next = queue.pop();
      await next?.();
      return next === undefined ? "done" : "more";
    });
  }

  const ask = async (method: string, body: Json): Promise<Json> => {
    const { status, json, text } = await http(server, `${logs}/${method}`, { body, token: admin });
    equal(status, 200, text);
    return json;
  };
  /** Those of the calls above, once they are all there: a client hears of the end a little before the log. */
  const rows = async (): Promise<readonly Row[]> => {
    let found: readonly Row[] = [];
    await until(5000, "the rows to be written", async () => {
      const { requests } = await ask("ListRequests", { filter: { text: "OF-A-TEST" }, page_size: 1000 });
      found = requests as readonly Row[];
      return found.length >= tallies.size;
    });
    return found;
  };

  it("are in the log one by one, with who, what, how it ended and why", async () => {
    const found = await rows();
    equal(found.length, tallies.size);
    const seen = new Map(found.map((row) => [row.request_id, row]));
    for (const [id, scene] of tallies) {
      const row = seen.get(id);
      ok(row, id);
      const { procedure, code, reason, user_id, api_key_id, received, sent } = row;
      const expected = {
        procedure: scene.call.procedure,
        code: scene.code,
        reason: scene.reason,
        user_id: scene.userId,
      };
      deepEqual(
        { procedure, code, reason, user_id, api_key_id, received, sent },
        { ...expected, api_key_id: scene.keyId, received: scene.received, sent: scene.sent ?? sent },
        id,
      );
      equal(row.protocol, scene.client === "Python HTTP" ? "connect" : "grpc", id);
      ok(/^(127\.0\.0\.1|\[::ffff:127\.0\.0\.1\]):\d+$/.test(row.peer), row.peer);
      // Python's own HTTP client sends none.
      const agents = { "grpc-js": /^grpc-node-js/, python: /^grpc-python/, "Python HTTP": /^$/ } as const;
      match(row.user_agent, agents[scene.client as keyof typeof agents]);
      if (code === "PERMISSION_DENIED") equal(row.missing, "anyOf(isStaff, hasPermission(users:list))");
    }
  });

  it("are counted alike by the statistics", async () => {
    await rows();
    const scenesOf = [...tallies.values()];
    const { by_procedure, by_reason } = (await ask("GetStatistics", { top: 100 })) as Record<string, Json[]>;
    const counted = (
      list: Json[] | undefined,
      prefix: string,
    ): Readonly<Record<string, readonly unknown[]>> =>
      Object.fromEntries(
        (list ?? [])
          .filter(({ value }) => String(value).startsWith(prefix))
          .map(({ value, figures }) => [value, [(figures as Json)["calls"], (figures as Json)["errors"]]]),
      );
    const tally = (of: (scene: Scene) => string): Readonly<Record<string, readonly unknown[]>> => {
      const all: Record<string, readonly [string, string]> = {};
      for (const scene of scenesOf) {
        const [calls, errors] = all[of(scene)] ?? ["0", "0"];
        all[of(scene)] = [String(Number(calls) + 1), String(Number(errors) + (scene.code === "OK" ? 0 : 1))];
      }
      return all;
    };
    deepEqual(
      counted(by_procedure, service),
      tally(({ call }) => call.procedure),
    );
    const { "": _good, ...reasons } = tally(({ reason }) => reason);
    deepEqual(counted(by_reason, ""), reasons);
    const keyId = scenesOf[0]?.keyId ?? "";
    const of = { dimension: "api_key", value: keyId };
    const { all } = (await ask("GetStatistics", { of })) as { all: Json };
    deepEqual([all["calls"], all["errors"]], tally((scene) => scene.keyId)[keyId]);
    const { points } = (await ask("GetTimeSeries", { of })) as { points: { figures: Json }[] };
    equal(
      points.reduce((sum, { figures }) => sum + Number(figures["calls"]), 0),
      Number(all["calls"]),
    );
  });

  it("are counted alike by the metrics, and by the key's own counter", async () => {
    await rows();
    const count = (all: readonly string[]): Readonly<Record<string, number>> => {
      const counts: Record<string, number> = {};
      for (const each of all) counts[each] = (counts[each] ?? 0) + 1;
      return counts;
    };
    const scenesOf = [...tallies.values()];
    // The calls of this test's own go to other services.
    const { text } = await http(server, "/metrics", { method: "GET" });
    const lines = [...text.matchAll(/^countersign_calls_total\{procedure="([^"]+)",code="(\w+)"\} (\d+)$/gm)];
    deepEqual(
      Object.fromEntries(
        lines
          .filter(([, procedure = ""]) => procedure.startsWith(service))
          .map(([, procedure, code, calls]) => [`${procedure} ${code}`, Number(calls)]),
      ),
      count(scenesOf.map(({ call, code }) => `${call.procedure} ${code}`)),
    );
    const refusals = [
      ...text.matchAll(/^countersign_decisions_total\{result="refused",reason="(\w+)".*\} (\d+)$/gm),
    ];
    const refused: Record<string, number> = {};
    for (const [, reason = "", calls] of refusals) refused[reason] = (refused[reason] ?? 0) + Number(calls);
    deepEqual(refused, count(scenesOf.flatMap(({ reason }) => (reason === "" ? [] : [reason]))));
    const id = scenesOf[0]?.keyId ?? "";
    const allowed = scenesOf.filter(({ keyId, reason }) => keyId === id && reason === "").length;
    await until(10_000, "the key's counter to be flushed", async () => {
      const { api_key: key } = await administrator.call("/auth.v1.ApiKeyService/GetApiKey", { id });
      const total = Number((key as Json)["total_requests"]);
      ok(total <= allowed, `${total} of ${allowed}`);
      return total === allowed;
    });
  });

  it("are found by filters that combine, told by explain, and exported", async () => {
    await rows();
    const filter = {
      procedure: `${service}/Upload`,
      status: "error",
      codes: ["UNAUTHENTICATED"],
      text: "grpc-js",
    };
    const { requests } = await ask("ListRequests", { filter, page_size: 1000 });
    equal((requests as Row[]).length, 6);
    const outcome = await clients["grpc-js"]?.call({
      procedure: `${logs}/ExportRequests`,
      requests: [{ format: "csv", filter: { text: "of-a-test" } }],
      headers: [["authorization", `Bearer ${admin}`]],
    });
    const csv = Buffer.concat(
      (outcome?.answers ?? []).map(({ data }) => Buffer.from(String(data), "base64")),
    ).toString();
    equal(csv.trimEnd().split("\r\n").length, tallies.size + 1);
  });

  it("are nobody's business but of those who may read logs", async () => {
    const { id } = (await administrator.call("/auth.v1.UserService/CreateUser", { username: "reader" }))[
      "user"
    ] as { id: string };
    const { jwtSecret } = developmentSecrets(server.data);
    const token = await sign(jwtSecret, accessClaims(id));
    const read = async () => (await http(server, `${logs}/ListRequests`, { token })).status;
    equal(await read(), 403);
    const permissions = [{ resource: "auth.logs", action: "read" }];
    await administrator.call("/auth.v1.RoleService/CreateRole", { name: "log-reader", permissions });
    await administrator.call("/auth.v1.RoleService/AssignRole", { user_id: id, role: "log-reader" });
    equal(await read(), 200);
  });

  it("are watched as they end, and every refusal over HTTP tells its id", async () => {
    const watched: Row[] = [];
    let open: (() => void) | undefined;
    const opened = new Promise<void>((resolve) => (open = resolve));
    const watching = clients["grpc-js"]?.call({
      procedure: `${logs}/WatchRequests`,
      // Of this procedure alone: what was called just before may still be on its way.
      requests: [{ filter: { status: "error", procedure: `${service}/UpdateProfile` } }],
      headers: [["authorization", `Bearer ${admin}`]],
      timeoutMs: 20_000,
      take: 2,
      onAnswer(answer) {
        open?.();
        watched.push(...(answer["requests"] as Row[]));
      },
    });
    await opened;
    const { status, headers } = await http(server, `${service}/UpdateProfile`);
    equal(status, 401);
    await watching;
    deepEqual(
      watched.map(({ request_id }) => request_id),
      [headers.get("x-request-id")],
    );
  });
});

describe("the end of the program", () => {
  /** Calls without a pause, until the server is gone; when each that was answered ended. */
  async function callUntilGone(
    server: ServerProcess,
    onCount: (count: number) => void,
  ): Promise<ReadonlyMap<string, number>> {
    const ended = new Map<string, number>();
    const client = await grpcJs.connect(server.grpc);
    let count = 0;
    await workers(16, async () => {
      count += 1;
      const id = `call-${count}-of-many`;
      const headers = [
        ["x-api-key", server.apiKey],
        ["x-request-id", id],
      ] as const;
      const call = { procedure: `${service}/GetUser`, requests: [{ user_id: ids.admin }], headers };
      const { code } = await client.call(call);
      if (code !== 0) return "done";
      ended.set(id, performance.now());
      onCount(ended.size);
      return "more";
    });
    await client.close();
    return ended;
  }

  async function logged({ data }: ServerProcess): Promise<ReadonlySet<string>> {
    const log = await openSqliteRequestLog({ path: join(data, "requests.db") });
    const found = new Set<string>();
    let last = 0;
    for (;;) {
      const page = await log.since(last, 5000);
      for (const { requestId } of page) found.add(requestId);
      last = page.at(-1)?.id ?? last;
      if (page.length === 0) break;
    }
    // The file is whole, and its statistics agree with its rows.
    const { calls } = await log.statistics({ since: 0, until: Date.now() + 60_000, top: 1 });
    equal(calls, found.size);
    await log.close();
    return found;
  }

  it("in good order (SIGTERM) loses no row", { timeout: 60_000 }, async () => {
    const server = await startServer();
    const ended = await callUntilGone(server, (count) => {
      if (count === 600) server.signal("SIGTERM");
    });
    deepEqual(await server.ended, { code: 0, signal: null });
    const found = await logged(server);
    deepEqual(
      [...ended.keys()].filter((id) => !found.has(id)),
      [],
    );
  });

  it("by kill -9 loses at most the last second", { timeout: 60_000 }, async (t) => {
    const server = await startServer();
    let killed = 0;
    const began = performance.now();
    const ended = await callUntilGone(server, () => {
      if (killed !== 0 || performance.now() - began < 2500) return;
      killed = performance.now();
      server.signal("SIGKILL");
    });
    await server.ended;
    const found = await logged(server);
    const lost = [...ended].filter(([id]) => !found.has(id)).map(([, at]) => killed - at);
    t.diagnostic(
      `${lost.length} of ${ended.size} rows, the oldest ${Math.round(Math.max(0, ...lost))} ms old`,
    );
    deepEqual(
      lost.filter((ageMs) => ageMs > 1000),
      [],
    );
    ok(found.size > 0);
  });
});

function isUnary(procedure: string): boolean {
  return !/(Upload|Chat|WatchUsers)$/.test(procedure);
}
