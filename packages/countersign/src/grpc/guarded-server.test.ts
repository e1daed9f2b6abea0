import assert from "node:assert/strict";
import { it } from "node:test";
import { Server, ServerInterceptingCall, type sendUnaryData } from "@grpc/grpc-js";
import { createAuth } from "../core/auth.ts";
import { type Mode, policyFor, type Rule } from "../core/policy.ts";
import type { Principal } from "../core/principal.ts";
import { byUser, decoded, EchoClient, echo, listen, type Message } from "./echo.suite.ts";
import { grpcAuth } from "./grpc-auth.ts";
import { GuardedServer } from "./guarded-server.ts";

const { rules, routes } = policyFor<Principal>();
const every = (rule: Rule<Principal>) =>
  rules(echo, { Unary: rule, Upload: rule, Download: rule, Chat: rule });
const answering = {
  unary: (_call: unknown, callback: sendUnaryData<Message>) => callback(null, { say: "hi" }),
} as never;

function stop(client: EchoClient, server: GuardedServer): void {
  client.close();
  server.forceShutdown();
}

function rpcOf(policy = [every("authenticated")], mode?: Mode) {
  return grpcAuth<Principal>(createAuth({ authenticators: [byUser], policy, mode }));
}

// A guarded server

it("is a grpc.Server", () => {
  const server = rpcOf().createServer();
  assert.ok(server instanceof Server && server instanceof GuardedServer);
});

it("does not register an RPC without a rule, and names it", () => {
  const { Unary, Upload } = echo;
  const server = rpcOf([rules({ Unary }, { Unary: "open" })]).createServer();
  assert.throws(() => server.addService({ Unary, Upload }, answering), {
    name: "TypeError",
    message: /\/t\.Echo\/Upload/,
  });
});

it("does not listen while a rule names no RPC", async () => {
  const server = rpcOf([every("authenticated"), routes({ "GET /gone": "open" })]).createServer();
  server.addService(echo, answering);
  await assert.rejects(async () => listen(server), { name: "TypeError", message: /GET \/gone/ });
});

it("serves a plain definition whose handlers go by their original names, as proto-loader's do", async (t) => {
  const server = rpcOf().createServer();
  server.addService(echo, answering);
  const client = new EchoClient(await listen(server));
  t.after(() => stop(client, server));
  assert.deepEqual((await client.call("Unary", { "x-user": "ada" })).messages, [{ say: "hi" }]);
  assert.equal((await client.call("Upload", { "x-user": "ada" })).code, 12);
  assert.equal((await client.call("Upload", {})).code, 16);
});

it("refuses a handler that was registered behind its back", async (t) => {
  const server = rpcOf([]).createServer();
  const { Unary } = echo;
  server.register(Unary.path, answering["unary"], Unary.responseSerialize, Unary.requestDeserialize, "unary");
  const client = new EchoClient(await listen(server));
  t.after(() => stop(client, server));
  assert.equal((await client.call("Unary", { "x-user": "ada" })).code, 7);
});

it("asks before the interceptors that an application adds, which then know the caller", async (t) => {
  const seen: string[] = [];
  const rpc = rpcOf();
  const server = rpc.createServer({
    interceptors: [
      (_method, call) =>
        new ServerInterceptingCall(call, {
          start: (next) =>
            next({
              onReceiveMetadata(metadata, proceed) {
                seen.push(rpc.principal({ metadata })?.userId ?? "nobody");
                proceed(metadata);
              },
            }),
        }),
    ],
  });
  server.addService(echo, answering);
  const client = new EchoClient(await listen(server));
  t.after(() => stop(client, server));
  await client.call("Unary", {});
  await client.call("Unary", { "x-user": "ada" });
  assert.deepEqual(seen, ["ada"]);
});

it("supplies the missing rules by its mode, and knows each call anonymous where it is disabled", async (t) => {
  for (const [mode, without, bad] of [
    ["required", 16, 16],
    ["optional", 0, 16],
    ["disabled", 0, 0],
  ] as const) {
    const server = rpcOf([], mode).createServer();
    server.addService(echo, answering);
    const client = new EchoClient(await listen(server));
    t.after(() => stop(client, server));
    assert.equal((await client.call("Unary", {})).code, without, mode);
    assert.equal((await client.call("Unary", { "x-user": "bad" })).code, bad, mode);
    assert.equal((await client.call("Unary", { "x-user": "ada" })).code, 0, mode);
  }
});

it("answers for what it does not serve before anyone is asked who they are", async (t) => {
  const { Unary } = echo;
  const server = rpcOf([rules({ Unary }, { Unary: "authenticated" })]).createServer();
  server.addService({ Unary }, answering);
  const client = new EchoClient(await listen(server));
  t.after(() => stop(client, server));
  const before = decoded.count;
  assert.equal((await client.call("Chat", {})).code, 12);
  assert.equal(decoded.count, before);
});
