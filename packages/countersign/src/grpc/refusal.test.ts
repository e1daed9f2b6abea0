import assert from "node:assert/strict";
import { it } from "node:test";
import type { ServerUnaryCall, sendUnaryData, UntypedServiceImplementation } from "@grpc/grpc-js";
import { allow, deny } from "../core/decision.ts";
import { fakeAuthenticator, principal } from "../core/fakes.suite.ts";
import { hasPermission } from "../core/guards.ts";
import { decoded, errorInfo, kinds, startEcho, streamed, until } from "./echo.suite.ts";
import { rawBytes, rawCall } from "./raw-call.suite.ts";

const untouched = (): UntypedServiceImplementation => {
  const handler = () => assert.fail("the handler ran");
  return { Unary: handler, Upload: handler, Download: handler, Chat: handler };
};

// A refusal

for (const kind of kinds) {
  it(`of ${kind} comes on the headers: no message is decoded, no handler runs`, async () => {
    await using server = await startEcho({ implementation: untouched });
    const before = decoded.count;
    const missing = await server.client.call(kind, {}, "a", "b", "c");
    assert.deepEqual([missing.code, missing.details], [16, "Authentication required"]);
    assert.deepEqual(errorInfo(missing), {
      code: 16,
      message: "Authentication required",
      reason: "CREDENTIALS_MISSING",
      domain: "countersign",
    });
    assert.deepEqual(missing.metadata.get("www-authenticate"), ["Fake"]);
    const bad = await server.client.call(kind, { "x-user": "bad" });
    assert.equal(errorInfo(bad)?.reason, "TOKEN_INVALID");
    assert.equal(decoded.count, before);
  });

  it(`of ${kind} for want of a right is 7, with the guard's text`, async () => {
    await using server = await startEcho({ implementation: untouched, rule: hasPermission("orders:read") });
    const denied = await server.client.call(kind, { "x-user": "ada" });
    assert.deepEqual([denied.code, denied.details], [7, "Permission 'orders:read' required"]);
    assert.equal(errorInfo(denied)?.reason, "PERMISSION_DENIED");
  });

  it(`of ${kind} that takes a while to decide is the same`, async () => {
    const slow = fakeAuthenticator(() => Promise.resolve(deny("TOKEN_EXPIRED")), { header: "x-user" });
    await using server = await startEcho({ implementation: untouched, auth: { authenticators: [slow] } });
    const before = decoded.count;
    const expired = await server.client.call(kind, { "x-user": "x" }, "a", "b");
    assert.deepEqual([expired.code, expired.details, decoded.count], [16, "Token expired", before]);
  });
}

it("reaches a conversation whose client waits for the server, at once", async () => {
  await using server = await startEcho({ implementation: untouched });
  const outcome = await streamed(server.client.chat({}));
  assert.equal(outcome.code, 16);
});

it("says UNAVAILABLE for what could not be told, and nothing of the cause", async () => {
  const broken = fakeAuthenticator(
    () => {
      throw new Error("postgres://user:password@db");
    },
    { header: "x-user" },
  );
  await using server = await startEcho({ implementation: untouched, auth: { authenticators: [broken] } });
  const outcome = await server.client.call("Unary", { "x-user": "x" });
  assert.deepEqual([outcome.code, outcome.details], [14, "Authentication temporarily unavailable"]);
  assert.ok(!JSON.stringify(outcome).includes("postgres"));
});

it("with a time to try again carries RetryInfo beside the reason", async () => {
  const limited = fakeAuthenticator(() => deny("RATE_LIMITED", { retryAfterSeconds: 1.5 }), {
    header: "x-user",
  });
  await using server = await startEcho({ implementation: untouched, auth: { authenticators: [limited] } });
  const outcome = await server.client.call("Unary", { "x-user": "x" });
  assert.equal(outcome.code, 8);
  assert.equal(errorInfo(outcome)?.reason, "RATE_LIMITED");
});

it("reaches its caller although a challenge or a message cannot be sent as it is", async () => {
  const odd = fakeAuthenticator(
    (value) =>
      value === "a"
        ? deny("TOKEN_INVALID", { challenges: ["Схема", "Good"] })
        : deny("PERMISSION_DENIED", { message: "\ud800 no" }),
    { header: "x-user" },
  );
  await using server = await startEcho({ implementation: untouched, auth: { authenticators: [odd] } });
  const outcome = await server.client.call("Unary", { "x-user": "a" });
  assert.equal(outcome.code, 16);
  assert.deepEqual(outcome.metadata.get("www-authenticate"), ["Good"]);
  const halved = await server.client.call("Unary", { "x-user": "b" });
  assert.deepEqual([halved.code, halved.details], [7, "\ufffd no"]);
});

// Raw HTTP/2

const answering = (): UntypedServiceImplementation => ({
  ...untouched(),
  Unary: (_call: unknown, callback: (error: null, answer: object) => void) => callback(null, {}),
});

const single = { name: "key", header: "x-api-key" };
const key = fakeAuthenticator((value) => (value === "k1" ? allow(principal(), "key") : undefined), single);

it("a repeated x-api-key is ambiguous, also when both are the same good one", async (t) => {
  await using server = await startEcho({ implementation: answering, auth: { authenticators: [key] } });
  for (const [values, expected] of [
    [["k1"], "0"],
    [["k1", "k1"], "16"],
    [["k2", "k1"], "16"],
    [["k1", "k2"], "16"],
    [["k1,k1"], "16"],
    [[""], "16"],
  ] as const) {
    const call = rawCall(
      server.port,
      values.map((value) => ["x-api-key", value]),
    );
    t.after(call.close);
    call.send({});
    call.stream.end();
    assert.equal(await call.status, expected, values.join("; "));
  }
});

it("of a repeated authorization the first counts: nothing else can be seen", async (t) => {
  const seen: string[] = [];
  const bearer = fakeAuthenticator((value) => void seen.push(value) as undefined, {
    header: "authorization",
  });
  await using server = await startEcho({ implementation: answering, auth: { authenticators: [bearer] } });
  for (const values of [
    ["one", "two"],
    ["three", "four"],
  ]) {
    const socket = rawBytes(
      server.port,
      values.map((value) => ["authorization", value]),
    );
    t.after(() => socket.destroy());
  }
  await until(() => seen.length >= 2);
  assert.deepEqual(seen.sort(), ["one", "three"]);
});

it("another :method is no way around", async (t) => {
  await using server = await startEcho({ implementation: untouched });
  for (const verb of ["GET", "OPTIONS", "PUT", "TRACE", "PATCH", "POST"]) {
    const call = rawCall(server.port, [], { method: verb });
    t.after(call.close);
    call.stream.end();
    assert.match(await call.status, /^16$|^closed/, verb);
  }
});

it("names of identity that a client writes have no effect", async () => {
  await using server = await startEcho({
    implementation: (rpc) => ({
      ...untouched(),
      Unary: (call: ServerUnaryCall<object, object>, callback: sendUnaryData<object>) =>
        callback(null, { who: rpc.principal(call)?.userId }),
    }),
  });
  const spoofed = {
    user_id: "1",
    "x-user-id": "1",
    principal: "1",
    "x-auth-user": "root",
    permissions: "*",
  };
  assert.equal((await server.client.call("Unary", spoofed)).code, 16);
  const { messages } = await server.client.call("Unary", { ...spoofed, "x-user": "ada" });
  assert.deepEqual(messages, [{ who: "ada" }]);
});
