import { deepEqual, equal, match, notEqual, ok } from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import http2 from "node:http2";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { freePort } from "../tools/local-server.ts";
import { type NginxServer, startNginx } from "../tools/nginx-server.ts";
import { Administrator } from "./cast.ts";
import type { Client, Header, Outcome } from "./clients/client.ts";
import { grpcJs } from "./clients/grpc-js.ts";
import { python } from "./clients/python.ts";
import { until } from "./deadline.ts";
import { bearer, http } from "./door.ts";
import { listening } from "./doors/listening.ts";
import { outsidePolicy, outsideServer, proxyKey } from "./outside.ts";
import { scratchFolder } from "./scratch.ts";
import { type ServerProcess, startServer } from "./server-process.ts";
import { startUsersService, type UsersService } from "./services/users-service.ts";

// A real nginx, as deploy/nginx has it, before a real gRPC service in Python and a service of plain HTTP.

const service = "/api.users.UserService";
const sample = readFileSync(new URL("../deploy/nginx/countersign.conf", import.meta.url), "utf8");

let server: ServerProcess;
let users: UsersService;
let nginx: NginxServer;
let clients: readonly (readonly [string, Client])[];
let administrator: Administrator;
/** Where nginx listens for HTTP. */
let web: string;
/** What the HTTP service was sent last. */
let seen: Readonly<Record<string, unknown>> = {};
const reports = createServer((request, response) => {
  seen = request.headers;
  response.end(JSON.stringify({ url: request.url }));
});
const tokens: Record<string, string> = {};

before(async () => {
  const policy = join(scratchFolder(), "policy.yaml");
  writeFileSync(policy, outsidePolicy);
  const upstreams = "  upstreams: { users: { methods: [/api.users.UserService/*] }, reports: {} }";
  server = await startServer({ ...outsideServer(policy, upstreams), signing: "managed" });
  for (const { username, password } of server.users) {
    const { json } = await http(server, "/auth.v1.AuthService/Login", { body: { username, password } });
    tokens[username] = String(json["access_token"]);
  }
  administrator = await Administrator.with(server, tokens["admin"] ?? "");
  users = await startUsersService(`http://${server.http}/.well-known/jwks.json`, "users");
  const [grpcPort, httpPort, webService] = await Promise.all([freePort(), freePort(), listening(reports)]);
  nginx = await startNginx({ http: configuration({ grpcPort, httpPort, webService }), port: grpcPort });
  web = `http://127.0.0.1:${httpPort}`;
  const address = `127.0.0.1:${grpcPort}`;
  clients = [
    ["grpcio", await python.connect(address)],
    ["grpc-js", await grpcJs.connect(address)],
  ];
});
after(async () => {
  await Promise.all(clients.map(([, client]) => client.close()));
  await nginx.stop();
  await users.close();
  reports.close();
  reports.closeAllConnections();
  await administrator.close();
  await server.stop();
});

interface Places {
  readonly grpcPort: number;
  readonly httpPort: number;
  readonly webService: string;
}

/** The sample, at the addresses of this test. */
function configuration({ grpcPort, httpPort, webService }: Places): string {
  const key = join(scratchFolder(), "countersign-key.conf");
  writeFileSync(key, `proxy_set_header x-countersign-proxy-key "${proxyKey}";\n`);
  return Object.entries({
    "127.0.0.1:8443 http2": `127.0.0.1:${grpcPort} http2`,
    "127.0.0.1:8080": `127.0.0.1:${httpPort}`,
    "127.0.0.1:8000": server.http,
    "127.0.0.1:50061": users.address,
    "127.0.0.1:8090": webService,
    // Read by nginx itself, which is nobody here.
    "include /etc/nginx/countersign-key.conf;": readFileSync(key, "utf8"),
  }).reduce((text, [from, to]) => {
    ok(text.includes(from), `the sample has ${from}`);
    return text.replaceAll(from, to);
  }, sample);
}

const call = (client: Client, name: string, headers: readonly Header[], request = {}): Promise<Outcome> =>
  client.call({ procedure: `${service}/${name}`, requests: [request], headers });

/** The code and the reason; for a call that went well whom the service took its caller for. */
async function says(outcome: Promise<Outcome>): Promise<readonly unknown[]> {
  const { code, reason, message, answers } = await outcome;
  const [answer = {}] = answers;
  const first = (answer["users"] as readonly Record<string, unknown>[] | undefined)?.[0] ?? answer;
  if (code === 0) return ["ok", first["requested_by"] ?? ""];
  return [code, reason, message];
}

function key(value: string): readonly Header[] {
  return [["x-api-key", value]];
}

