import assert from "node:assert/strict";
import { it } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import type {
  ServerDuplexStream,
  ServerReadableStream,
  ServerWritableStream,
  sendUnaryData,
  UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { currentCall } from "../context/call-context.ts";
import { type Auth, createAuth } from "../core/auth.ts";
import { allow, deny } from "../core/decision.ts";
import { fakeAuthenticator, principal } from "../core/fakes.suite.ts";
import { policyFor } from "../core/policy.ts";
import type { Principal } from "../core/principal.ts";
import {
  byUser,
  EchoClient,
  echo,
  errorInfo,
  type Kind,
  listen,
  type Message,
  startEcho,
  streamed,
  toMetadata,
  until,
} from "./echo.suite.ts";
import { grpcAuth } from "./grpc-auth.ts";
import { rawCall } from "./raw-call.suite.ts";

/** Handlers that stay until their caller leaves, and say what they saw. */
function staying(seen: string[]): UntypedServiceImplementation {
  const stay = (call: ServerDuplexStream<Message, Message>): void => {
    seen.push("begun");
    call.on("data", ({ say }: Message) => seen.push(`heard ${say}`));
    call.on("cancelled", () => seen.push(`cancelled as ${currentCall()?.principal?.userId}`));
    currentCall()?.call.signal.addEventListener("abort", () => seen.push("aborted"));
  };
  const unary = (_call: unknown, callback: sendUnaryData<Message>): void => callback(null, {});
  return {
    Unary: unary,
    Upload: stay,
    Download: (call: ServerWritableStream<Message, Message>) => stay(call as never),
    Chat: stay,
  } as never;
}

/** Counts the calls that are watched. */
function counting(auth: Auth<Principal>, watched: { open: number; total: number }): Auth<Principal> {
  return {
    ...auth,
    watch(...given) {
      const stop = auth.watch(...given);
      watched.open++;
      watched.total++;
      let stopped = false;
      return () => {
        if (!stopped) watched.open--;
        stopped = true;
        stop();
      };
    },
  };
}

const rules = policyFor<Principal>().rules(echo, {
  Unary: "authenticated",
  Upload: "authenticated",
  Download: "authenticated",
  Chat: "authenticated",
});

const streams: readonly Kind[] = ["Upload", "Download", "Chat"];

function open(client: Awaited<ReturnType<typeof startEcho>>["client"], kind: Kind, user: string) {
  const metadata = toMetadata({ "x-user": user });
  if (kind === "Download") return streamed(client.stub.Download({}, metadata));
  if (kind === "Chat") return streamed(client.stub.Chat(metadata, {}));
  return new Promise<{ code: number; details: string; metadata: typeof metadata }>((resolve) => {
    const call = client.stub.Upload(metadata, () => {});
    call.on("status", resolve);
    call.on("error", () => {});
  });
}

// An open stream

for (const kind of streams) {
  it(`${kind} ends with 16 soon after its caller is revoked, and nobody else's does`, async () => {
    const seen: string[] = [];
    await using server = await startEcho({ implementation: () => staying(seen) });
    const other = open(server.client, kind, "bob");
    const mine = open(server.client, kind, "ada");
    await until(() => seen.length === 2);
    server.revocations.apply({ kind: "user", userId: "ada", state: "disabled" });
    const outcome = await mine;
    assert.deepEqual(
      [outcome.code, outcome.details, errorInfo(outcome)?.reason],
      [16, "User disabled", "USER_DISABLED"],
    );
    await until(() => seen.includes("aborted"));
    assert.deepEqual(seen.slice(2).sort(), ["aborted", "cancelled as ada"]);
    server.revocations.apply({ kind: "user", userId: "bob", state: "disabled" });
    assert.equal((await other).code, 16);
  });

  it(`${kind} ends with 16 when its credential does`, async () => {
    const seen: string[] = [];
    // From its first use on: a slow start must not use it up.
    let expiresAt = 0;
    const short = fakeAuthenticator(
      () => {
        expiresAt ||= Date.now() + 60;
        return Date.now() < expiresAt ? allow(principal(), "short", expiresAt) : deny("TOKEN_EXPIRED");
      },
      { header: "x-user" },
    );
    await using server = await startEcho({
      implementation: () => staying(seen),
      auth: { authenticators: [short] },
    });
    const outcome = await open(server.client, kind, "ada");
    assert.deepEqual([outcome.code, outcome.details], [16, "Token expired"]);
    await until(() => seen.includes("aborted"));
  });
}

it("ends when this node no longer knows, with 14", async () => {
  const seen: string[] = [];
  await using server = await startEcho({
    implementation: () => staying(seen),
    auth: {
      authenticators: [
        fakeAuthenticator(
          (value, { revocations }) =>
            revocations.check({ userId: value }, 0) === "unavailable"
              ? deny("UNAVAILABLE")
              : allow(principal(), "f"),
          { header: "x-user" },
        ),
      ],
    },
  });
  const mine = open(server.client, "Chat", "ada");
  await until(() => seen.length === 1);
  server.revocations.suspend();
  assert.equal((await mine).code, 14);
});

it("REGRESSION: hears nothing more although its caller reads nothing and so delays the status", async (t) => {
  const seen: string[] = [];
  await using server = await startEcho({
    implementation: () => ({
      ...staying(seen),
      Chat: (call: ServerDuplexStream<Message, Message>) => {
        (staying(seen)["Chat"] as unknown as (call: unknown) => void)(call);
        call.write({ say: "x".repeat(1000) });
      },
    }),
  });
  // Nothing that the server writes fits into a window of 10 bytes, so its end is never reached.
  const call = rawCall(server.port, [["x-user", "ada"]], { kind: "Chat", windowSize: 10 });
  t.after(call.close);
  call.send({ say: "1" });
  await until(() => seen.includes("heard 1"));
  server.revocations.apply({ kind: "user", userId: "ada", state: "disabled" });
  await until(() => seen.some((text) => text.startsWith("cancelled")));
  call.send({ say: "2" });
  for (let turns = 0; turns < 200; turns++) await turn();
  assert.ok(!seen.includes("heard 2"));
  assert.ok(seen.includes("aborted"));
});

it("REGRESSION: is ended in its own name, not in that of the call that revoked it", async () => {
  const seen: string[] = [];
  await using server = await startEcho({
    implementation: () => ({
      ...staying(seen),
      Unary: (_call: unknown, callback: sendUnaryData<Message>) => {
        server.revocations.apply({ kind: "user", userId: "ada", state: "disabled" });
        callback(null, {});
      },
    }),
  });
  const mine = open(server.client, "Chat", "ada");
  await until(() => seen.length === 1);
  await server.client.call("Unary", { "x-user": "admin" });
  await mine;
  await until(() => seen.some((text) => text.startsWith("cancelled")));
  assert.ok(seen.includes("cancelled as ada"), seen.join());
});

// Watching

it("stops with the call, however it ends: nothing is left of a thousand", async () => {
  const watched = { open: 0, total: 0 };
  const rpc = grpcAuth<Principal>(
    counting(createAuth({ authenticators: [byUser], policy: [rules] }), watched),
    { onError: () => {} },
  );
  const server = rpc.createServer();
  server.addService(echo, {
    Unary: (_call: unknown, callback: sendUnaryData<Message>) => callback(null, {}),
    Upload: (call: ServerReadableStream<Message, Message>, callback: sendUnaryData<Message>) =>
      call.resume().on("end", () => callback(null, {})),
    Download: () => {
      throw new Error("broken");
    },
    Chat: (call: ServerDuplexStream<Message, Message>) => void call.write({}),
  } as never);
  const client = new EchoClient(await listen(server));
  for (let round = 0; round < 10; round++) {
    const calls = Array.from({ length: 25 }, async () => {
      await client.call("Unary", { "x-user": "ada" });
      await client.call("Upload", { "x-user": "ada" });
      await client.call("Download", { "x-user": "ada" });
      const chat = client.chat({ "x-user": "ada" });
      const ended = streamed(chat);
      await new Promise((resolve) => chat.once("data", resolve));
      chat.cancel();
      await ended;
    });
    await Promise.all(calls);
  }
  await until(() => watched.open === 0);
  assert.equal(watched.total, 750);
  client.close();
  server.forceShutdown();
});

it("REGRESSION: does not begin for a caller who left while the decision was on its way", async () => {
  const watched = { open: 0, total: 0 };
  const { promise, resolve } = Promise.withResolvers<void>();
  let asked = false;
  let left = false;
  const slow = fakeAuthenticator(
    (_value, _runtime, call) => {
      asked = true;
      call.signal.addEventListener("abort", () => (left = true));
      return promise.then(() => allow(principal(), "slow"));
    },
    { header: "x-user" },
  );
  const rpc = grpcAuth<Principal>(counting(createAuth({ authenticators: [slow], policy: [rules] }), watched));
  const server = rpc.createServer();
  const handler = (): void => assert.fail("the handler ran");
  server.addService(echo, { Unary: handler, Upload: handler, Download: handler, Chat: handler } as never);
  const client = new EchoClient(await listen(server));
  const chat = client.chat({ "x-user": "ada" });
  const ended = streamed(chat);
  chat.write({});
  await until(() => asked);
  chat.cancel();
  await ended;
  await until(() => left);
  resolve();
  for (let turns = 0; turns < 20; turns++) await turn();
  assert.deepEqual(watched, { open: 0, total: 0 });
  client.close();
  server.forceShutdown();
});

it("is for streams: a unary call is decided once", async () => {
  let decided = 0;
  const once = fakeAuthenticator(
    (value, { revocations }) => {
      if (value === "ada") decided++;
      const gone = revocations.check({ userId: value }, revocations.version) !== "good";
      return gone ? deny("USER_DISABLED") : allow(principal(), "f");
    },
    { header: "x-user" },
  );
  const { promise, resolve } = Promise.withResolvers<void>();
  let begun = false;
  const seen: string[] = [];
  await using server = await startEcho({
    auth: { authenticators: [once] },
    implementation: () => ({
      ...staying(seen),
      Unary: (_call: unknown, callback: sendUnaryData<Message>) => {
        begun = true;
        void promise.then(() => callback(null, {}));
      },
    }),
  });
  const mine = server.client.call("Unary", { "x-user": "ada" });
  const stream = open(server.client, "Chat", "bob");
  await until(() => begun && seen.length === 1);
  server.revocations.apply(
    { kind: "user", userId: "ada", state: "disabled" },
    { kind: "user", userId: "bob", state: "disabled" },
  );
  // When the stream has ended, everything that is open has been asked about.
  await stream;
  resolve();
  assert.equal((await mine).code, 0);
  assert.equal(decided, 1);
});
