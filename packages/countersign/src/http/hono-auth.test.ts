import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { serve } from "@hono/node-server";
import { type Context, Hono } from "hono";
import { HTTPException } from "hono/http-exception";
import { isAuthenticated, isStaff } from "../core/guards.ts";
import { describeDoor } from "./door.suite.ts";
import { type DoorSetup, type StartedDoor, suiteAuth } from "./door-routes.suite.ts";
import { honoAuth } from "./hono-auth.ts";

function appOf({ auth, options, routes }: DoorSetup) {
  const guard = honoAuth(auth, options);
  const app = new Hono();
  for (const [name, { run, ...rule }] of Object.entries(routes)) {
    const [method = "", path = ""] = name.split(" ");
    app.on(method, path, guard.route(rule), async (c) => {
      const result = await run({ context: c.get("context"), params: c.req.param() });
      if (typeof result !== "object" || result === null || !(Symbol.asyncIterator in result))
        return c.json(result);
      const encoder = new TextEncoder();
      async function* bytes(chunks: AsyncIterable<string>) {
        for await (const chunk of chunks) yield encoder.encode(chunk);
      }
      return c.body(ReadableStream.from(bytes(result as AsyncIterable<string>)));
    });
  }
  return guard.protect(app);
}

const start =
  (platform: "node" | "other") =>
  (setup: DoorSetup): Promise<StartedDoor> => {
    const app = appOf(setup);
    const fetch = (request: Request, env: object) => app.fetch(request, platform === "node" ? env : {});
    return new Promise((resolve) => {
      const server = serve({ fetch, hostname: "127.0.0.1", port: 0 }, ({ port }) =>
        resolve({
          port,
          close: () => {
            server.close();
            if ("closeAllConnections" in server) server.closeAllConnections();
          },
        }),
      );
    });
  };

describeDoor({ name: "hono", start: start("node"), decoded: true });
describeDoor({ name: "hono, on a platform without Node's response", start: start("other"), decoded: true });