describe("gRPC behind nginx", () => {
  it("lets keys and tokens through, and the service knows who calls", async () => {
    for (const [, client] of clients) {
      deepEqual(await says(call(client, "UpdateProfile", key(server.apiKey))), ["ok", "alice"]);
      deepEqual(await says(call(client, "UpdateProfile", [bearer(tokens["sam"] ?? "")])), ["ok", "sam"]);
      deepEqual(await says(call(client, "ListAllUsers", [bearer(tokens["sam"] ?? "")])), ["ok", "sam"]);
      deepEqual(await says(call(client, "GetUser", [])), ["ok", ""]);
    }
  });

  it("gives gRPC clients the true status, reason and text", async () => {
    const missing = [16, "CREDENTIALS_MISSING", "Authentication required"];
    const staff = [7, "PERMISSION_DENIED", "Staff access required"];
    for (const [name, client] of clients) {
      deepEqual(await says(call(client, "UpdateProfile", [])), missing, name);
      deepEqual(await says(call(client, "ListAllUsers", key(server.apiKey))), staff, name);
      const token = await says(call(client, "GetUser", [bearer("nonsense")]));
      deepEqual(token, [16, "TOKEN_INVALID", "Token invalid"], "a bad credential, where none is needed");
      const both = [...key(server.apiKey), bearer(tokens["sam"] ?? "")];
      const ambiguous = [16, "CREDENTIALS_AMBIGUOUS", "More than one credential"];
      deepEqual(await says(call(client, "GetUser", both)), ambiguous, name);
    }
  });

  it("refuses streams at their start, and carries those of callers who may", async () => {
    for (const [, client] of clients) {
      const chat = { procedure: `${service}/Chat`, requests: [{ text: "hello" }], take: 1 };
      const { code, answers } = await client.call({ ...chat, headers: key(server.apiKey) });
      deepEqual([code, answers], [0, [{ text: "hello", from: "alice" }]]);
      const refused = await client.call({ ...chat, headers: key("cs_dev_nonsense") });
      deepEqual([refused.code, refused.reason], [16, "API_KEY_INVALID"]);
    }
  });

  it("leaves nothing that a client says of an identity, and no credential", async () => {
    const [, client] = clients[0] ?? [];
    const spoofed: readonly Header[] = [
      ["x-countersign-identity", "eyJhbGciOiJub25lIn0.e30."],
      ["x-user-id", "1"],
      ["x-forwarded-user", "admin"],
      ["x-authenticated-user", "admin"],
      ["user_id", "1"],
      ["x-countersign-proxy-key", "nonsense"],
      ["x-forwarded-method", "GET"],
      ["x-forwarded-uri", "/api.users.UserService/GetUser"],
    ];
    for (const [headers, name] of [
      [spoofed, ""],
      [[...key(server.apiKey), ...spoofed], "alice"],
    ] as const) {
      const { answers } = await (client as Client).call({
        procedure: `${service}/GetUser`,
        requests: [{ user_id: 1 }],
        headers,
      });
      equal(answers[0]?.["requested_by"], name);
      const received = new Map(JSON.parse(String(answers[0]?.["bio"])) as [string, string][]);
      for (const gone of ["x-user-id", "x-forwarded-user", "x-authenticated-user", "user_id"])
        ok(!received.has(gone), gone);
      for (const gone of ["authorization", "x-api-key"]) ok(!received.has(gone), gone);
      const identity = received.get("x-countersign-identity");
      equal(identity === undefined, name === "");
      notEqual(identity, "eyJhbGciOiJub25lIn0.e30.");
    }
    // What is asked for is what nginx was asked for.
    deepEqual((await says(call(client as Client, "DeleteUser", spoofed)))[0], 16);
  });

  it("refuses a key within a second of its end", async () => {
    const { id, key: text } = await administrator.createKey("3", "for nginx");
    const [, client] = clients[0] ?? [];
    const ask = () => says(call(client as Client, "UpdateProfile", key(text)));
    deepEqual(await ask(), ["ok", "alice"]);
    await administrator.call("/auth.v1.ApiKeyService/RevokeApiKey", { id, reason: "lost" });
    await until(1000, "the revocation", async () => (await ask())[1] === "API_KEY_REVOKED");
  });

  it("refuses what is not guarded, and paths that could be read in two ways", async () => {
    const [, client] = clients[1] ?? [];
    const outcome = await (client as Client).call({
      procedure: "/auth.v1.UserService/CreateUser",
      requests: [{ username: "x" }],
      headers: [bearer(tokens["admin"] ?? "")],
    });
    deepEqual([outcome.code, outcome.reason], [7, "PERMISSION_DENIED"]);
  });

  it("hands out tokens that are no credentials here", async () => {
    const [, client] = clients[0] ?? [];
    const { answers } = await call(client as Client, "GetUser", key(server.apiKey), { user_id: 1 });
    const received = new Map(JSON.parse(String(answers[0]?.["bio"])) as [string, string][]);
    const identity = received.get("x-countersign-identity") ?? "";
    const { json, status } = await http(server, "/auth.v1.AuthService/WhoAmI", { token: identity });
    deepEqual([status, json["reason"]], [401, "TOKEN_INVALID"]);
    deepEqual((await says(call(client as Client, "GetUser", [bearer(identity)])))[1], "TOKEN_INVALID");
  });
});

