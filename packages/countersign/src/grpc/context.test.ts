import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import type {
  ServerDuplexStream,
  ServerReadableStream,
  ServerUnaryCall,
  ServerWritableStream,
  sendUnaryData,
  UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { AuthRequiredService, BaseService } from "../context/base-service.ts";
import { currentCall } from "../context/call-context.ts";
import { allow } from "../core/decision.ts";
import { fakeAuthenticator, principal } from "../core/fakes.suite.ts";
import type { Principal } from "../core/principal.ts";
import type { UserAccount } from "../core/user.ts";
import { kinds, type Message, startEcho, toMetadata, until } from "./echo.suite.ts";
import type { GrpcAuth } from "./grpc-auth.ts";
import { grpcAuth } from "./grpc-auth.ts";
import { rawCall } from "./raw-call.suite.ts";

/** Who calls, as code below a handler finds out. */
const who = (): string => currentCall()?.principal?.userId ?? "nobody";
const whoLater = async (): Promise<string> => {
  await turn();
  return who();
};

/** Says who calls in every place that there is, in plain grpc-js style. */
const reporting = (rpc: GrpcAuth<Principal, UserAccount>): UntypedServiceImplementation => {
  const named = (call: { readonly metadata: never }) => rpc.principal(call)?.userId ?? "nobody";
  return {
    async Unary(call: ServerUnaryCall<Message, Message>, callback: sendUnaryData<Message>) {
      callback(null, { who: [named(call as never), who(), await whoLater()].join() });
    },
    Upload(call: ServerReadableStream<Message, Message>, callback: sendUnaryData<Message>) {
      const found = [named(call as never), who()];
      call.on("data", () => found.push(who()));
      call.on("end", () => {
        const last = who();
        void whoLater().then((later) => callback(null, { who: [...found, last, later].join() }));
      });
    },
    async Download(call: ServerWritableStream<Message, Message>) {
      call.write({ who: [named(call as never), who()].join() });
      call.end(void call.write({ who: await whoLater() }));
    },
    Chat(call: ServerDuplexStream<Message, Message>) {
      call.write({ who: [named(call as never), who()].join() });
      call.on("data", () => {
        call.write({ who: who() });
        void whoLater().then((later) => call.write({ who: later }));
      });
      call.on("end", () => setImmediate(() => setImmediate(() => call.end(void call.write({ who: who() })))));
    },
  } as never;
};

// The caller, in all four kinds

for (const kind of kinds) {
  it(`${kind}: by the call, below the handler, after awaits and in events`, async () => {
    await using server = await startEcho({ implementation: reporting });
    const { code, messages } = await server.client.call(kind, { "x-user": "ada" }, "1", "2", "3");
    assert.equal(code, 0);
    const names = messages.flatMap((message) => (message.who ?? "").split(","));
    assert.ok(names.length >= 3, names.join());
    assert.deepEqual(new Set(names), new Set(["ada"]));
  });

  it(`${kind}: also where the decision took a while, and nothing is lost that came before it`, async () => {
    const slow = fakeAuthenticator(
      async (value) => {
        for (let turns = 0; turns < 20; turns++) await turn();
        return allow(principal({ userId: value }), "slow");
      },
      { header: "x-user" },
    );
    await using server = await startEcho({ implementation: reporting, auth: { authenticators: [slow] } });
    const { code, messages } = await server.client.call(kind, { "x-user": "ada" }, "1", "2", "3");
    assert.equal(code, 0);
    const names = messages.flatMap((message) => (message.who ?? "").split(","));
    assert.deepEqual(new Set(names), new Set(["ada"]));
    const expected = { Unary: 3, Upload: 7, Download: 3, Chat: 9 }[kind];
    assert.equal(names.length, expected);
  });

  it(`REGRESSION: ${kind}: also where the message comes long after the headers`, async (t) => {
    const found: string[] = [];
    const note = (): string => found[found.push(who()) - 1] ?? "";
    await using server = await startEcho({
      implementation: () => ({
        Unary: (_call: unknown, callback: sendUnaryData<Message>) => callback(null, { who: note() }),
        Download: (call: ServerWritableStream<Message, Message>) => call.end(void note()),
        Upload: (call: ServerReadableStream<Message, Message>, callback: sendUnaryData<Message>) => {
          call.on("data", () => found.push(who()));
          call.on("end", () => callback(null, { who: note() }));
        },
        Chat: (call: ServerDuplexStream<Message, Message>) => {
          call.on("data", () => found.push(who()));
          call.on("end", () => call.end(void note()));
        },
      }),
    });
    const call = rawCall(server.port, [["x-user", "ada"]], { kind });
    t.after(call.close);
    await until(() => call.stream.id !== undefined && !call.stream.pending);
    for (let turns = 0; turns < 50; turns++) await turn();
    call.send({});
    for (let turns = 0; turns < 50; turns++) await turn();
    call.stream.end();
    call.stream.resume();
    assert.equal(await call.status, "0");
    assert.ok(found.length > 0);
    assert.deepEqual(new Set(found), new Set(["ada"]));
  });
}

it("an anonymous call has a context without a principal; outside of a call there is none", async () => {
  await using server = await startEcho({
    rule: "optional",
    implementation: (rpc) => ({
      ...reporting(rpc),
      Unary: (call: ServerUnaryCall<Message, Message>, callback: sendUnaryData<Message>) =>
        callback(null, { who: `${rpc.principal(call)}, ${currentCall() !== undefined}` }),
    }),
  });
  const { messages } = await server.client.call("Unary", {});
  assert.deepEqual(messages, [{ who: "undefined, true" }]);
  assert.equal(currentCall(), undefined);
});

it("a call that did not pass the interceptor is an error, not an anonymous call", () => {
  const rpc = grpcAuth({} as never);
  assert.throws(() => rpc.principal({ metadata: toMetadata({ "x-user": "ada" }) }), TypeError);
  assert.throws(() => rpc.context({ metadata: toMetadata({}) }), TypeError);
});

/** One instance serves everybody, and takes its time. */
class Whoami extends AuthRequiredService {
  async Unary(_call: unknown, callback: sendUnaryData<Message>): Promise<void> {
    const before = this.user.userId;
    for (let turns = Math.floor(Math.random() * 4); turns >= 0; turns--) await turn();
    const allowed = this.checkPermission(`own:${before}`);
    callback(null, { who: `${before},${this.requireUser().userId},${this.getUser()?.userId},${allowed}` });
  }
  Upload(call: ServerReadableStream<Message, Message>, callback: sendUnaryData<Message>): void {
    const found = new Set<string>();
    call.on("data", () => {
      found.add(this.user.userId);
      setImmediate(() => found.add(this.user.userId));
    });
    call.on("end", () => setImmediate(() => callback(null, { who: [...found, this.user.userId].join() })));
  }
  async Download(call: ServerWritableStream<Message, Message>): Promise<void> {
    for (let count = 0; count < 3; count++) {
      await turn();
      call.write({ who: this.user.userId });
    }
    call.end();
  }
  Chat(call: ServerDuplexStream<Message, Message>): void {
    call.on("data", () => call.write({ who: this.user.userId }));
    call.on("end", () => call.end(void call.write({ who: this.user.userId })));
  }
}

describe("one instance of a service", () => {
  it("never mixes callers, in a thousand interleaved calls of all kinds on one connection", async () => {
    await using server = await startEcho({ implementation: () => new Whoami() as never });
    const calls = Array.from({ length: 1000 }, (_, index) => ({
      user: `user${index % 7}`,
      kind: kinds[index % 4] ?? "Unary",
    }));
    const outcomes = await Promise.all(
      calls.map(async ({ user, kind }) => ({
        user,
        ...(await server.client.call(kind, { "x-user": user }, "1", "2")),
      })),
    );
    for (const { user, code, messages } of outcomes) {
      assert.equal(code, 0);
      const names = messages
        .flatMap((message) => (message.who ?? "").split(","))
        .filter((name) => name !== "true");
      assert.deepEqual(new Set(names), new Set([user]));
    }
  });

  it("helps inside of a call only", () => {
    class Exposed extends BaseService {
      read = () => this.getUser();
    }
    assert.throws(() => new Exposed().read(), TypeError);
  });

  it("that requires callers is not registered under a rule that lets anonymous calls in", async () => {
    for (const rule of ["open", "optional"] as const) {
      await assert.rejects(
        startEcho({ rule, implementation: () => new Whoami() as never }),
        (error: Error) => error instanceof TypeError && error.message.includes(`/t.Echo/Unary (${rule})`),
      );
    }
  });
});

describe("context.user()", () => {
  it("reads the account once per call, and not before it is asked", async () => {
    let loads = 0;
    const account = {
      id: "ada",
      username: "ada",
      email: undefined,
      isActive: true,
      isStaff: false,
      isSuperuser: false,
      roles: [],
      permissions: [],
    };
    const users = {
      load(id: string) {
        loads++;
        return id === "ada" ? account : undefined;
      },
    };
    await using server = await startEcho({
      rpc: { users },
      implementation: (rpc) => ({
        ...reporting(rpc),
        async Unary(call: ServerUnaryCall<Message, Message>, callback: sendUnaryData<Message>) {
          const context = rpc.context(call);
          const [one, two] = await Promise.all([context.user(), context.user()]);
          callback(null, { who: `${one?.username} ${one === two}` });
        },
      }),
    });
    assert.deepEqual((await server.client.call("Unary", { "x-user": "ada" })).messages, [
      { who: "ada true" },
    ]);
    assert.equal(loads, 1);
    assert.deepEqual((await server.client.call("Unary", { "x-user": "bob" })).messages, [
      { who: "undefined true" },
    ]);
    await server.client.call("Download", { "x-user": "ada" });
    assert.equal(loads, 2);
  });
});
