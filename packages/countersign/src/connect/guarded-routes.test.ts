import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage, request } from "node:http";
import type { AddressInfo } from "node:net";
import { it } from "node:test";
import { createConnectRouter, createContextValues, type Interceptor } from "@connectrpc/connect";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { AuthRequiredService } from "../context/base-service.ts";
import { currentCall } from "../context/call-context.ts";
import { createAuth } from "../core/auth.ts";
import { policyFor } from "../core/policy.ts";
import type { Principal } from "../core/principal.ts";
import { connectAuth } from "./connect-auth.ts";
import { byUser, doorNames, echo, kindsOf, repeating, startEcho } from "./echo.suite.ts";
import { implement } from "./implement.ts";
import { connectListener } from "./node/listener.ts";

const handlers = repeating as never;
const withoutRules = () => connectAuth(createAuth<Principal>({ authenticators: [byUser], policy: [] }));

it("an RPC without a rule stops the start, and is named", () => {
  assert.throws(() => connectListener(withoutRules(), { routes: (router) => router.service(echo, {}) }), {
    name: "TypeError",
    message: /no rule for \/t\.Echo\/Unary, .*\/t\.Echo\/Read/,
  });
  const unary = echo.method["unary"];
  assert.ok(unary);
  assert.throws(
    () => connectListener(withoutRules(), { routes: (router) => router.rpc(unary, (() => ({})) as never) }),
    /no rule for \/t\.Echo\/Unary:/,
  );
});

it("a handler that comes past the router's methods stops the start", () => {
  const bare = createConnectRouter();
  bare.service(echo, {});
  assert.throws(
    () =>
      connectListener(withoutRules(), { routes: (router) => void router.handlers.push(...bare.handlers) }),
    /nothing would guard it/,
  );
});

it("a service that needs a caller is not registered where a rule lets anonymous calls in", async () => {
  const service = Object.assign(Object.create(AuthRequiredService.prototype) as object, repeating) as never;
  const starting = startEcho({ rule: "optional", handlers: service });
  await assert.rejects(starting, /lets nobody in who is anonymous/);
  await using server = await startEcho({ handlers: service });
  assert.equal((await server.call("gRPC", "unary", { "x-user": "ada" })).code, 0);
});

it("a missing handler is a mistake", () => {
  assert.throws(() => implement(echo, {} as never), /no handler for t\.Echo\.unary/);
});

it("SECURITY: no option of a service's takes the gate or the interceptor away", async () => {
  const seen: unknown[] = [];
  const look: Interceptor = (next) => (request) => {
    seen.push(currentCall()?.principal?.userId);
    return next(request);
  };
  const options = [
    { requestGate: undefined, interceptors: [] },
    { requestGate: () => {}, interceptors: undefined },
    { readMaxBytes: undefined, jsonOptions: undefined, requestGate: undefined },
    { interceptors: [look] },
  ] as const;
  for (const given of options) {
    await using server = await startEcho({
      routes: () => (router) => router.service(echo, implement(echo, handlers), given as never),
    });
    for (const door of doorNames) {
      for (const kind of kindsOf(door)) {
        assert.equal((await server.call(door, kind, {})).reason, "CREDENTIALS_MISSING", `${door} ${kind}`);
        assert.equal((await server.call(door, kind, { "x-user": "ada" })).code, 0);
      }
    }
  }
  assert.ok(
    seen.length > 0 && seen.every((user) => user === "ada"),
    "an interceptor of theirs comes after ours",
  );
});

it("a gate of the application's comes after ours, and may refuse", async () => {
  const seen: unknown[] = [];
  await using server = await startEcho({
    adapter: {
      async requestGate(handler) {
        seen.push(handler.method.name);
        throw new (await import("../core/call-error.ts")).CallError("UNAVAILABLE", "Closed on Sundays");
      },
    },
  });
  assert.equal((await server.call("gRPC", "unary", {})).code, 16);
  assert.deepEqual(seen, []);
  assert.equal((await server.call("gRPC", "unary", { "x-user": "ada" })).code, 13);
  assert.deepEqual(seen, ["Unary"]);
});

it("SECURITY: a call that did not pass the gate reaches no handler", async () => {
  let calls = 0;
  const count = { ...repeating, unary: () => void calls++ };
  const policy = [
    policyFor<Principal>().rules(echo, {
      unary: "open",
      upload: "open",
      download: "open",
      chat: "open",
      read: "open",
    }),
  ];
  const failures: unknown[] = [];
  const guard = connectAuth(createAuth<Principal>({ authenticators: [byUser], policy }), {
    onError: (error) => failures.push(error),
  });
  const options = guard.protect({
    routes: (router) => router.service(echo, implement(echo, count as never)),
  });
  const router = createConnectRouter(options);
  options.routes(router);
  // As if another version of Connect did not know a gate.
  const values = createContextValues();
  values.get = (key) => key.defaultValue;
  const [unary] = router.handlers;
  const response = await unary?.({
    httpVersion: "1.1",
    method: "POST",
    url: "http://x/t.Echo/Unary",
    header: new Headers({ "content-type": "application/json" }),
    body: {},
    signal: new AbortController().signal,
    contextValues: values,
  });
  assert.equal(response?.status, 500);
  assert.equal(calls, 0);
  assert.match(String(failures[0]), /did not pass the gate/);
});

it("SECURITY: values that two calls would share are refused to the second", async () => {
  const values = createContextValues();
  await using server = await startEcho({ adapter: { contextValues: () => values } });
  assert.deepEqual((await server.call("gRPC", "unary", { "x-user": "ada" })).says, ["hello ada"]);
  const { code, says } = await server.call("gRPC", "unary", { "x-user": "eve" });
  assert.deepEqual([code, says], [13, []]);
});

it("Connect's own adapter serves the same routes", async () => {
  const policy = [
    policyFor<Principal>().rules(echo, {
      unary: "authenticated",
      upload: "open",
      download: "open",
      chat: "open",
      read: "open",
    }),
  ];
  const guard = connectAuth(createAuth<Principal>({ authenticators: [byUser], policy }));
  const adapter = connectNodeAdapter(
    guard.protect({ routes: (router) => router.service(echo, implement(echo, handlers)) }),
  );
  const server = createServer(adapter);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/t.Echo/Unary`;
  const post = async (headers: Record<string, string>) =>
    (
      await fetch(url, {
        method: "POST",
        body: '{"say":"hello"}',
        headers: { "content-type": "application/json", ...headers },
      })
    ).json();
  assert.deepEqual(await post({ "x-user": "ada" }), { say: "hello", saidBy: "ada" });
  assert.equal(((await post({})) as { reason: string }).reason, "CREDENTIALS_MISSING");
  // Of this body nothing ever comes, and nothing is waited for.
  const unsent = request(url, {
    method: "POST",
    headers: { "content-type": "application/json", "content-length": "15" },
  });
  unsent.on("error", () => {}).flushHeaders();
  const [refused] = (await once(unsent, "response", { signal: AbortSignal.timeout(5000) })) as [
    IncomingMessage,
  ];
  assert.equal(refused.statusCode, 401);
  unsent.destroy();
  server.close();
  server.closeAllConnections();
});
