import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { createRouterTransport } from "@connectrpc/connect";
import { type CallContext, currentCall } from "../context/call-context.ts";
import { allow, deny } from "../core/decision.ts";
import { fakeAuthenticator, principal } from "../core/fakes.suite.ts";
import { doorNames, echo, kinds, kindsOf, type Line, repeating, startEcho } from "./echo.suite.ts";

const expected = {
  unary: ["hello ada"],
  upload: ["hello ada"],
  download: [..."hello"].map((letter) => `${letter} ada`),
  chat: ["hello ada"],
};

for (const door of doorNames) {
  describe(door, () => {
    it("knows the caller in every kind of RPC", async () => {
      await using server = await startEcho({});
      for (const kind of kindsOf(door)) {
        const outcome = await server.call(door, kind, { "x-user": "ada" });
        assert.deepEqual([outcome.code, outcome.says], [0, expected[kind]], `${kind} ${outcome.message}`);
      }
    });

    it("refuses with code, text, reason and challenge, before the handler", async () => {
      let calls = 0;
      const handlers = Object.fromEntries([...kinds, "read"].map((kind) => [kind, () => void calls++]));
      await using server = await startEcho({ handlers });
      for (const kind of kindsOf(door)) {
        const missing = await server.call(door, kind, {});
        assert.deepEqual(
          [missing.code, missing.message, missing.reason, missing.metadata.get("www-authenticate")],
          [16, "Authentication required", "CREDENTIALS_MISSING", "Fake"],
          kind,
        );
        const bad = await server.call(door, kind, { "x-user": "bad" });
        assert.deepEqual([bad.code, bad.reason], [16, "TOKEN_INVALID"], kind);
      }
      assert.equal(calls, 0);
    });

    it("waits for a decision that takes a while", async () => {
      const slow = fakeAuthenticator(
        async (value) => {
          await turn();
          return value === "ada" ? allow(principal({ userId: "ada" }), "slow") : deny("TOKEN_EXPIRED");
        },
        { header: "x-user" },
      );
      await using server = await startEcho({ auth: { authenticators: [slow] } });
      for (const kind of kindsOf(door)) {
        assert.deepEqual((await server.call(door, kind, { "x-user": "ada" })).says, expected[kind]);
        assert.equal((await server.call(door, kind, { "x-user": "bob" })).reason, "TOKEN_EXPIRED");
      }
    });
  });
}

it("the caller is known below a handler, after each of its awaits, and to no other call", async () => {
  const seen: unknown[] = [];
  const look = async (context: CallContext): Promise<void> => {
    seen.push(currentCall() === context);
    await turn();
    seen.push(currentCall()?.principal?.userId === context.principal?.userId);
  };
  const handlers = {
    ...repeating,
    async unary(line: Line, context: CallContext) {
      await look(context);
      return repeating.unary(line, context as never);
    },
    async upload(lines: AsyncIterable<Line>, context: CallContext) {
      for await (const _line of lines) await look(context);
      return {};
    },
    async *download(_line: Line, context: CallContext) {
      for (let count = 0; count < 2; count++) {
        await look(context);
        yield {};
      }
    },
    async *chat(lines: AsyncIterable<Line>, context: CallContext) {
      for await (const _line of lines) {
        await look(context);
        yield {};
      }
    },
  };
  await using server = await startEcho({ handlers });
  const users = ["ada", "bob", "eve"];
  for (const door of doorNames) {
    const calls = kindsOf(door).flatMap((kind) =>
      users.map((user) => server.call(door, kind, { "x-user": user }, { texts: ["1", "2"] })),
    );
    for (const { code } of await Promise.all(calls)) assert.equal(code, 0);
  }
  assert.ok(seen.length > 100);
  assert.ok(seen.every((same) => same === true));
});

it("Connect's own handlers ask the guard, and may use the helpers", async () => {
  const users = {
    load: (id: string) => ({
      id,
      username: "Ada",
      email: undefined,
      isActive: true,
      isStaff: false,
      isSuperuser: false,
      roles: [],
      permissions: [],
    }),
  };
  await using server = await startEcho({
    guard: { users },
    routes: (guard) => (router) =>
      router.service(echo, {
        async unary(_line: unknown, handler: { values: never }) {
          assert.equal(guard.principal(handler)?.userId, "ada");
          assert.equal(guard.context(handler).call.protocol, "grpc");
          assert.match(guard.context(handler).call.peer.address ?? "", /^127\.0\.0\.1:\d+$/);
          return { say: (await guard.context(handler).user())?.username };
        },
        upload: (_lines: unknown, handler: { values: never }) =>
          guard.context(handler).requireStaff() as never,
      } as never),
  });
  assert.deepEqual((await server.call("gRPC", "unary", { "x-user": "ada" })).says, ["Ada "]);
  const { code, message } = await server.call("gRPC", "upload", { "x-user": "ada" });
  assert.deepEqual([code, message], [7, "Staff access required"]);
  assert.equal((await server.call("gRPC", "download", { "x-user": "ada" })).code, 12);
});

it("calls in memory pass the same gate", async () => {
  await using server = await startEcho({});
  const { routes, ...router } = server.guard.protect({
    routes: (to) =>
      to.service(echo, {
        unary: (line: Line, handler: never) => ({ ...line, saidBy: server.guard.principal(handler)?.userId }),
      } as never),
  });
  const transport = createRouterTransport(routes, { router });
  const unary = echo.method["unary"];
  assert.ok(unary);
  const ask = (headers: Record<string, string> | [string, string][]) =>
    transport.unary(unary as never, undefined, undefined, headers, {} as never);
  assert.equal(((await ask({ "x-user": "ada" })).message as unknown as Line).saidBy, "ada");
  await assert.rejects(ask({}), { code: 16 });
  await assert.rejects(
    ask([
      ["x-user", "ada"],
      ["x-user", "eve"],
    ]),
    { code: 16, rawMessage: "More than one credential" },
  );
});

it("an anonymous call passes where its rule says so, and has no caller", async () => {
  await using server = await startEcho({ rule: "optional" });
  for (const door of doorNames) {
    assert.deepEqual((await server.call(door, "unary", {})).says, ["hello "]);
    assert.equal((await server.call(door, "unary", { "x-user": "bad" })).reason, "TOKEN_INVALID");
  }
});

it("headers that name a caller name nobody", async () => {
  await using server = await startEcho({ rule: "optional" });
  const spoofed = { "user-id": "1", "x-user-id": "1", "x-forwarded-user": "admin", principal: "admin" };
  for (const door of doorNames)
    assert.deepEqual((await server.call(door, "unary", spoofed)).says, ["hello "]);
});
