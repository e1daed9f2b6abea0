import assert from "node:assert/strict";
import { once } from "node:events";
import { Agent, request as httpRequest } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { Readable } from "node:stream";
import { describe, it } from "node:test";
import swagger from "@fastify/swagger";
import websocket from "@fastify/websocket";
import Fastify, { type FastifyInstance, type HTTPMethods } from "fastify";
import { allow, deny } from "../core/decision.ts";
import { fakeAuthenticator, principal } from "../core/fakes.suite.ts";
import { isAuthenticated, isStaff } from "../core/guards.ts";
import { createRevocations } from "../core/revocation.ts";
import type { UserAccount } from "../core/user.ts";
import { describeDoor } from "./door.suite.ts";
import { type DoorSetup, type StartedDoor, suiteAuth } from "./door-routes.suite.ts";
import { type FastifyAuth, fastifyAuth } from "./fastify-auth.ts";

async function start({ auth, options, routes }: DoorSetup): Promise<StartedDoor> {
  const guard = fastifyAuth(auth, options);
  const app = Fastify();
  await app.register(guard.plugin);
  for (const [name, { run, ...rule }] of Object.entries(routes)) {
    const [method = "", url = ""] = name.split(" ");
    app.route({
      method: method as HTTPMethods,
      url,
      ...guard.rule(rule),
      handler: async (request, reply) => {
        const result = await run({
          context: guard.context(request) as never,
          params: request.params as never,
        });
        if (typeof result !== "object" || result === null || !(Symbol.asyncIterator in result)) return result;
        return reply.send(Readable.from(result as AsyncIterable<string>));
      },
    });
  }
  await app.listen({ host: "127.0.0.1", port: 0 });
  return {
    port: (app.server.address() as AddressInfo).port,
    close() {
      app.server.closeAllConnections();
      return app.close();
    },
  };
}

describeDoor({ name: "fastify", start, decoded: true });

