import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ServerDuplexStream, ServerUnaryCall, ServerWritableStream, sendUnaryData } from "@grpc/grpc-js";
import { currentCall } from "../context/call-context.ts";
import type { EndedCall } from "../core/followed-call.ts";
import { hasPermission } from "../core/guards.ts";
import type { Rule } from "../core/policy.ts";
import type { Principal } from "../core/principal.ts";
import { Refusal } from "../core/refusal.ts";
import { type Echo, type Kind, kinds, type Message, startEcho, toMetadata, until } from "./echo.suite.ts";

const implementation = {
  unary(call: ServerUnaryCall<Message, Message>, callback: sendUnaryData<Message>) {
    if (call.request.say === "refuse") throw new Refusal("PERMISSION_DENIED", { message: "not this" });
    if (call.request.say === "fail") throw new Error("a secret of the server's");
    if (call.request.say !== "hang") callback(null, { say: currentCall()?.requestId ?? "" });
  },
  async upload(call: AsyncIterable<Message>) {
    let count = 0;
    for await (const { say } of call) count += say === undefined ? 0 : 1;
    return { say: String(count) };
  },
  download(call: ServerWritableStream<Message, Message>) {
    for (const letter of call.request.say ?? "") call.write({ say: letter });
    if (call.request.say !== "hang") call.end();
  },
  async chat(call: ServerDuplexStream<Message, Message>) {
    for await (const { say } of call as AsyncIterable<Message>) call.write({ say: say ?? "" });
    call.end();
  },
};

async function start(ended: EndedCall<Principal>[], rule: Rule<Principal> = "authenticated"): Promise<Echo> {
  const { upload, ...others } = implementation;
  return startEcho({
    rule,
    auth: { onCallEnd: (call) => void ended.push(call) },
    implementation: () => ({
      ...others,
      upload: (call: AsyncIterable<Message>, callback: sendUnaryData<Message>) =>
        void upload(call).then((answer) => callback(null, answer)),
    }),
  });
}

/** A caller who leaves a stream that has begun. */
async function leave({ client }: Echo): Promise<void> {
  const left = client.stub.Download({ say: "hang" }, toMetadata({ "x-user": "ann" }));
  left.on("error", () => {});
  await new Promise((resolve) => left.once("data", resolve));
  left.cancel();
}

const summary = ({ code, reason, received, sent }: EndedCall<Principal>) => ({
  code,
  reason,
  received,
  sent,
});

