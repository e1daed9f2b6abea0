import assert from "node:assert/strict";
import { it } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { create, createFileRegistry } from "@bufbuild/protobuf";
import {
  FileDescriptorProtoSchema,
  file_google_protobuf_wrappers,
  type StringValue,
  StringValueSchema,
} from "@bufbuild/protobuf/wkt";
import { credentials, makeGenericClientConstructor, type StatusObject } from "@grpc/grpc-js";
import { AuthRequiredService } from "../context/base-service.ts";
import type { CallContext } from "../context/call-context.ts";
import { createAuth } from "../core/auth.ts";
import { policyFor } from "../core/policy.ts";
import type { Principal } from "../core/principal.ts";
import { byUser, listen, toMetadata, until } from "./echo.suite.ts";
import { grpcAuth } from "./grpc-auth.ts";
import { implement, serviceDefinition } from "./implement.ts";

const text = ".google.protobuf.StringValue";
const method = (name: string, clientStreaming: boolean, serverStreaming: boolean) => ({
  name,
  inputType: text,
  outputType: text,
  clientStreaming,
  serverStreaming,
});
const file = create(FileDescriptorProtoSchema, {
  name: "talk.proto",
  package: "t",
  syntax: "proto3",
  dependency: ["google/protobuf/wrappers.proto"],
  service: [
    {
      name: "Talk",
      method: [
        method("Say", false, false),
        method("Collect", true, false),
        method("Count", false, true),
        method("Talk", true, true),
      ],
    },
  ],
});
const talk = createFileRegistry(file, () => file_google_protobuf_wrappers.proto).getService("t.Talk");
assert.ok(talk);
const service = talk;

const value = (text: string): StringValue => create(StringValueSchema, { value: text });
type Texts = AsyncIterable<StringValue>;

/** What each method sees of its caller, by the context that it is given. */
const named = {
  say: (request: StringValue, context: CallContext) => value(`${request.value} ${context.principal?.userId}`),
  async collect(requests: Texts, context: CallContext) {
    let all = "";
    for await (const { value: said } of requests) all += said;
    return value(`${all} ${context.principal?.userId}`);
  },
  async *count(request: StringValue, context: CallContext) {
    for (let count = 0; count < Number(request.value); count++)
      yield value(`${count} ${context.principal?.userId}`);
  },
  async *talk(requests: Texts, context: CallContext) {
    for await (const { value: said } of requests) yield value(`${said} ${context.principal?.userId}`);
  },
};

async function serve(handlers: object, failures: unknown[] = []) {
  const rule = "authenticated";
  const rules = policyFor<Principal>().rules(service, { say: rule, collect: rule, count: rule, talk: rule });
  const rpc = grpcAuth<Principal>(createAuth({ authenticators: [byUser], policy: [rules] }), {
    onError: (error) => failures.push(error),
  });
  const server = rpc.createServer();
  const bound = implement(service, handlers as never);
  server.addService(bound.definition, bound.implementation);
  const port = await listen(server);
  const stub = new (makeGenericClientConstructor(serviceDefinition(service), "Talk"))(
    `127.0.0.1:${port}`,
    credentials.createInsecure(),
  );
  const methods = stub as unknown as Record<string, (...given: unknown[]) => NodeJS.ReadWriteStream>;
  return {
    /** Sends the texts and ends; the answers, and the code at the end. */
    call(
      name: string,
      headers: Record<string, string>,
      ...texts: string[]
    ): Promise<{ code: number; details: string; answers: string[] }> {
      const many = name === "collect" || name === "talk";
      const answers: string[] = [];
      return new Promise((resolve) => {
        const done = (_error: unknown, answer?: StringValue) => void (answer && answers.push(answer.value));
        const given = [
          ...(many ? [] : [value(texts[0] ?? "")]),
          toMetadata(headers),
          ...(name === "say" || name === "collect" ? [done] : []),
        ];
        const call = methods[name]?.call(stub, ...given);
        call?.on("data", (answer: unknown) => answers.push((answer as StringValue).value));
        call?.on("error", () => {});
        call?.on("status", (status: unknown) => resolve({ ...(status as StatusObject), answers }));
        if (many) for (const text of texts) call?.write(value(text) as never);
        if (many) call?.end();
      });
    },
    stub: methods,
    client: stub,
    [Symbol.asyncDispose]: async () => {
      stub.close();
      server.forceShutdown();
    },
  };
}

// A Protobuf-ES service