describe("Fastify", () => {
  async function appOf(
    build: (app: FastifyInstance, guard: FastifyAuth<ReturnType<typeof principal>, UserAccount>) => unknown,
    options: Parameters<typeof suiteAuth>[0] = {},
  ) {
    const auth = suiteAuth(options);
    const users = { load: (id: string) => ({ id, username: "Ada" }) as UserAccount };
    const guard = fastifyAuth(auth, { users, guards: [isAuthenticated], onError: () => {} });
    const app = Fastify();
    await app.register(guard.plugin);
    await build(app, guard);
    await app.ready();
    return { app, auth, guard };
  }
  const headers = { "x-user": "ada" };

  it("refuses a route that was there before the plugin", async () => {
    const app = Fastify();
    app.get("/early", () => "open?");
    await app.register(fastifyAuth(suiteAuth(), { guards: ["open"] }).plugin);
    app.get("/late", () => "ok");
    assert.equal((await app.inject("/early")).statusCode, 403);
    assert.equal((await app.inject("/late")).body, "ok");
  });

  it("names routes with the prefix of their scope, and guards scopes below", async () => {
    const { app, auth } = await appOf((instance, guard) =>
      instance.register(
        (scope, _options, done) => {
          scope.get("/staff/:id", guard.rule({ guards: [isStaff] }), () => "staff");
          scope.route({ method: ["GET", "POST"], url: "/both", handler: () => "both" });
          done();
        },
        { prefix: "/api" },
      ),
    );
    assert.deepEqual(
      auth
        .rules()
        .filter(({ source }) => source === "route")
        .map(({ procedure }) => procedure),
      ["GET /api/staff/:id", "GET /api/both", "POST /api/both"],
    );
    const asked = async (method: "GET" | "HEAD" | "POST", url: string) =>
      (await app.inject({ method, url, headers })).statusCode;
    assert.equal(await asked("GET", "/api/staff/1"), 403);
    assert.equal(await asked("HEAD", "/api/staff/1"), 403);
    assert.equal(await asked("POST", "/api/both"), 200);
    assert.equal((await app.inject({ method: "POST", url: "/api/both" })).statusCode, 401);
  });

  it("says how to mend it where another plugin's decorators have its names, to who waits for it", async () => {
    const app = Fastify();
    app.decorateRequest("user", null);
    await assert.rejects(
      async () => app.register(fastifyAuth(suiteAuth()).plugin),
      /^TypeError: requests have a decorator of another plugin already: user\. Give/,
    );
  });

  it("hides whatever is thrown, and keeps what an answer varies by", async () => {
    const guard = fastifyAuth(suiteAuth(), {
      guards: ["open"],
      cors: { origins: ["https://app.example"] },
      onError: () => {},
    });
    const app = Fastify();
    await app.register(guard.plugin);
    app.get("/null", async () => {
      throw null;
    });
    app.get("/varies", (_request, reply) => reply.header("vary", "accept-encoding").send("ok"));
    app.get("/plain", () => "ok");
    const ask = (url: string) => app.inject({ url, headers: { origin: "https://app.example" } });
    const { statusCode, body } = await ask("/null");
    assert.deepEqual([statusCode, JSON.parse(body).message], [500, "Internal error"]);
    assert.equal((await ask("/varies")).headers["vary"], "accept-encoding, origin");
    assert.equal((await ask("/plain")).headers["vary"], "origin");
  });

  it("watches an answer and not its connection, whatever a request wants to change to that nobody serves", async (t) => {
    const { app } = await appOf((instance) => instance.get("/me", () => "ok"));
    let connection: Socket | undefined;
    app.server.on("connection", (socket: Socket) => {
      connection = socket;
    });
    await app.listen({ host: "127.0.0.1", port: 0 });
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    t.after(() => {
      agent.destroy();
      return app.close();
    });
    const { port } = app.server.address() as AddressInfo;
    const listeners: (number | undefined)[] = [];
    for (let turn = 0; turn < 3; turn += 1) {
      const given = { ...headers, upgrade: "h2c", connection: "keep-alive" };
      const sent = httpRequest({ port, host: "127.0.0.1", path: "/me", agent, headers: given }).end();
      const [response] = await once(sent, "response");
      response.resume();
      await once(response, "close");
      listeners.push(connection?.listenerCount("close"));
    }
    assert.equal(new Set(listeners).size, 1);
  });

  it("keeps a rule beside a route's own configuration", async () => {
    const { app } = await appOf((instance, guard) =>
      instance.get("/a", { ...guard.rule({ guards: [isStaff] }), config: { own: 1 } as object }, () => "ok"),
    );
    assert.equal((await app.inject({ url: "/a", headers })).statusCode, 403);
  });

  it("has the caller as decorations, for JavaScript", async () => {
    const { app } = await appOf((instance) =>
      instance.get("/me", async (request) => {
        const context = request.getDecorator<{ userId: string }>("context");
        return [context.userId, (await request.getDecorator<Promise<UserAccount>>("user")).username];
      }),
    );
    assert.deepEqual((await app.inject({ url: "/me", headers })).json(), ["ada", "Ada"]);
  });

  it("does not hand out what a body was, and keeps Fastify's own words for one that is wrong", async () => {
    const { app } = await appOf((instance) =>
      instance.post("/a", { schema: { body: { type: "object", required: ["name"] } } }, () => "ok"),
    );
    const post = async (payload: string) => {
      const given = {
        method: "POST",
        url: "/a",
        payload,
        headers: { ...headers, "content-type": "application/json" },
      } as const;
      const { statusCode, body } = await app.inject(given);
      assert.ok(!body.includes("s3cret"));
      return statusCode;
    };
    assert.deepEqual(
      [await post('{"name":1}'), await post('{"x":"s3cret"}'), await post("{s3cret")],
      [200, 400, 400],
    );
  });

  it("says in OpenAPI how callers prove who they are", async () => {
    const auth = suiteAuth({
      authenticators: [
        fakeAuthenticator(() => undefined, { name: "jwt", header: "authorization", challenge: "Bearer" }),
        fakeAuthenticator(() => undefined, { name: "api_key", header: "x-api-key", challenge: "ApiKey" }),
      ],
    });
    const guard = fastifyAuth(auth, { guards: [isAuthenticated] });
    const app = Fastify();
    await app.register(swagger, {
      openapi: { components: { securitySchemes: guard.securitySchemes } },
    });
    await app.register(guard.plugin);
    const certificate = { ...fakeAuthenticator(() => undefined, { name: "certificate" }), header: undefined };
    app.get("/me", () => "");
    app.get("/open", guard.rule({ guards: ["open"] }), () => "");
    app.get("/maybe", guard.rule({ guards: ["optional"] }), () => "");
    app.get("/machines", guard.rule({ auth: [certificate] }), () => "");
    await app.ready();
    const { paths, components } = app.swagger() as unknown as {
      paths: Record<string, { get: { security: unknown } }>;
      components: { securitySchemes: unknown };
    };
    const both = [{ jwt: [] }, { api_key: [] }];
    assert.deepEqual(
      Object.entries(paths).map(([path, { get }]) => [path, get.security]),
      [
        ["/me", both],
        ["/open", []],
        ["/maybe", [{}, ...both]],
        ["/machines", [{ certificate: [] }]],
      ],
    );
    assert.deepEqual(components.securitySchemes, {
      jwt: { type: "http", scheme: "bearer" },
      api_key: { type: "apiKey", in: "header", name: "x-api-key" },
      certificate: { type: "mutualTLS" },
    });
  });

  it("decides about WebSockets, and hangs up when their caller no longer may", async (t) => {
    const revocations = createRevocations();
    const byUser = fakeAuthenticator(
      (value, runtime) =>
        runtime.revocations.check({ userId: value }, runtime.revocations.version) === "good"
          ? allow(principal({ userId: value }), "fake")
          : deny("USER_DISABLED"),
      { header: "x-user" },
    );
    const auth = suiteAuth({ authenticators: [byUser], revocations });
    const guard = fastifyAuth(auth, { guards: [isAuthenticated] });
    const app = Fastify();
    await app.register(websocket);
    await app.register(guard.plugin);
    app.get("/socket", { websocket: true }, (socket, request) =>
      socket.send(guard.principal(request)?.userId ?? ""),
    );
    await app.listen({ host: "127.0.0.1", port: 0 });
    t.after(() => app.close());
    const url = `ws://127.0.0.1:${(app.server.address() as AddressInfo).port}/socket`;
    const open = (given: Record<string, string>) => new WebSocket(url, { headers: given } as never);
    const [refused] = await once(open({}), "error");
    assert.ok(refused);
    const socket = open(headers);
    const [{ data }] = await once(socket, "message");
    assert.equal(data, "ada");
    const closed = once(socket, "close");
    revocations.apply({ kind: "user", userId: "ada", state: "disabled" });
    await closed;
  });
});
