import { deepEqual, equal, match, ok } from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { chromiumConnect, chromiumGrpcWeb, closePages, openPages } from "./clients/browser.ts";
import type { Header, Outcome } from "./clients/client.ts";
import { http } from "./door.ts";
import { runProgram, type ServerProcess, startServer } from "./server-process.ts";

// Pages in a browser: closed unless their origin is named, and never a way around anything.

const origin = "https://app.example";
const whoAmI = "/auth.v1.AuthService/WhoAmI";

function preflight(server: ServerProcess, path: string, from: string, method = "POST") {
  return http(server, path, {
    method: "OPTIONS",
    headers: {
      origin: from,
      "access-control-request-method": method,
      "access-control-request-headers": "authorization,content-type,connect-protocol-version",
    },
  });
}

const corsHeaders = (headers: Headers): readonly string[] =>
  [...headers.keys()].filter((name) => name.startsWith("access-control-"));

/** What a page in Chromium gets for a call to `GetUser`, with gRPC-Web and with Connect. */
async function fromPage(server: ServerProcess, headers: readonly Header[]): Promise<readonly Outcome[]> {
  const procedure = "/api.users.UserService/GetUser";
  const call = { procedure, requests: [{ user_id: "1" }], headers };
  return Promise.all(
    [chromiumGrpcWeb, chromiumConnect].map(async (kind) => (await kind.connect(server.http)).call(call)),
  );
}

function readsNothing(outcomes: readonly Outcome[]): void {
  for (const { code, message, reason, answers } of outcomes) {
    deepEqual([reason, answers], [undefined, []]);
    ok(code !== 0);
    match(message, /Failed to fetch/);
  }
}

after(closePages);

describe("by default", () => {
  let server: ServerProcess;
  before(async () => {
    server = await startServer();
  });
  after(() => server.stop());

  it("no origin is told anything, and a preflight is a request like any other", async () => {
    for (const path of [whoAmI, "/auth/token", "/healthz", "/nothing"]) {
      const { status, headers } = await preflight(server, path, origin);
      ok(status === 405 || status === 404 || status === 401, `${path}: ${status}`);
      deepEqual(corsHeaders(headers), []);
    }
    const { headers } = await http(server, whoAmI, { headers: { origin, "x-api-key": server.apiKey } });
    deepEqual(corsHeaders(headers), []);
  });

  it("a page in Chromium reads nothing, with a credential or without", async () => {
    readsNothing(await fromPage(server, [["x-api-key", server.apiKey]]));
    readsNothing(await fromPage(server, []));
  });
});

it("a page in Chromium reads what its origin may, and sends what it may; the same page from elsewhere does not", async (t) => {
  const { origin: named, page } = await openPages();
  const server = await startServer({ config: `http: { cors: { allowed_origins: ["${named}"] } }\n` });
  t.after(() => server.stop());
  const key: Header = ["x-api-key", server.apiKey];
  for (const { code, answers } of await fromPage(server, [key])) {
    equal(code, 0);
    equal(answers[0]?.["requested_by"], "alice");
  }
  for (const { code, reason } of await fromPage(server, [["x-api-key", "nonsense"]]))
    deepEqual([code, reason], [16, "API_KEY_INVALID"]);
  readsNothing(await fromPage(server, [key, ["x-user-id", "1"]]));
  await page.goto(named.replace("127.0.0.1", "localhost"));
  readsNothing(await fromPage(server, [key]));
});

describe("with an origin that is allowed", () => {
  let server: ServerProcess;
  before(async () => {
    const config = `http:\n  cors:\n    allowed_origins: ["${origin}", "http://localhost:5173"]\nauth:\n  api_keys:\n    header: x-our-key\n`;
    server = await startServer({ config });
  });
  after(() => server.stop());

  it("a preflight names what Connect, gRPC-Web and credentials need, and runs nothing", async () => {
    for (const path of [whoAmI, "/auth/token", "/api.users.UserService/WatchUsers"]) {
      const { status, headers, text } = await preflight(server, path, origin);
      deepEqual([status, text], [204, ""]);
      equal(headers.get("access-control-allow-origin"), origin);
      equal(headers.get("access-control-allow-credentials"), null);
      equal(headers.get("access-control-allow-methods"), "POST, GET");
      const allowed = (headers.get("access-control-allow-headers") ?? "").toLowerCase();
      for (const name of [
        "authorization",
        "x-our-key",
        "content-type",
        "connect-protocol-version",
        "x-grpc-web",
      ])
        ok(allowed.split(", ").includes(name), name);
      equal(headers.get("access-control-max-age"), "7200");
      match(headers.get("vary") ?? "", /origin/);
    }
  });

  it("an answer may be read, a refusal too, with what gRPC-Web puts into headers", async () => {
    for (const [headers, expected] of [
      [{ "x-our-key": server.apiKey }, 200],
      [{}, 401],
    ] as const) {
      const answer = await http(server, whoAmI, { headers: { origin, ...headers } });
      equal(answer.status, expected);
      equal(answer.headers.get("access-control-allow-origin"), origin);
      const exposed = (answer.headers.get("access-control-expose-headers") ?? "").toLowerCase();
      for (const name of ["grpc-status", "grpc-message", "grpc-status-details-bin", "www-authenticate"])
        ok(exposed.split(", ").includes(name), name);
    }
  });

  it("SECURITY: an origin that only looks like it is told nothing, and OPTIONS reaches no handler", async () => {
    for (const other of [
      "https://app.example.evil.example",
      "https://app.example:8443",
      "http://app.example",
      "https://APP.example",
      "null",
      "*",
      `${origin}/`,
      `${origin} http://localhost:5173`,
    ]) {
      const { status, headers } = await preflight(server, whoAmI, other);
      equal(status, 405, other);
      deepEqual(corsHeaders(headers), [], other);
      match(headers.get("vary") ?? "", /origin/);
    }
    // Without a method to ask for, it is no preflight.
    const plain = await http(server, whoAmI, { method: "OPTIONS", headers: { origin } });
    equal(plain.status, 405);
  });

  it("a credential on a preflight counts for nothing, and is not looked at", async () => {
    const { status } = await http(server, whoAmI, {
      method: "OPTIONS",
      headers: { origin, "access-control-request-method": "POST", "x-our-key": "nonsense" },
    });
    equal(status, 204);
  });
});

it("what is no origin stops the start", async () => {
  for (const wrong of ["*", "null", "https://app.example/", "app.example", "https://APP.example"]) {
    const config = `http:\n  cors:\n    allowed_origins: ["${wrong}"]\n`;
    const { code, stderr } = await runProgram(["dev"], { config, deadlineMs: 10_000 });
    ok(code !== 0, wrong);
    match(stderr, /http\.cors\.allowed_origins\.0: an origin is a scheme, a host/);
  }
});