describe("a Hono app", () => {
  const ok = (c: Context) => c.text("ok");
  const guardOf = () => honoAuth(suiteAuth(), { guards: [isAuthenticated], onError: () => {} });

  it("does not start with a route that does not begin with its guard", () => {
    for (const build of [
      (app: Hono) => app.get("/bare", ok),
      (app: Hono) => app.route("/api", new Hono().post("/bare", ok)),
      (app: Hono, guard = guardOf()) => app.get("/late", ok, guard.route()),
      (app: Hono) => app.all("/bare", ok),
      (app: Hono) => app.use("/bare/*", ok as never),
    ])
      assert.throws(() => guardOf().protect(build(new Hono()) as Hono), /no guard stands before/);
    const guard = guardOf();
    const shared = guard.route();
    assert.throws(
      () => guard.protect(new Hono().get("/a", shared, ok).get("/b", shared, ok) as never),
      /one guard stands before GET \/a and GET \/b/,
    );
    // A guard of another door is none.
    assert.throws(
      () => guardOf().protect(new Hono().get("/a", guard.route(), ok) as never),
      /no guard stands/,
    );
  });

  it("refuses whoever comes to a guard that nobody has asked about", async () => {
    const guard = guardOf();
    const app = new Hono().get("/early", guard.route({ guards: ["open"] }), ok);
    assert.equal((await app.request("/early")).status, 403);
  });

  it("names routes of routers in it as they are reached, and middleware as it was registered", async () => {
    const auth = suiteAuth();
    const guard = honoAuth(auth);
    const inner = new Hono().get("/staff/:id", guard.route({ guards: [isStaff] }), (c) =>
      c.json([c.var.context.userId, c.req.param("id")]),
    );
    const app = new Hono();
    app.use("/legacy/*", guard.route({ guards: [isAuthenticated] }));
    app.mount("/legacy", () => new Response("old"));
    const whole = guard.protect(app.route("/api", inner) as never);
    assert.deepEqual(
      auth
        .rules()
        .filter(({ source }) => source === "route")
        .map(({ procedure }) => procedure),
      ["ALL /legacy/*", "GET /api/staff/:id"],
    );
    const ask = async (path: string, user: string) => {
      const response = await whole.fetch(new Request(`http://x${path}`, { headers: { "x-user": user } }));
      return [response.status, await response.text()];
    };
    assert.deepEqual(await ask("/api/staff/7", "staff"), [200, '["staff","7"]']);
    assert.equal((await ask("/api/staff/7", "ada"))[0], 403);
    assert.deepEqual(await ask("/legacy/x", "ada"), [200, "old"]);
    assert.equal((await ask("/legacy/x", "bad"))[0], 401);
  });

  it("SECURITY: sends nothing that no guard admitted, whoever in the app answers", async () => {
    const guard = guardOf();
    const app = new Hono();
    app.use("*", async (_c, next) => next());
    app.use("/moved", async (c, next) => (c.req.method === "GET" ? c.redirect("/me") : next()));
    app.use("/busy", async (c, next) => (c.req.method === "GET" ? c.text("later", 429) : next()));
    app.use("/page", async (c, next) => (c.req.method === "GET" ? c.text("secret") : next()));
    app.mount("/old", () => new Response("secret"));
    app.use("/legacy/*", guard.route());
    app.all("/legacy/all", ok);
    app.get("/me", guard.route(), ok);
    const whole = guard.protect(app);
    const ask = async (path: string, headers = {}) => {
      const response = await whole.fetch(new Request(`http://x${path}`, { headers }));
      return [response.status, (await response.text()).includes("secret")];
    };
    const caller = { "x-user": "ada" };
    for (const [path, status] of [
      ["/moved", 302],
      ["/busy", 429],
      ["/page", 403],
      ["/old/x", 403],
      ["/none", 404],
    ] as const)
      assert.deepEqual(await ask(path, caller), [status, false], path);
    for (const path of ["/me", "/legacy/all"]) {
      assert.deepEqual(await ask(path), [401, false], path);
      assert.deepEqual(await ask(path, caller), [200, false], path);
    }
  });

  it("SECURITY: is closed once a route was added late", async () => {
    const errors: unknown[] = [];
    const guard = honoAuth(suiteAuth(), { guards: ["open"], onError: (error) => errors.push(String(error)) });
    const app = new Hono().get("/me", guard.route(), ok);
    const whole = guard.protect(app as never);
    app.get("/late", ok);
    assert.equal((await whole.fetch(new Request("http://x/late"))).status, 500);
    assert.deepEqual(errors, ["TypeError: routes were added after guard.protect(app)"]);
  });

  it("tells once of a request that two guards decide about", async () => {
    const ended: number[] = [];
    const guard = honoAuth(suiteAuth({ onCallEnd: ({ code }) => ended.push(code) }), { guards: ["open"] });
    const app = new Hono();
    app.use("/staff/*", guard.route());
    app.get("/staff/a", guard.route(), ok);
    app.get("/staff/b", guard.route({ guards: [isStaff] }), ok);
    const whole = guard.protect(app);
    for (const [path, status] of [
      ["/staff/a", 200],
      ["/staff/b", 403],
    ] as const) {
      const response = await whole.fetch(new Request(`http://x${path}`, { headers: { "x-user": "ada" } }));
      await response.text();
      assert.equal(response.status, status);
      assert.ok(response.headers.get("x-request-id"));
    }
    assert.deepEqual(ended, [0, 7]);
  });

  it("answers errors of its own its own way, and hides what is no error", async () => {
    const guard = guardOf();
    const open = () => guard.route({ guards: ["open"] });
    const own = new Hono()
      .onError((_error, c) => c.text("ours", 418))
      .get("/own", open(), () => {
        throw new Error("secret");
      });
    const asked = async (app: object, path: string) => {
      const response = await guard.protect(app as never).fetch(new Request(`http://x${path}`));
      return [response.status, await response.text()];
    };
    assert.deepEqual(await asked(own, "/own"), [418, "ours"]);
    const throwing = (thrown: unknown, path: string) =>
      new Hono().get(path, open(), () => {
        throw thrown;
      });
    assert.deepEqual(await asked(throwing(new HTTPException(409, { message: "twice" }), "/a"), "/a"), [
      409,
      "twice",
    ]);
    assert.equal((await asked(throwing("secret", "/b"), "/b"))[0], 500);
  });
});