describe("HTTP behind nginx", () => {
  const get = (path: string, headers: Record<string, string> = {}): Promise<Response> =>
    fetch(`${web}${path}`, { headers });

  it("lets callers through, with an identity and without their credentials", async () => {
    const response = await get("/reports/7?page=2", { "x-api-key": server.apiKey, "x-user-id": "1" });
    deepEqual([response.status, await response.json()], [200, { url: "/reports/7?page=2" }]);
    match(String(seen["x-countersign-identity"]), /^eyJ/);
    deepEqual([seen["x-api-key"], seen["x-user-id"]], [undefined, undefined]);
  });

  it("answers others with the status, the body and the challenge of every other door", async () => {
    const missing = await get("/reports/7");
    deepEqual([missing.status, missing.headers.get("content-type")], [401, "application/json"]);
    match(missing.headers.get("www-authenticate") ?? "", /^(Bearer|ApiKey)[^,]*, (Bearer|ApiKey)[^,]*$/);
    const body = (await missing.json()) as Record<string, unknown>;
    deepEqual([body["code"], body["reason"]], ["unauthenticated", "CREDENTIALS_MISSING"]);
    const forbidden = await get("/reports", { "x-api-key": server.apiKey });
    equal(forbidden.status, 403);
    equal(
      ((await forbidden.json()) as Record<string, unknown>)["message"],
      "Permission 'users:list' required",
    );
  });

  it("refuses paths that a server could read in two ways", async () => {
    for (const path of [
      "/reports//7",
      "/reports/%2e%2e/7",
      "/reports/7%2f8",
      "/reports/7;a=b",
      "/reports/a%5cb",
      "/nothing",
    ])
      equal((await get(path, { "x-api-key": server.apiKey })).status, 403, path);
  });
});

it("tells administrators of the rules that it keeps for others", async () => {
  const ask = (name: string, body: object) =>
    http(server, `/auth.v1.PolicyService/${name}`, { token: tokens["admin"] ?? "", body: { ...body } });
  const procedure = `${service}/DeleteUser`;
  const { json } = await ask("Explain", { user_id: "3", procedure });
  deepEqual([json["outcome"], json["message"]], ["denied", "Superuser access required"]);
  const rules = (await ask("ListRules", {})).json["rules"] as readonly Record<string, unknown>[];
  const names = rules.map((rule) => rule["procedure"]);
  equal(new Set(names).size, names.length);
  deepEqual(rules.find((rule) => rule["procedure"] === procedure)?.["origin"], "policy.yaml");
});

describe("gRPC behind a proxy that sends a refusal on as it is", () => {
  // As Traefik and Caddy do: the status of HTTP, and gRPC's in the headers.
  it("tells gRPC's clients the reason", async () => {
    const front = http2.createServer();
    front.on("stream", async (stream, headers) => {
      const asked = { "x-forwarded-method": "POST", "x-forwarded-uri": String(headers[":path"]) };
      const answer = await fetch(`http://${server.http}/forward-auth`, {
        headers: { ...asked, "x-countersign-proxy-key": proxyKey, "content-type": "application/grpc" },
      });
      equal(answer.status, 401);
      const own = ["connection", "keep-alive", "date", "content-length"];
      const sent = [...answer.headers].filter(([name]) => !own.includes(name));
      stream.respond({ ":status": answer.status, ...Object.fromEntries(sent) }, { endStream: true });
      stream.close();
    });
    const address = await listening(front);
    for (const kind of [python, grpcJs]) {
      const client = await kind.connect(address);
      const refused = [16, "CREDENTIALS_MISSING", "Authentication required"];
      deepEqual(await says(call(client, "UpdateProfile", [])), refused, kind.name);
      await client.close();
    }
    front.close();
  });
});

describe("nginx without an answer", () => {
  it("refuses everything while Countersign is away", async () => {
    const exit = await server.stop();
    equal(exit.code, 0);
    for (const [name, client] of clients) {
      const { code } = await call(client, "GetUser", key(server.apiKey));
      equal(code, 14, name);
    }
    equal((await fetch(`${web}/reports/7`)).status, 503);
  });
});
