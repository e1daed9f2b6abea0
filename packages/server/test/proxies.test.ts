import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, describe, it } from "node:test";
import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { anyUnpack } from "@bufbuild/protobuf/wkt";
import { Client, credentials, Metadata } from "@grpc/grpc-js";
import { createTokenVerifier, keyRingFromJwks } from "countersign/jwt";
import { pino } from "pino";
import { configurationProblems } from "../src/administration/configuration-report.ts";
import { type Config, loadConfig } from "../src/config/config.ts";
import { checkProcedure } from "../src/decide/ext-authz.ts";
import type {
  AttributeContext_HttpRequestSchema,
  AttributeContext_PeerSchema,
} from "../src/gen/envoy/service/auth/v3/attribute_context_pb.ts";
import {
  CheckRequestSchema,
  type CheckResponse,
  CheckResponseSchema,
} from "../src/gen/envoy/service/auth/v3/external_auth_pb.ts";
import { ErrorInfoSchema } from "../src/gen/google/rpc/error_details_pb.ts";
import { StatusSchema } from "../src/gen/google/rpc/status_pb.ts";
import { createNode, type Node } from "../src/node.ts";
import { openRequestLog } from "../src/requests/requests.ts";
import { scratchFolder } from "./program.ts";

// What Envoy, nginx, Traefik and Caddy are told, to the letter of their protocols.

const keys = {
  EDGE: "edge-0b6e51d8f3a94c7e9d12",
  ANN: "ann-4f7a90c1d25b4e83a6f0",
  BOB: "bob-93c2e7f8a1d64b05b8e4",
};
const policy = `
permissions: ["orders:read"]
rules:
  /acme.Orders/Get: { require: "orders:read", message: "Größe: only readers" }
  /acme.Orders/Find: optional
  /acme.Orders/Limited: authenticated
  GET /reports/:id: { require: "orders:read" }
`;
const configuration = (more = ""): string => `
environment: development
services: [auth.v1.AuthService]
auth:
  jwt: { issuer: "https://auth.example" }
  api_keys:
    static:
      - { name: edge, key: { env: EDGE }, permissions: ["auth.decisions:ask"] }
      - { name: ann, key: { env: ANN }, permissions: ["orders:read"] }
      - { name: bob, key: { env: BOB } }
policy: { file: policy.yaml }
request_log: { trusted_proxies: ["10.0.0.0/8"] }
limits:
  few: { per: key, limit: 2, window: 1h, methods: [/acme.Orders/Limited] }
  every: { per: key, limit: 400, window: 1h }
${more === "" ? "proxies: { ext_authz: true, forward_auth: true, upstreams: { orders: {} } }" : more}
`;

function configOf(yaml: string, rules = policy): Config {
  const folder = scratchFolder();
  writeFileSync(join(folder, "policy.yaml"), rules);
  writeFileSync(join(folder, "countersign.yaml"), yaml);
  const listen = { COUNTERSIGN_GRPC_LISTEN: "127.0.0.1:0", COUNTERSIGN_HTTP_LISTEN: "127.0.0.1:0" };
  const env = { ...keys, ...listen, COUNTERSIGN_DATA: join(folder, "data") };
  return loadConfig({ file: join(folder, "countersign.yaml"), env, createSecrets: true });
}

let config: Config;
let node: Node;
let client: Client;
const logged: Record<string, unknown>[] = [];
before(async () => {
  config = configOf(configuration());
  const log = pino({ level: "debug" }, { write: (line: string) => logged.push(JSON.parse(line) as never) });
  node = await createNode(config, log);
  node.serve();
  client = new Client(node.grpcAddress, credentials.createInsecure());
});
after(async () => {
  client.close();
  await node.stop();
});

interface Question {
  readonly http: MessageInitShape<typeof AttributeContext_HttpRequestSchema>;
  readonly source?: MessageInitShape<typeof AttributeContext_PeerSchema>;
  /** The proxy's own. */
  readonly key?: string;
}