it("has the paths and the kinds of its descriptor", () => {
  const definition = serviceDefinition(service);
  assert.deepEqual(
    Object.entries(definition).map(([name, { path, requestStream, responseStream }]) => [
      name,
      path,
      requestStream,
      responseStream,
    ]),
    [
      ["say", "/t.Talk/Say", false, false],
      ["collect", "/t.Talk/Collect", true, false],
      ["count", "/t.Talk/Count", false, true],
      ["talk", "/t.Talk/Talk", true, true],
    ],
  );
});

it("is served by functions of request and context, in all four kinds", async () => {
  await using server = await serve(named);
  const ada = { "x-user": "ada" };
  assert.deepEqual((await server.call("say", ada, "hello")).answers, ["hello ada"]);
  assert.deepEqual((await server.call("collect", ada, "a", "b", "c")).answers, ["abc ada"]);
  assert.deepEqual((await server.call("count", ada, "3")).answers, ["0 ada", "1 ada", "2 ada"]);
  assert.deepEqual((await server.call("talk", ada, "a", "b")).answers, ["a ada", "b ada"]);
  assert.equal((await server.call("count", ada, "5000")).answers.length, 5000);
  for (const name of ["say", "collect", "count", "talk"])
    assert.equal((await server.call(name, {}, "x")).code, 16);
});

it("ends with what a handler throws, in all four kinds, also in the middle of the messages", async () => {
  const failures: unknown[] = [];
  await using server = await serve(
    {
      say: async (_request: StringValue, context: CallContext) => context.requireStaff("say: no"),
      async collect(requests: Texts, context: CallContext) {
        for await (const _request of requests) context.requireStaff("collect: no");
      },
      async *count(_request: StringValue, context: CallContext) {
        yield value("one");
        context.requireStaff("count: no");
      },
      async *talk(requests: Texts, context: CallContext) {
        for await (const request of requests) {
          yield request;
          context.requireStaff("talk: no");
        }
      },
    },
    failures,
  );
  for (const [name, before] of [
    ["say", []],
    ["collect", []],
    ["count", ["one"]],
    ["talk", ["a"]],
  ] as const) {
    const { code, details, answers } = await server.call(name, { "x-user": "ada" }, "a", "b", "c");
    assert.deepEqual([code, details, answers], [7, `${name}: no`, before]);
  }
  assert.deepEqual(failures, []);
});

it("takes a promise of any make, and tells nothing of an answer that cannot be encoded", async () => {
  await using server = await serve({
    ...named,
    // biome-ignore lint/suspicious/noThenProperty: what other libraries' promises are
    say: () => ({ then: (resolve: (answer: StringValue) => void) => resolve(value("thenable")) }),
    collect: () => ({
      get value(): string {
        throw new Error("secret 42");
      },
    }),
  });
  assert.deepEqual((await server.call("say", { "x-user": "ada" }, "x")).answers, ["thenable"]);
  const { code, details } = await server.call("collect", { "x-user": "ada" }, "x");
  assert.equal(code, 13);
  assert.ok(!details.includes("secret") && !details.includes("42"));
});

it("lets a generator clean up when its caller leaves, and REGRESSION: survives one that fails at it", async (t) => {
  const unhandled = t.mock.fn();
  process.once("unhandledRejection", unhandled);
  t.after(() => process.off("unhandledRejection", unhandled));
  let left = 0;
  await using server = await serve({
    ...named,
    async *count() {
      try {
        for (;;) {
          yield value("tick");
          await turn();
        }
      } finally {
        left++;
        // Not by throw: a finally block that throws is what is meant here.
        await Promise.reject(new Error("cannot clean up"));
      }
    },
  });
  const call = server.stub["count"]?.call(server.client, value(""), toMetadata({ "x-user": "ada" }));
  call?.on("error", () => {});
  await new Promise((resolve) => call?.once("data", resolve));
  (call as unknown as { cancel(): void }).cancel();
  await until(() => left === 1);
  for (let turns = 0; turns < 5; turns++) await turn();
  assert.equal(unhandled.mock.callCount(), 0);
});

it("cannot be bound without one of its methods, and keeps that it requires callers", () => {
  const { say: _say, ...incomplete } = named;
  assert.throws(() => implement(service, incomplete as never), {
    name: "TypeError",
    message: /t\.Talk\.say/,
  });
  const requiring = Object.assign(Object.create(AuthRequiredService.prototype) as object, named);
  assert.ok(implement(service, requiring as never).implementation instanceof AuthRequiredService);
  assert.ok(!(implement(service, named as never).implementation instanceof AuthRequiredService));
});
