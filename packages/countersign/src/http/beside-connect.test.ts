import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { it } from "node:test";
import { createClient } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-node";
import express from "express";
import { echo, type Line } from "../connect/echo.suite.ts";
import { connectListener } from "../connect/node.ts";
import { connectAuth } from "../connect.ts";
import { isStaff } from "../core/guards.ts";
import { policyFor } from "../core/policy.ts";
import type { Principal } from "../core/principal.ts";
import { suiteAuth } from "./door-routes.suite.ts";
import { expressAuth } from "./express-auth.ts";

it("one server has Connect's routes and an app's, under one policy", async (t) => {
  const rule = "authenticated";
  const rules = { unary: rule, upload: rule, download: rule, chat: rule, read: rule } as const;
  const auth = suiteAuth({ policy: [policyFor<Principal>().rules(echo, rules)] });
  const guard = expressAuth(auth);
  const rpcs = connectAuth(auth);
  const api = guard.router();
  api.get("/staff", { guards: [isStaff] }, ({ context }, response) => {
    response.json(context.userId);
  });
  const listener = connectListener(rpcs, {
    routes: (router) =>
      router.service(echo, {
        unary: (_request: unknown, context: never) => ({ say: rpcs.principal(context)?.userId }),
      } as never),
    fallback: guard.listener(express().use(api)),
  });
  auth.seal();
  const server = createServer(listener);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close().closeAllConnections());
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const headers = { "x-user": "ada" };
  const client = createClient(echo, createConnectTransport({ baseUrl, httpVersion: "1.1" }));
  const unary = client["unary"] as unknown as (request: object, options: object) => Promise<Line>;
  assert.equal((await unary({}, { headers })).say, "ada");
  assert.equal((await fetch(`${baseUrl}/staff`, { headers })).status, 403);
  assert.equal(await (await fetch(`${baseUrl}/staff`, { headers: { "x-user": "staff" } })).json(), "staff");
  assert.equal((await fetch(`${baseUrl}/nothing`, { headers })).status, 404);
});
