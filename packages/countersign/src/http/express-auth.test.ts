import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, it } from "node:test";
import express, { type Express, type Response, Router } from "express";
import { isAuthenticated, isStaff } from "../core/guards.ts";
import type { Principal } from "../core/principal.ts";
import { withRequest } from "../core/request-guard.ts";
import type { UserAccount } from "../core/user.ts";
import { describeDoor } from "./door.suite.ts";
import { type DoorSetup, type StartedDoor, suiteAuth } from "./door-routes.suite.ts";
import { expressAuth } from "./express-auth.ts";

async function serve(listener: (request: unknown, response: unknown) => void): Promise<StartedDoor> {
  const server = createServer(listener);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { port: (server.address() as AddressInfo).port, close: () => server.close().closeAllConnections() };
}

function start({ auth, options, routes }: DoorSetup): Promise<StartedDoor> {
  const guard = expressAuth(auth, options);
  const app = express();
  const api = guard.router({ body: express.json() });
  for (const [name, { run, ...rule }] of Object.entries(routes)) {
    const [method = "", path = ""] = name.split(" ");
    api[method.toLowerCase() as "get"](path, rule, async (request, response) => {
      const { context, params } = request;
      assert.equal(guard.context(request), context);
      const result = await run({ context: context as never, params });
      if (typeof result !== "object" || result === null || !(Symbol.asyncIterator in result)) {
        response.json(result);
        return;
      }
      for await (const chunk of result as AsyncIterable<string>) response.write(chunk);
      response.end();
    });
  }
  app.use(api);
  return serve(guard.listener(app));
}

describeDoor({ name: "express", start, decoded: true });

describe("an Express app", () => {
  const listenerOf = (build: (app: Express, guard: ReturnType<typeof expressAuth>) => void) => {
    const guard = expressAuth(suiteAuth(), { guards: [isAuthenticated], onError: () => {} });
    const app = express();
    build(app, guard);
    return guard.listener(app);
  };

  it("does not start with a route that no guard stands before, wherever it is", () => {
    const handler = () => {};
    assert.throws(() => listenerOf((app) => app.get("/bare", handler)), /no guard stands before \/bare/);
    assert.throws(
      () => listenerOf((app) => app.use("/api", Router().use(Router().post("/deep", handler)))),
      /no guard stands before \/deep/,
    );
    assert.throws(() => listenerOf((app) => app.use("/old", express())), /mounted app/);
    assert.throws(
      () => listenerOf((app) => app.use(express.json())),
      /jsonParser reads bodies before a decision/,
    );
    listenerOf((app, guard) => {
      const api = guard.router();
      api.get("/fine", handler);
      app.use((_request, _response, next) => next()).use(Router().use(api));
    });
  });

  it("SECURITY: is closed once something was added late that no guard stands before, wherever it is", async (t) => {
    const reported: string[] = [];
    const guard = expressAuth(suiteAuth(), {
      guards: ["open"],
      onError: (error) => reported.push(String(error)),
    });
    const api = guard.router();
    const deep = Router();
    const handler = (_request: unknown, response: Response) => void response.json("told");
    api.get("/early", handler);
    const door = await serve(guard.listener(express().use(api).use("/api", Router().use(deep))));
    t.after(() => door.close());
    const statusOf = async (path: string) => (await fetch(`http://127.0.0.1:${door.port}${path}`)).status;
    api.get("/late", handler);
    assert.deepEqual([await statusOf("/early"), await statusOf("/late")], [200, 200]);
    deep.get("/deep", handler);
    assert.deepEqual([await statusOf("/api/deep"), await statusOf("/early")], [500, 500]);
    assert.equal(reported.length, 2);
    assert.match(reported[0] ?? "", /^TypeError: no guard stands before \/deep/);
  });

  it("SECURITY: a path that cannot be decoded is its caller's mistake, and no line in a log", async (t) => {
    const reported: unknown[] = [];
    const guard = expressAuth(suiteAuth(), {
      guards: [isAuthenticated],
      onError: (error) => reported.push(error),
    });
    const api = guard.router();
    api.get("/users/:id", (_request, response) => void response.json("told"));
    const door = await serve(guard.listener(express().use(api)));
    t.after(() => door.close());
    assert.equal((await fetch(`http://127.0.0.1:${door.port}/users/%zz`)).status, 400);
    assert.deepEqual(reported, []);
  });

  it("takes no route that is none", () => {
    const api = expressAuth(suiteAuth()).router();
    const register = api.get as (...given: readonly unknown[]) => void;
    for (const given of [
      ["/a"],
      ["/a", {}],
      ["/a", null, () => {}],
      ["a", {}, () => {}],
      ["/a", {}, "handler"],
      ["/a", () => {}],
    ])
      assert.throws(() => register(...given), TypeError);
  });

  it("shows a rule about the request no body that nobody reads", () => {
    const guards = [withRequest<Principal, unknown>(() => true)] as const;
    const api = expressAuth(suiteAuth()).router();
    assert.throws(() => api.post("/a", { guards }, () => {}), /names the request/);
    api.post("/b", { guards, body: express.json() }, () => {});
    api.get("/b/:id", { guards }, () => {});
  });

  it("hands over the account when it is asked for, and once", async (t) => {
    let loads = 0;
    const account = { id: "ada", plan: "gold" } as unknown as UserAccount & { readonly plan: string };
    const users = {
      load() {
        loads += 1;
        return account;
      },
    };
    const auth = suiteAuth();
    const guard = expressAuth<Principal, typeof account>(auth, { users });
    const api = guard.router({ prefix: "/api" });
    api.get("/me", { guards: [isAuthenticated] }, async (request, response) => {
      assert.equal(loads, 0);
      response.json([
        (await request.user)?.plan,
        (await request.context.user())?.plan,
        guard.principal(request)?.userId,
      ]);
    });
    // A route of ours that hands on leads to the next one's own decision.
    api.get("/:any", { guards: ["open"] }, (_request, _response, next) => next());
    api.get("/secret", { guards: [isStaff] }, (_request, response) => void response.json("secret"));
    api.post(
      "/parsed",
      { guards: ["open"], body: express.json({ limit: 10 }) },
      ({ body }, response) => void response.json(body),
    );
    const door = await serve(guard.listener(express().use(api)));
    t.after(() => door.close());
    const url = `http://127.0.0.1:${door.port}/api`;
    const headers = { "x-user": "ada" };
    assert.deepEqual(await (await fetch(`${url}/me`, { headers })).json(), ["gold", "gold", "ada"]);
    assert.equal(loads, 1);
    assert.equal((await fetch(`${url}/secret`, { headers })).status, 403);
    assert.deepEqual(
      auth
        .rules()
        .filter(({ source }) => source === "route")
        .map(({ procedure }) => procedure),
      ["GET /api/me", "GET /api/:any", "GET /api/secret", "POST /api/parsed"],
    );
    const post = async (body: string) => {
      const init = { method: "POST", body, headers: { "content-type": "application/json" } };
      const response = await fetch(`${url}/parsed`, init);
      return [response.status, ((await response.json()) as { message?: string }).message];
    };
    assert.deepEqual(await post("{}"), [200, undefined]);
    assert.deepEqual(await post("{bad"), [400, "The request cannot be read"]);
    assert.deepEqual(await post('{"a":"too long"}'), [413, "The request cannot be read"]);
  });
});