describe("a gRPC call that is over", () => {
  for (const [kind, [received, sent]] of Object.entries({
    Unary: [1, 1],
    Upload: [3, 1],
    Download: [1, 3],
    Chat: [3, 3],
  }) as [Kind, [number, number]][]) {
    it(`is told once, with its messages and its id: ${kind}`, async () => {
      const ended: EndedCall<Principal>[] = [];
      await using server = await start(ended);
      const texts = kind === "Download" ? ["abc"] : ["a", "b", "c"];
      const { code } = await server.client.call(kind, { "x-user": "ann", "user-agent": "mine" }, ...texts);
      assert.equal(code, 0);
      await until(() => ended.length > 0);
      const [call] = ended;
      assert.ok(call);
      assert.deepEqual(summary(call), { code: 0, reason: undefined, received, sent });
      assert.equal(call.call.procedure, `/t.Echo/${kind}`);
      assert.equal(call.admitted?.principal?.userId, "ann");
      assert.equal(call.rule, "authenticated");
      assert.match(call.peerAddress ?? "", /^127\.0\.0\.1:\d+$/);
      assert.ok(call.durationMs > 0 && Math.abs(call.endedAt - Date.now()) < 60_000);
      assert.equal(ended.length, 1);
    });
  }

  it("is refused with its reason, whoever it was, and every kind tells its id", async () => {
    const ended: EndedCall<Principal>[] = [];
    await using server = await start(ended, hasPermission("own:ann"));
    for (const kind of kinds) {
      ended.length = 0;
      const id = `my-own-id-${kind}`;
      const bob = await server.client.call(kind, { "x-user": "bob", "x-request-id": id });
      const nobody = await server.client.call(kind, {});
      const bad = await server.client.call(kind, { "x-user": "bad", "x-request-id": "=1+1+1+1+1" });
      await until(() => ended.length === 3);
      assert.deepEqual([bob.code, nobody.code, bad.code], [7, 16, 16]);
      assert.deepEqual(
        ended.map(({ code, reason, subject, denial, sent }) => ({
          code,
          reason,
          ...subject,
          ...(denial?.authenticator !== undefined && { authenticator: denial.authenticator }),
          missing: denial?.missing,
          sent,
        })),
        [
          {
            code: 7,
            reason: "PERMISSION_DENIED",
            userId: "bob",
            authenticator: "fake",
            missing: "hasPermission(own:ann)",
            sent: 0,
          },
          { code: 16, reason: "CREDENTIALS_MISSING", missing: undefined, sent: 0 },
          { code: 16, reason: "TOKEN_INVALID", missing: undefined, sent: 0 },
        ],
      );
      assert.deepEqual(bob.metadata.get("x-request-id"), [id]);
      assert.deepEqual(
        [nobody, bad].map(({ metadata }) => metadata.get("x-request-id")),
        ended.slice(1).map(({ requestId }) => [requestId]),
      );
    }
  });

  it("has the status that its handler gave, also where that failed", async () => {
    const ended: EndedCall<Principal>[] = [];
    await using server = await start(ended);
    const refused = await server.client.call("Unary", { "x-user": "ann" }, "refuse");
    const failed = await server.client.call("Unary", { "x-user": "ann" }, "fail");
    await until(() => ended.length === 2);
    assert.deepEqual([refused.code, failed.code], [7, 13]);
    assert.deepEqual(ended.map(summary), [
      { code: 7, reason: "PERMISSION_DENIED", received: 1, sent: 0 },
      { code: 13, reason: undefined, received: 1, sent: 0 },
    ]);
    assert.deepEqual(refused.metadata.get("x-request-id"), [ended[0]?.requestId]);
  });

  it("was left by its caller, ran out of time, or was cut off", async () => {
    const ended: EndedCall<Principal>[] = [];
    await using server = await start(ended);
    await leave(server);
    await until(() => ended.length === 1);
    await new Promise((resolve) => {
      server.client.stub.makeUnaryRequest(
        "/t.Echo/Unary",
        (message: Message) => Buffer.from(JSON.stringify(message)),
        () => ({}),
        { say: "hang" },
        toMetadata({ "x-user": "ann" }),
        { deadline: Date.now() + 100 },
        resolve,
      );
    });
    await until(() => ended.length === 2);
    const cut = server.client.chat({ "x-user": "eve" });
    const status = new Promise<{ code: number }>((resolve) => cut.on("status", resolve));
    cut.on("error", () => {}).write({ say: "a" });
    await new Promise((resolve) => cut.once("data", resolve));
    server.revocations.apply({ kind: "user", userId: "eve", state: "disabled" });
    assert.equal((await status).code, 16);
    await until(() => ended.length === 3);
    assert.deepEqual(
      ended.map(({ code, reason }) => [code === 4 ? 1 : code, reason]),
      [
        [1, undefined],
        // By the server's clock or by its caller's, who leaves then.
        [1, undefined],
        [16, "USER_DISABLED"],
      ],
    );
  });

  it("still says where it came from, when its caller has left", async () => {
    const ended: EndedCall<Principal>[] = [];
    await using server = await start(ended);
    await leave(server);
    await until(() => ended.length === 1);
    await new Promise((resolve) => setImmediate(resolve));
    const [call] = ended;
    assert.match(call?.peerAddress ?? "", /^127\.0\.0\.1:\d+$/);
    assert.equal(call?.call.peer.address, call?.peerAddress);
  });

  it("whose observer throws or rejects is served all the same", async () => {
    let calls = 0;
    await using server = await startEcho({
      auth: {
        onCallEnd: (): Promise<void> => {
          calls += 1;
          if (calls === 1) throw new Error("no");
          return Promise.reject(new Error("no"));
        },
      },
      implementation: () => implementation as never,
    });
    for (const _ of [1, 2]) assert.equal((await server.client.call("Unary", { "x-user": "ann" })).code, 0);
    assert.equal(calls, 2);
  });
});