function check({ http, source, key = keys.EDGE }: Question): Promise<CheckResponse> {
  const metadata = new Metadata();
  if (key !== "") metadata.set("x-api-key", key);
  const message = create(CheckRequestSchema, {
    attributes: { request: { http }, ...(source !== undefined && { source }) },
  });
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(
      checkProcedure,
      (value: Uint8Array) => Buffer.from(value),
      (bytes: Buffer) => fromBinary(CheckResponseSchema, bytes),
      toBinary(CheckRequestSchema, message),
      metadata,
      (error, answer) => (error === null ? resolve(answer as CheckResponse) : reject(error)),
    );
  });
}

const rpc = (path: string, headers: Record<string, string> = {}): Question => ({
  http: { method: "POST", path, headers: { "content-type": "application/grpc", ...headers } },
});

interface Told {
  readonly code: number;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

function told({ status, httpResponse }: CheckResponse): Told {
  if (httpResponse.case !== "deniedResponse") throw new Error("it was let through");
  const { status: http, headers, body } = httpResponse.value;
  for (const { append } of headers) equal(append, false);
  const named = headers.map(({ header }) => [header?.key ?? "", header?.value ?? ""] as const);
  return { code: status?.code ?? -1, status: http?.code ?? 0, headers: Object.fromEntries(named), body };
}

/** The reason of a denial, or `ok`. */
function reasonOf(answer: CheckResponse): unknown {
  return answer.httpResponse.case === "okResponse" ? "ok" : answer.dynamicMetadata?.["reason"];
}

describe("ext_authz", () => {
  it("answers nobody but proxies that may ask", async () => {
    const question = rpc("/acme.Orders/Find");
    await rejects(check({ ...question, key: "" }), /16 UNAUTHENTICATED/);
    await rejects(check({ ...question, key: "nonsense-nonsense-nonsense" }), /16 UNAUTHENTICATED/);
    await rejects(check({ ...question, key: keys.ANN }), /7 PERMISSION_DENIED/);
    equal(reasonOf(await check(question)), "ok");
  });

  it("lets a caller through with an identity, and without anything that could be taken for one", async () => {
    const answer = await check({
      http: {
        ...rpc("/acme.Orders/Get", {
          "x-api-key": keys.ANN,
          "x-user-id": "1",
          "x-request-id": "trace-12345678",
        }).http,
      },
    });
    equal(answer.status?.code, 0);
    if (answer.httpResponse.case !== "okResponse") throw new Error("refused");
    const { headers, headersToRemove, responseHeadersToAdd } = answer.httpResponse.value;
    const [identity, ...more] = headers;
    deepEqual([identity?.header?.key, identity?.append, more], ["x-countersign-identity", false, []]);
    for (const name of [
      "authorization",
      "x-api-key",
      "x-user-id",
      "x-forwarded-user",
      "user_id",
      "remote-user",
    ])
      ok(headersToRemove.includes(name), name);
    // Services on CGI, WSGI or PHP take all spellings for one name.
    for (const name of [...headersToRemove, "x-countersign-identity"])
      for (const other of [
        name.replaceAll("-", "_"),
        name.replaceAll("_", "-"),
        name.replace("-", "_"),
        name.replace(/-(?=[^-]*$)/, "_"),
      ])
        ok(other === "x-countersign-identity" || headersToRemove.includes(other), other);
    for (const name of ["user-id", "x_user_id", "x-user_id", "x_api_key", "x_countersign_identity"])
      ok(headersToRemove.includes(name), name);
    equal(new Set(headersToRemove).size, headersToRemove.length);
    ok(!headersToRemove.includes("x-countersign-identity"), "Envoy removes after it has set");
    deepEqual(
      responseHeadersToAdd.map(({ header }) => [header?.key, header?.value]),
      [["x-request-id", "trace-12345678"]],
    );
    deepEqual(answer.dynamicMetadata, {
      ...{ procedure: "/acme.Orders/Get", request_id: "trace-12345678", user_id: "static:ann" },
      ...{ api_key_id: "ann", authenticator: "api_key" },
    });
    const jwks = await (await fetch(`http://${node.httpAddress}/.well-known/jwks.json`)).json();
    const verifier = createTokenVerifier({
      keys: keyRingFromJwks(jwks as never),
      ...{ typ: "countersign-identity+jwt", tokenType: "identity", audience: "orders" },
      ...{ issuer: "https://auth.example", maxLifetimeSeconds: 60 },
    });
    const verified = await verifier.verify(identity?.header?.value ?? "", Date.now());
    ok(verified.ok);
    deepEqual([verified.userId, verified.claims["procedure"]], ["static:ann", "/acme.Orders/Get"]);
  });

  it("takes the identity away that an anonymous caller brings", async () => {
    const answer = await check(rpc("/acme.Orders/Find", { "x-countersign-identity": "eyJ..." }));
    if (answer.httpResponse.case !== "okResponse") throw new Error("refused");
    deepEqual(answer.httpResponse.value.headers, []);
    ok(answer.httpResponse.value.headersToRemove.includes("x-countersign-identity"));
    deepEqual(Object.keys(answer.dynamicMetadata ?? {}), ["procedure", "request_id"]);
  });

  it("refuses gRPC calls in trailers alone, with status, text, details and challenge", async () => {
    const { code, status, headers, body } = told(
      await check(rpc("/acme.Orders/Get", { "x-api-key": keys.BOB })),
    );
    deepEqual([code, status, body], [7, 200, ""]);
    deepEqual([headers["content-type"], headers["grpc-status"]], ["application/grpc", "7"]);
    equal(headers["grpc-message"], "Gr%C3%B6%C3%9Fe: only readers");
    const details = Buffer.from(headers["grpc-status-details-bin"] ?? "", "base64");
    const {
      code: inner,
      message,
      details: [any],
    } = fromBinary(StatusSchema, details);
    deepEqual([inner, message], [7, "Größe: only readers"]);
    const info = any && anyUnpack(any, ErrorInfoSchema);
    deepEqual([info?.reason, info?.domain], ["PERMISSION_DENIED", "countersign"]);
    const missing = told(await check(rpc("/acme.Orders/Get")));
    equal(missing.headers["grpc-status"], "16");
    match(missing.headers["www-authenticate"] ?? "", /Bearer/);
    const web = told(await check(rpc("/acme.Orders/Get", { "content-type": "application/grpc-web+proto" })));
    deepEqual([web.status, web.headers["content-type"]], [200, "application/grpc-web+proto"]);
    const odd = told(await check(rpc("/acme.Orders/Get", { "content-type": "application/grpc;x=<script>" })));
    equal(odd.headers["content-type"], "application/grpc");
  });

  it("refuses HTTP with status, JSON and challenge", async () => {
    const get = (headers: Record<string, string>) =>
      check({ http: { method: "GET", path: "/reports/7?x=1", headers } }).then(told);
    const missing = await get({});
    deepEqual([missing.code, missing.status, missing.headers["content-type"]], [16, 401, "application/json"]);
    match(missing.headers["www-authenticate"] ?? "", /Bearer/);
    const { code, reason } = JSON.parse(missing.body) as Record<string, unknown>;
    deepEqual([code, reason], ["unauthenticated", "CREDENTIALS_MISSING"]);
    equal((await get({ "x-api-key": keys.BOB })).status, 403);
    equal(
      reasonOf(
        await check({ http: { method: "GET", path: "/reports/7", headers: { "x-api-key": keys.ANN } } }),
      ),
      "ok",
    );
  });

  it("refuses what is counted, and says when to come again", async () => {
    const ask = () => check(rpc("/acme.Orders/Limited", { "x-api-key": keys.BOB }));
    deepEqual([reasonOf(await ask()), reasonOf(await ask())], ["ok", "ok"]);
    const { headers, status } = told(await ask());
    deepEqual([status, headers["grpc-status"]], [200, "8"]);
    match(headers["retry-after"] ?? "", /^\d+$/);
    const plain = { "content-type": "application/json", "x-api-key": keys.BOB };
    equal(told(await check(rpc("/acme.Orders/Limited", plain))).status, 429);
  });

  it("reads headers that were joined, and those that were not, and takes two for two", async () => {
    const header = (key: string, value: string) => ({ key, value: "", rawValue: Buffer.from(value) });
    const raw = (...headers: ReturnType<typeof header>[]) =>
      check({ http: { method: "POST", path: "/acme.Orders/Find", headerMap: { headers } } }).then(reasonOf);
    equal(await raw(header("x-api-key", keys.ANN)), "ok");
    equal(await raw(header("x-api-key", keys.ANN), header("x-api-key", keys.ANN)), "CREDENTIALS_AMBIGUOUS");
    equal(
      await raw(header("x-api-key", keys.ANN), header("authorization", "Bearer x")),
      "CREDENTIALS_AMBIGUOUS",
    );
    equal(await raw(header("X-Api-Key", "nonsense")), "API_KEY_INVALID");
    // CVE-2021-32777, CVE-2026-26308
    equal(
      reasonOf(await check(rpc("/acme.Orders/Find", { "x-api-key": `${keys.ANN},${keys.ANN}` }))),
      "CREDENTIALS_AMBIGUOUS",
    );
    equal(
      reasonOf(await check(rpc("/acme.Orders/Find", { "X-Api-Key": "nonsense", "x-api-key": keys.ANN }))),
      "CREDENTIALS_AMBIGUOUS",
    );
  });

  it("refuses what is not guarded: unknown, ambiguous, or of this program", async () => {
    for (const path of [
      ...[
        "/acme.Orders/Delete",
        "/acme.Orders/Find?x",
        "/acme.Orders//Find",
        "/x/../acme.Orders/Find",
        "acme.Orders/Find",
      ],
      ...[
        "/acme.Orders/Fi%6ed",
        "/acme.Orders/Find%00",
        "/acme.Orders\\Find",
        "http://x/acme.Orders/Find",
        "",
        "*",
      ],
      ...["/auth.v1.AuthService/Login", checkProcedure],
    ])
      equal(reasonOf(await check(rpc(path, { "x-api-key": keys.ANN }))), "PERMISSION_DENIED", path);
    equal(reasonOf(await check({ http: {} })), "PERMISSION_DENIED");
    const { http } = rpc("/acme.Orders/Find");
    for (const method of ["GET", "OPTIONS", ""])
      equal(reasonOf(await check({ http: { ...http, method } })), "PERMISSION_DENIED", method);
    equal(reasonOf(await check(rpc("/grpc.health.v1.Health/Check"))), "ok");
  });
});

interface Asked {
  readonly path?: string;
  readonly method?: string;
  readonly headers: Readonly<Record<string, string | string[]>>;
}

async function forwardAuth({ path = "/forward-auth", method = "GET", headers }: Asked) {
  const [host, port] = node.httpAddress.split(":");
  const { promise, resolve, reject } = Promise.withResolvers<import("node:http").IncomingMessage>();
  request({ host, port, path, method, headers, agent: false }, resolve).once("error", reject).end();
  const answer = await promise;
  return { status: answer.statusCode, headers: answer.headers, body: await text(answer) };
}

const proxied = (method: string, uri: string, headers: Asked["headers"] = {}): Asked["headers"] => ({
  "x-countersign-proxy-key": keys.EDGE,
  "x-forwarded-method": method,
  "x-forwarded-uri": uri,
  ...headers,
});

describe("forward-auth", () => {
  it("answers nobody but proxies that may ask, and never with what nginx takes for an answer", async () => {
    const { "x-countersign-proxy-key": _key, ...headers } = proxied("POST", "/acme.Orders/Find");
    for (const key of [undefined, "nonsense-nonsense-nonsense", keys.ANN])
      for (const path of ["/forward-auth", "/forward-auth/nginx"]) {
        const mine = key === undefined ? headers : { ...headers, "x-countersign-proxy-key": key };
        equal((await forwardAuth({ path, headers: mine })).status, 503);
      }
    // Neither is the caller's own credential the proxy's.
    equal((await forwardAuth({ headers: { ...headers, "x-api-key": keys.EDGE } })).status, 503);
    equal((await forwardAuth({ headers: proxied("POST", "/acme.Orders/Find") })).status, 200);
    equal((await forwardAuth({ method: "POST", headers: proxied("POST", "/acme.Orders/Find") })).status, 405);
  });

  it("hands out an identity, and what a proxy may log", async () => {
    const { status, headers, body } = await forwardAuth({
      headers: proxied("GET", "/reports/7", { "x-api-key": keys.ANN }),
    });
    deepEqual([status, body, headers["cache-control"]], [200, "", "no-store"]);
    match(String(headers["x-countersign-identity"]), /^eyJ/);
    deepEqual(
      [headers["x-countersign-user-id"], headers["x-countersign-authenticator"]],
      ["static:ann", "api_key"],
    );
    const anonymous = await forwardAuth({
      headers: proxied("POST", "/acme.Orders/Find", { "x-countersign-identity": "x" }),
    });
    deepEqual([anonymous.status, anonymous.headers["x-countersign-identity"]], [200, undefined]);
  });

  it("tells Traefik and Caddy what they send on, and gRPC's clients what they look for", async () => {
    const http = await forwardAuth({ headers: proxied("GET", "/reports/7") });
    deepEqual([http.status, JSON.parse(http.body).reason], [401, "CREDENTIALS_MISSING"]);
    ok(http.headers["www-authenticate"]);
    const headers = proxied("POST", "/acme.Orders/Get", {
      "content-type": "application/grpc",
      "x-api-key": keys.BOB,
    });
    const grpc = await forwardAuth({ headers });
    deepEqual(
      [grpc.status, grpc.headers["grpc-status"], grpc.headers["content-type"]],
      [403, "7", "application/grpc"],
    );
    equal(grpc.body, "");
  });

  it("tells nginx 401 or 403, and the rest in headers", async () => {
    const ask = (key: string) =>
      forwardAuth({
        path: "/forward-auth/nginx",
        headers: proxied("POST", "/acme.Orders/Limited", { "x-api-key": key }),
      });
    const limited = await ask(keys.BOB);
    deepEqual(
      [limited.status, limited.headers["x-countersign-status"], limited.headers["grpc-status"]],
      [403, "429", "8"],
    );
    equal(JSON.parse(String(limited.headers["x-countersign-body"])).reason, "RATE_LIMITED");
    const invalid = await ask("nonsense");
    deepEqual([invalid.status, invalid.headers["x-countersign-status"]], [401, "401"]);
    const headers = proxied("POST", "/acme.Orders/Get", { "x-api-key": keys.BOB });
    const body = String(
      (await forwardAuth({ path: "/forward-auth/nginx", headers })).headers["x-countersign-body"],
    );
    match(body, /^[ -~]*$/);
    equal(JSON.parse(body).message, "Größe: only readers");
  });

  it("REGRESSION: Caddy's `uri /forward-auth` brings its caller's query along, which is not looked at", async () => {
    const good = proxied("GET", "/reports/7?page=2", { "x-api-key": keys.ANN });
    for (const query of ["?page=2", "?", "?x-forwarded-uri=/acme.Orders/Find"]) {
      equal((await forwardAuth({ path: `/forward-auth${query}`, headers: good })).status, 200);
      equal((await forwardAuth({ path: `/forward-auth/nginx${query}`, headers: good })).status, 200);
    }
    equal((await forwardAuth({ path: "/forward-auth/x?/forward-auth", headers: good })).status, 404);
  });

  it("needs one method and one target", async () => {
    const good = proxied("POST", "/acme.Orders/Find");
    for (const broken of [
      { "x-forwarded-uri": ["/acme.Orders/Find", "/acme.Orders/Get"] },
      { "x-forwarded-method": ["POST", "POST"] },
      { "x-forwarded-uri": "" },
      { "x-forwarded-method": "" },
    ])
      equal((await forwardAuth({ headers: { ...good, ...broken } as never })).status, 403);
    const { "x-forwarded-uri": _uri, ...without } = good;
    equal(
      (await forwardAuth({ headers: { ...without, "x-original-url": "/acme.Orders/Find" } as never })).status,
      403,
    );
  });
});

it("takes down who asked for what, from where, and nothing that strangers have named", async () => {
  const source = (address: string) => ({
    address: {
      address: {
        case: "socketAddress" as const,
        value: { address, portSpecifier: { case: "portValue" as const, value: 99 } },
      },
    },
  });
  const headers = { "x-api-key": keys.ANN, "user-agent": "of-the-log/1" };
  await check({ ...rpc("/acme.Orders/Get", headers), source: source("203.0.113.7") });
  await check({ ...rpc("/made/up/by/a/stranger", headers), source: source("2001:db8::7") });
  const forwarded = { ...headers, "x-forwarded-for": "198.51.100.1, 203.0.113.8, 10.0.0.3" };
  await forwardAuth({ headers: proxied("GET", "/reports/7", forwarded) });
  const log = await openRequestLog(config);
  const rows = async () => {
    const { rows: found } = await log.list({ filter: {}, limit: 1000 } as never);
    return found.filter(({ userAgent }) => userAgent === "of-the-log/1");
  };
  const end = performance.now() + 5000;
  while ((await rows()).length < 3 && performance.now() < end)
    await new Promise((resolve) => setTimeout(resolve, 50));
  const seen = (await rows()).map(({ procedure, protocol, peer, code, userId }) => [
    procedure,
    protocol,
    peer,
    code,
    userId,
  ]);
  await log.close();
  deepEqual(seen.sort(), [
    ["/acme.Orders/Get", "grpc", "203.0.113.7:99", 0, "static:ann"],
    ["GET /reports/:id", "http", "203.0.113.8:0", 0, "static:ann"],
    ["unknown", "grpc", "[2001:db8::7]:99", 7, undefined],
  ]);
  const line = logged.find(({ path }) => path === "/made/up/by/a/stranger");
  equal(line?.["msg"], "a proxy asked for what is not guarded here");
  const everything = JSON.stringify(logged);
  for (const key of Object.values(keys)) ok(!everything.includes(key));
});

describe("a start with proxies", () => {
  const starts = async (more: string, rules = policy): Promise<string> => {
    const found = configOf(configuration(more), rules);
    const [problem = ""] = await configurationProblems(found);
    const started = await createNode(found, pino({ enabled: false })).then(
      async (opened) => {
        await opened.stop();
        return "";
      },
      (error: Error) => error.message,
    );
    equal(problem === "", started === "", `${problem} | ${started}`);
    return started;
  };
  const open = "proxies: { ext_authz: true }";

  it("needs rules, which show no request", async () => {
    match(await starts(open, "rules: {}"), /there is nothing to guard|the limit "few" names/);
    const asking = `  /api.users.UserService/UpdateProfile: { condition: 'request.bio == "x"' }\n`;
    match(await starts(open, `${policy}${asking}`), /UpdateProfile names the request, which is not there/);
    equal(await starts(open), "");
  });

  it("needs authorities for the certificates that Envoy forwards, which nobody else does", async () => {
    const forwarding = "proxies: { ext_authz: true, client_ca_file: nowhere.pem }";
    match(await starts(forwarding), /^proxies\.client_ca_file \/.*\/nowhere\.pem cannot be read \(ENOENT\)/);
    match(
      await starts("proxies: { forward_auth: true, client_ca_file: nowhere.pem }"),
      /that Envoy forwards, and it may not ask: set proxies\.ext_authz/,
    );
  });

  it("needs an upstream for each rule, and keys that anyone can verify", async () => {
    match(
      await starts("proxies: { ext_authz: true, upstreams: { a: { methods: [/acme.Orders/*] } } }"),
      /none serves GET \/reports\/:id/,
    );
    match(await starts("proxies: { upstreams: { a: {} } }"), /no proxy may ask/);
    match(await starts("proxies: { ext_authz: true, identity_lifetime: 61s }"), /from 1s to 60s/);
    const found = configOf(configuration());
    const symmetric = { ...found, auth: { ...found.auth, jwt: { ...found.auth.jwt, algorithm: "HS256" } } };
    const secrets = { ...found.secrets, jwtSecret: Buffer.alloc(32, "a9Zk2Lm8Qx") };
    match((await configurationProblems({ ...symmetric, secrets }))[0] ?? "", /HS256 has no public key/);
  });
});
