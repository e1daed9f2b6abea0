import { deepEqual, equal, match, ok } from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { createTokenVerifier, keyRingFromJwks } from "countersign/jwt";
import type { ProxyServer } from "../tools/local-proxy.ts";
import type { ClientTls } from "./clients/client.ts";
import { answerOf, openSession, send } from "./clients/raw.ts";
import { until } from "./deadline.ts";
import { bearer, http } from "./door.ts";
import { describeInventions } from "./proxy-inventions.suite.ts";
import {
  call,
  firstClient,
  identityName,
  key,
  openProxyStage,
  type Places,
  type ProxyStage,
  says,
  users,
  valuesOf,
} from "./proxy-stage.ts";

/** A real proxy, as its sample in `deploy/` has it. */
export interface ProxyFront {
  readonly name: string;
  /** HTTP's status while Countersign is away. */
  readonly away: number;
  /** What callers trust it by. Default: it listens in plain text. */
  readonly tls?: ClientTls;
  start(places: Places): Promise<ProxyServer>;
}

/** What is promised of every proxy that is run. `more` adds what only one has. */
export function describeProxy(front: ProxyFront, more: (stage: () => ProxyStage) => void = () => {}): void {
  let stage: ProxyStage | undefined;
  const opened = (): ProxyStage => {
    if (stage === undefined) throw new Error("not open yet");
    return stage;
  };
  before(async () => {
    stage = await openProxyStage(front.start, front.tls);
  });
  after(() => stage?.close());

  describe(`gRPC behind ${front.name}`, () => describeGrpc(opened));
  describe(`gRPC's callers behind ${front.name}`, () => describeCallers(opened));
  describe(`HTTP behind ${front.name}`, () => describeHttp(opened));
  describe(`what a caller makes up behind ${front.name}`, () => describeInventions(opened));
  more(opened);
  describe(`${front.name} without an answer`, () => describeAbsence(opened, front.away));
}

