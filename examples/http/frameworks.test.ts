import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { after, describe, it } from "node:test";
import { getRequestListener } from "@hono/node-server";
import { createJwtForUser } from "countersign/jwt";
import { loadExample as load } from "./load-example.ts";

process.env["JWT_SECRET"] = "only for this test: 32 bytes or more";
const key = "sk-jobs-0123456789abcdef";
process.env["JOBS_KEY"] = key;

const cleanUp: (() => unknown)[] = [];
after(async () => {
  for (const each of cleanUp) await each();
});

async function listen(server: Server): Promise<string> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanUp.push(() => server.close().closeAllConnections());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const starts: Readonly<Record<string, () => Promise<string>>> = {
  node: async () => listen((await load("http/node.ts"))["server"] as never),
  express: async () => listen((await load("http/express.ts"))["server"] as never),
  fetch: async () =>
    listen(createServer(getRequestListener((await load("http/fetch.ts"))["handler"] as never))),
  hono: async () => {
    const { server } = (await load("http/hono.ts")) as never as { server: { fetch: never } };
    return listen(createServer(getRequestListener(server.fetch)));
  },
  fastify: async () => {
    const { app } = (await load("http/fastify.ts")) as never as { app: import("fastify").FastifyInstance };
    cleanUp.push(() => app.close());
    const { paths } = app.swagger() as unknown as {
      paths: Record<string, Record<string, { security: unknown }>>;
    };
    assert.deepEqual(paths["/internal"]?.["get"]?.security, [{ api_key: [] }]);
    assert.deepEqual(paths["/public"]?.["get"]?.security, []);
    return app.listen({ host: "127.0.0.1", port: 0 });
  },
  nestjs: async () => {
    const { app } = (await load("nestjs/server.ts")) as never as {
      app: import("@nestjs/common").INestApplication;
    };
    await app.listen(0, "127.0.0.1");
    cleanUp.push(() => app.close());
    return app.getUrl();
  },
};

for (const [name, start] of Object.entries(starts))
  describe(`the example for ${name}`, () => {
    it("admits and refuses as docs/http-frameworks.md says", async () => {
      const url = await start();
      const { signingKey } = await import("./auth.ts");
      const user = {
        id: "3",
        username: "sam",
        email: undefined,
        isStaff: false,
        isSuperuser: false,
        roles: [],
      };
      const token = createJwtForUser(user, { key: signingKey });
      const bearer = { authorization: `Bearer ${token}` };
      const ask = async (
        method: string,
        path: string,
        headers: Record<string, string> = {},
        body?: object,
      ) => {
        const response = await fetch(`${url}${path}`, {
          method,
          headers: { "content-type": "application/json", ...headers },
          ...(body !== undefined && { body: JSON.stringify(body) }),
        });
        const json = (await response.json()) as { readonly reason?: string };
        return response.ok ? json : [response.status, json.reason];
      };
      assert.deepEqual(await ask("GET", "/profile"), [401, "CREDENTIALS_MISSING"]);
      assert.deepEqual(await ask("GET", "/profile", bearer), { user_id: "3", username: "user 3" });
      assert.deepEqual(await ask("GET", "/public"), { message: "Anyone can access this" });
      assert.deepEqual(await ask("GET", "/internal", bearer), [401, "CREDENTIALS_MISSING"]);
      assert.deepEqual(await ask("GET", "/internal", { "x-api-key": key }), { status: "authorized" });
      assert.deepEqual(await ask("POST", "/reports", bearer, {}), [403, "PERMISSION_DENIED"]);
      assert.deepEqual(await ask("POST", "/reports", { "x-api-key": key }, { a: 1 }), { received: { a: 1 } });
      assert.deepEqual(await ask("POST", "/logout", bearer, {}), { status: "logged out" });
      assert.deepEqual(await ask("GET", "/profile", bearer), [401, "TOKEN_REVOKED"]);
    });
  });
