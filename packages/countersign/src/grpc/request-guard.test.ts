import assert from "node:assert/strict";
import { it } from "node:test";
import * as grpc from "@grpc/grpc-js";
import { createAuth } from "../core/auth.ts";
import { allow } from "../core/decision.ts";
import { fakeAuthenticator, principal } from "../core/fakes.suite.ts";
import { allOf } from "../core/guard.ts";
import { isStaff } from "../core/guards.ts";
import { policyFor } from "../core/policy.ts";
import type { Principal } from "../core/principal.ts";
import { withRequest } from "../core/request-guard.ts";
import { byUser, EchoClient, echo, errorInfo, type Message, until } from "./echo.suite.ts";
import { grpcAuth } from "./grpc-auth.ts";

const saysOwnName = withRequest(
  (user: Principal, { say }: Message) => (say === "slow" ? Promise.resolve(false) : say === user.userId),
  { denialMessage: "Say your own name" },
);

/** Takes a while to say who it is. */
const slowly = fakeAuthenticator(
  async (value) => {
    await new Promise(setImmediate);
    return allow(principal({ userId: value }), "fake");
  },
  { header: "x-user" },
);

async function start(rule = saysOwnName, authenticator = byUser) {
  const ran: string[] = [];
  const p = policyFor<Principal>();
  const { Unary, Download, Upload, Chat } = echo;
  const auth = createAuth<Principal>({
    authenticators: [authenticator],
    policy: [
      p.rules({ Unary, Download }, { Unary: rule, Download: rule }),
      p.rules({ Upload, Chat }, { Upload: rule, Chat: rule }),
    ],
  });
  const rpc = grpcAuth(auth, { onError: () => {} });
  // Made elsewhere, so that the interceptor alone guards it: also the streams, for which no guarded server would start.
  const server = new grpc.Server({ interceptors: [rpc.interceptor] });
  server.addService(echo, {
    Unary: (call: grpc.ServerUnaryCall<Message, Message>, done: grpc.sendUnaryData<Message>) => {
      ran.push(`Unary ${call.request.say} ${rpc.principal(call)?.userId}`);
      done(null, { who: rpc.principal(call)?.userId ?? "" });
    },
    Download: (call: grpc.ServerWritableStream<Message, Message>) => {
      ran.push("Download");
      call.write({ who: rpc.principal(call)?.userId ?? "" });
      call.end();
    },
    Upload: () => ran.push("Upload"),
    Chat: () => ran.push("Chat"),
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  const client = new EchoClient(port);
  return {
    ...{ auth, rpc, client, ran },
    async [Symbol.asyncDispose]() {
      client.close();
      server.forceShutdown();
      await until(() => true);
    },
  };
}

for (const kind of ["Unary", "Download"] as const) {
  it(`${kind}: the request decides, before the handler`, async () => {
    await using server = await start();
    for (const say of ["bob", "slow"]) {
      const refused = await server.client.call(kind, { "x-user": "ada" }, say);
      assert.deepEqual([refused.code, refused.details, refused.messages], [7, "Say your own name", []]);
      assert.equal(errorInfo(refused)?.reason, "PERMISSION_DENIED");
    }
    assert.deepEqual(server.ran, []);
    const allowed = await server.client.call(kind, { "x-user": "ada" }, "ada");
    assert.deepEqual([allowed.code, allowed.messages], [0, [{ who: "ada" }]]);
    assert.equal((await server.client.call(kind, {}, "ada")).code, 16);
    assert.equal(server.ran.length, 1);
  });

  it(`${kind}: a decision that takes a while comes first, too`, async () => {
    await using server = await start(saysOwnName, slowly);
    assert.equal((await server.client.call(kind, { "x-user": "ada" }, "bob")).details, "Say your own name");
    assert.deepEqual(server.ran, []);
    assert.equal((await server.client.call(kind, { "x-user": "ada" }, "ada")).code, 0);
  });

  it(`${kind}: what the headers refuse is never decoded`, async () => {
    let asked = 0;
    await using server = await start(
      allOf(
        withRequest(() => ++asked > 0),
        isStaff,
      ),
    );
    assert.equal((await server.client.call(kind, { "x-user": "ada" })).details, "Staff access required");
    assert.equal(asked, 0);
  });
}

for (const kind of ["Upload", "Chat"] as const) {
  it(`${kind}: a stream of requests cannot have such a rule, and its handler never begins`, async () => {
    await using server = await start();
    for (const texts of [["ada"], []]) {
      const refused = await server.client.call(kind, { "x-user": "ada" }, ...texts);
      assert.deepEqual([refused.code, errorInfo(refused)?.reason], [14, "UNAVAILABLE"]);
    }
    assert.deepEqual(server.ran, []);
    const guarded = server.rpc.createServer();
    assert.throws(
      () => guarded.addService(echo, {}),
      /\/t\.Echo\/Upload, \/t\.Echo\/Chat names the request.*a stream/,
    );
    guarded.forceShutdown();
  });
}