function describeGrpc(stage: () => ProxyStage): void {
  it("lets keys and tokens through, and the service knows who calls", async () => {
    const { clients, server, tokens } = stage();
    for (const [, client] of clients) {
      deepEqual(await says(call(client, "UpdateProfile", key(server.apiKey))), ["ok", "alice"]);
      deepEqual(await says(call(client, "UpdateProfile", [bearer(tokens["sam"] ?? "")])), ["ok", "sam"]);
      deepEqual(await says(call(client, "ListAllUsers", [bearer(tokens["sam"] ?? "")])), ["ok", "sam"]);
      deepEqual(await says(call(client, "GetUser", [])), ["ok", ""]);
    }
  });

  it("gives gRPC clients the true status, reason and text", async () => {
    const { clients, server, tokens } = stage();
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

  it("refuses by headers alone and with 200: Go's clients go by HTTP's status before gRPC's", async () => {
    const session = await openSession(stage().grpc, stage().tls);
    const path = `${users}/UpdateProfile`;
    const { httpStatus, headers, body } = await answerOf(send(session, { path, body: Buffer.alloc(5) }));
    deepEqual([httpStatus, headers["content-type"], headers["grpc-status"]], [200, "application/grpc", "16"]);
    deepEqual([headers["grpc-message"], body.length], ["Authentication required", 0]);
    session.close();
  });

  it("refuses streams at their start, and carries those of callers who may", async () => {
    const { clients, server } = stage();
    for (const [, client] of clients) {
      const chat = { procedure: `${users}/Chat`, requests: [{ text: "hello" }], take: 1 };
      const { code, answers } = await client.call({ ...chat, headers: key(server.apiKey) });
      deepEqual([code, answers], [0, [{ text: "hello", from: "alice" }]]);
      const refused = await client.call({ ...chat, headers: key("cs_dev_nonsense") });
      deepEqual([refused.code, refused.reason], [16, "API_KEY_INVALID"]);
    }
  });
}

function describeCallers(stage: () => ProxyStage): void {
  it("refuses a key within a second of its end", async () => {
    const { administrator } = stage();
    const { id, key: secret } = await administrator.createKey("3", "for a proxy");
    const ask = () => says(call(firstClient(stage()), "UpdateProfile", key(secret)));
    deepEqual(await ask(), ["ok", "alice"]);
    await administrator.call("/auth.v1.ApiKeyService/RevokeApiKey", { id, reason: "lost" });
    await until(1000, "the revocation", async () => (await ask())[1] === "API_KEY_REVOKED");
  });

  it("refuses what is not guarded", async () => {
    const { tokens } = stage();
    const outcome = await firstClient(stage()).call({
      procedure: "/auth.v1.UserService/CreateUser",
      requests: [{ username: "x" }],
      headers: [bearer(tokens["admin"] ?? "")],
    });
    deepEqual([outcome.code, outcome.reason], [7, "PERMISSION_DENIED"]);
  });

  it("hands out tokens that are no credentials here", async () => {
    const { server } = stage();
    const { answers } = await call(firstClient(stage()), "GetUser", key(server.apiKey), { user_id: 1 });
    const received = new Map(JSON.parse(String(answers[0]?.["bio"])) as [string, string][]);
    const identity = received.get("x-countersign-identity") ?? "";
    const { json, status } = await http(server, "/auth.v1.AuthService/WhoAmI", { token: identity });
    deepEqual([status, json["reason"]], [401, "TOKEN_INVALID"]);
    deepEqual((await says(call(firstClient(stage()), "GetUser", [bearer(identity)])))[1], "TOKEN_INVALID");
  });

  it("tells administrators of the rules that it keeps for others", async () => {
    const { server, tokens } = stage();
    const ask = (name: string, body: object) =>
      http(server, `/auth.v1.PolicyService/${name}`, { token: tokens["admin"] ?? "", body: { ...body } });
    const procedure = `${users}/DeleteUser`;
    const { json } = await ask("Explain", { user_id: "3", procedure });
    deepEqual([json["outcome"], json["message"]], ["denied", "Superuser access required"]);
    const rules = (await ask("ListRules", {})).json["rules"] as readonly Record<string, unknown>[];
    const names = rules.map((rule) => rule["procedure"]);
    equal(new Set(names).size, names.length);
    deepEqual(rules.find((rule) => rule["procedure"] === procedure)?.["origin"], "policy.yaml");
  });
}

function describeHttp(stage: () => ProxyStage): void {
  it("lets callers through, with an identity and without their credentials", async () => {
    const { ask, server, received } = stage();
    const { status, json } = await ask("/reports/7?page=2", { headers: ["x-api-key", server.apiKey] });
    deepEqual([status, json], [200, { url: "/reports/7?page=2" }]);
    const identities = valuesOf(received.at(-1)?.headers, identityName);
    equal(identities.length, 1);
    const jwks = (await (await fetch(`http://${server.http}/.well-known/jwks.json`)).json()) as never;
    const verifier = createTokenVerifier({
      keys: keyRingFromJwks(jwks),
      ...{ typ: "countersign-identity+jwt", tokenType: "identity", audience: "reports" },
      ...{ maxLifetimeSeconds: 60 },
    });
    const verified = await verifier.verify(identities[0] ?? "", Date.now());
    ok(verified.ok);
    deepEqual([verified.claims["username"], verified.claims["procedure"]], ["alice", "GET /reports/:id"]);
  });

  it("carries bodies, and callers who are nobody", async () => {
    const { ask, received } = stage();
    const { status } = await ask("/notes", { method: "POST", body: "x".repeat(100_000) });
    equal(status, 200);
    deepEqual(valuesOf(received.at(-1)?.headers, identityName), []);
  });

  it("answers others with the status, the body and the challenge of every other door", async () => {
    const { ask, server } = stage();
    const missing = await ask("/reports/7");
    deepEqual([missing.status, missing.headers["content-type"]], [401, "application/json"]);
    match(missing.headers["www-authenticate"] ?? "", /^(Bearer|ApiKey)[^,]*, (Bearer|ApiKey)[^,]*$/);
    deepEqual([missing.json["code"], missing.json["reason"]], ["unauthenticated", "CREDENTIALS_MISSING"]);
    const forbidden = await ask("/reports", { headers: ["x-api-key", server.apiKey] });
    deepEqual([forbidden.status, forbidden.json["message"]], [403, "Permission 'users:list' required"]);
  });

  it("refuses paths that a server could read in two ways", async () => {
    const { ask, server } = stage();
    for (const path of [
      ...["/reports//7", "//reports/7", "/reports/../reports/7", "/reports/%2e%2e/7", "/reports/7%2f8"],
      ...["/reports/7;a=b", "/reports/a%5cb", "/reports/%252e", "/nothing"],
    ])
      equal((await ask(path, { headers: ["x-api-key", server.apiKey] })).status, 403, path);
  });
}

function describeAbsence(stage: () => ProxyStage, away: number): void {
  it("refuses everything while Countersign is away", async () => {
    const { server, clients, ask, received } = stage();
    const exit = await server.stop();
    equal(exit.code, 0);
    const count = received.length;
    for (const [name, client] of clients) {
      const { code } = await call(client, "GetUser", key(server.apiKey));
      equal(code, 14, name);
    }
    for (const path of ["/reports/7", "/reports/7?page=2"]) equal((await ask(path)).status, away);
    equal((await ask("/notes", { method: "POST", body: "x" })).status, away);
    equal(received.length, count);
  });
}
