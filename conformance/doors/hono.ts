import { serve as serveFetch } from "@hono/node-server";
import { honoAuth } from "countersign/http/hono";
import { Hono } from "hono";
import type { ServeKit } from "./kit.ts";

export const serve: ServeKit = async ({ auth, guards, routes }) => {
  const guard = honoAuth(auth, { guards });
  const app = new Hono();
  for (const { path, run, ...rule } of routes)
    app.post(path, guard.route(rule), async (c) => c.json(await run(await c.req.json(), c.var.context)));
  const whole = guard.protect(app);
  auth.seal();
  return new Promise((resolve) => {
    serveFetch({ fetch: whole.fetch, hostname: "127.0.0.1", port: 0 }, ({ port }) =>
      resolve({ http: `127.0.0.1:${port}` }),
    );
  });
};
