import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { after, before, beforeEach, describe, it } from "node:test";
import type { JsonValue } from "@bufbuild/protobuf";
import { currentCall } from "../context/call-context.ts";
import type { ServiceHandlers } from "../context/service-handlers.ts";
import { createAuth } from "../core/auth.ts";
import { CallError, invalidArgument, Unavailable } from "../core/call-error.ts";
import { allow, deny } from "../core/decision.ts";
import { fakeAuthenticator, principal } from "../core/fakes.suite.ts";
import { policyFor } from "../core/policy.ts";
import type { Principal } from "../core/principal.ts";
import { Refusal } from "../core/refusal.ts";
import { UserService } from "../gen/auth/v1/users_pb.ts";
import { JsonAliases } from "./json-aliases.ts";

const auth = createAuth<Principal>({
  authenticators: [
    fakeAuthenticator((value) => {
      if (value === "good") return allow(principal({ userId: "7" }), "fake");
      return value === "down" ? deny("UNAVAILABLE") : undefined;
    }),
  ],
  policy: [
    policyFor<Principal>().rules(UserService, {
      createUser: "open",
      getUser: "authenticated",
      listUsers: "open",
      updateUser: "open",
      disableUser: "open",
      enableUser: "open",
      deleteUser: "open",
      setPassword: "open",
      resetSecondFactor: "open",
      listIdentities: "open",
      linkIdentity: "open",
      unlinkIdentity: "open",
    }),
  ],
});

const errors: string[] = [];
let calls = 0;
let thrown: unknown;

const fails = (): never => {
  calls += 1;
  throw thrown;
};
const handlers: Partial<ServiceHandlers<typeof UserService>> = {
  createUser: fails,
  getUser: (_request, context) => {
    calls += 1;
    assert.equal(currentCall(), context);
    return { user: { id: 2n ** 53n + 1n, username: context.requireUser().userId } };
  },
  deleteUser: async () => ({}),
  setPassword: async ({ password }) => {
    calls += 1;
    assert.equal(password.length, 65_536 - '{"password":""}'.length);
    return {};
  },
};

const json = new JsonAliases(auth, {
  onError: (error, procedure) => errors.push(`${procedure} ${(error as Error).message}`),
});
const alias = {
  handlers: handlers as ServiceHandlers<typeof UserService>,
  toRequest: (body: Readonly<Record<string, unknown>>) => body as JsonValue,
  toResponse: (answer: unknown) => answer,
};
const create = "/old/create";
const get = "/old/get";
json.add(create, { ...alias, method: UserService.method.createUser });
json.add(get, { ...alias, method: UserService.method.getUser });
json.add("/old/password", { ...alias, method: UserService.method.setPassword });
json.add("/old/user", {
  ...alias,
  method: UserService.method.getUser,
  toRequest: ({ name }) => ({ username: String(name) }),
  toResponse: ({ user }) => ({ who: user }),
});

const server = createServer((request, response) => {
  if (!json.handle(request, response)) response.writeHead(404).end();
});
let origin = "";
before(async () => {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
after(() => void server.close().closeAllConnections());
beforeEach(() => {
  errors.length = 0;
  calls = 0;
});

async function post(path: string, body = "{}", headers: Record<string, string> = {}) {
  const response = await fetch(origin + path, {
    method: "POST",
    body,
    headers: { "content-type": "application/json", ...headers },
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text };
}

describe("an answer", () => {
  it("has the proto's names, 64-bit integers as text, and what is empty", async () => {
    const { status, text, headers } = await post(get, "{}", { "x-fake": "good" });
    assert.equal(status, 200);
    assert.deepEqual(JSON.parse(text), {
      user: {
        id: "9007199254740993",
        username: "7",
        email: "",
        is_staff: false,
        is_superuser: false,
        is_active: false,
        roles: [],
        tenant: "",
      },
      has_second_factor: false,
    });
    assert.equal(headers.get("content-length"), String(text.length));
    assert.equal(headers.get("cache-control"), "no-store");
  });

  it("of another path is what that path makes of it", async () => {
    const { text } = await post("/old/user", '{"name":"x","more":1}', { "x-fake": "good" });
    assert.equal(JSON.parse(text).who.username, "7");
  });

  it("comes for a body of exactly the limit", async () => {
    const body = JSON.stringify({ password: "x".repeat(65_536 - '{"password":""}'.length) });
    assert.equal((await post("/old/password", body)).status, 200);
    assert.equal((await post("/old/password", `${body} `)).status, 413);
    assert.equal(calls, 1);
  });

  it("leaves the connection open for the next request, also where it is a refusal", async () => {
    for (const headers of [{ "x-fake": "good" }, {}] as Record<string, string>[]) {
      assert.equal((await post(get, "{}", headers)).headers.get("connection"), "keep-alive");
    }
  });
});

describe("a refusal", () => {
  it("comes before the handler, and before the body is looked at", async () => {
    for (const [headers, status, reason] of [
      [{}, 401, "CREDENTIALS_MISSING"],
      [{ "x-fake": "bad" }, 401, "TOKEN_INVALID"],
      [{ "x-fake": "down" }, 503, "UNAVAILABLE"],
    ] as const) {
      const answer = await post(get, "this is not JSON", headers);
      assert.deepEqual([answer.status, JSON.parse(answer.text).reason], [status, reason]);
      assert.equal(answer.headers.has("www-authenticate"), status === 401);
    }
    assert.equal(calls, 0);
  });

  for (const [what, error, status, body] of [
    [
      "a call error",
      new CallError("NOT_FOUND", "No such user"),
      404,
      { code: "not_found", message: "No such user" },
    ],
    ["a limit", new Refusal("RATE_LIMITED", { retryAfterSeconds: 1.5 }), 429, { code: "resource_exhausted" }],
    [
      "a violation",
      invalidArgument({ field: "email", description: "is odd" }),
      400,
      { code: "invalid_argument", message: "email: is odd" },
    ],
    [
      "what is away",
      new Unavailable("postgres://db.internal: hunter2 is away"),
      503,
      { code: "unavailable", message: "Temporarily unavailable" },
    ],
    ["a failure", new Error("the password is hunter2"), 500, { code: "internal", message: "Internal error" }],
    ["what is no error", "hunter2", 500, { code: "internal", message: "Internal error" }],
  ] as const) {
    it(`that a handler throws: ${what}`, async () => {
      thrown = error;
      const answer = await post(create);
      const told = JSON.parse(answer.text);
      assert.equal(answer.status, status);
      for (const [name, value] of Object.entries(body)) assert.equal(told[name], value);
      assert.equal(answer.headers.get("retry-after"), status === 429 ? "2" : null);
      assert.ok(!/hunter2|postgres/.test(answer.text));
      assert.equal(errors.length, status === 500 || status === 503 ? 1 : 0);
    });
  }
});

it("a caller who hangs up halfway is no failure", async () => {
  const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
  await once(socket, "connect");
  const arrived = once(server, "request");
  socket.write(`POST ${create} HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n{`);
  const [request] = await arrived;
  const closed = new Promise((resolve) => request.once("close", resolve));
  socket.destroy();
  await closed;
  await new Promise(setImmediate);
  assert.deepEqual([errors, calls], [[], 0]);
});

it("a path for what is not served is a mistake", () => {
  assert.throws(() => json.add("/x", { ...alias, method: UserService.method.listUsers }), TypeError);
  assert.equal(json.handle({ url: "/x" } as never, {} as never), false);
});
