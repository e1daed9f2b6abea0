import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http2";
import type { AddressInfo } from "node:net";
import { describe, it } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { createClient } from "@connectrpc/connect";
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from "@connectrpc/connect-node";
import { makeGenericClientConstructor } from "@grpc/grpc-js";
import { bearer } from "../client/credential.ts";
import { createAuthenticatedTransport } from "../connect/client/authenticated-transport.ts";
import { connectAuth } from "../connect/connect-auth.ts";
import { echo as connectEcho, type Line } from "../connect/echo.suite.ts";
import { implement as implementForConnect } from "../connect/implement.ts";
import { connectListener } from "../connect/node/listener.ts";
import { createAuth } from "../core/auth.ts";
import { allow, deny } from "../core/decision.ts";
import { fakeAuthenticator, principal } from "../core/fakes.suite.ts";
import { policyFor, type RuleTable } from "../core/policy.ts";
import type { Principal } from "../core/principal.ts";
import { createRevocations } from "../core/revocation.ts";
import { createAuthenticatedChannel } from "../grpc/client/authenticated-channel.ts";
import { EchoClient, echo, listen } from "../grpc/echo.suite.ts";
import { grpcAuth } from "../grpc/grpc-auth.ts";
import { implement } from "../grpc/implement.ts";
import { createStreamRenewal, StreamRenewal } from "./stream-renewal.ts";

// A server of somebody's own, which has no AuthService but this of it.

const lifetimeMs = 1000;

/** `Bearer END`: good until then. */
const byEnd = fakeAuthenticator(
  (value, { revocations }) => {
    const end = Number(value.slice("Bearer ".length));
    if (revocations.check({ userId: "ada" }, 0) !== "good") return deny("USER_DISABLED");
    return Date.now() < end ? allow(principal({ userId: "ada" }), "fake", end) : deny("TOKEN_EXPIRED");
  },
  { header: "authorization" },
);

const { rules } = policyFor<Principal>();
const rule = "authenticated";

function authOf(table: RuleTable<Principal>) {
  const revocations = createRevocations();
  const policy = [table, rules(StreamRenewal, { renewStream: rule })];
  const auth = createAuth<Principal>({ authenticators: [byEnd], revocations, policy });
  return { auth, revocations };
}

const source = () =>
  bearer(() => ({ token: String(Date.now() + lifetimeMs), expiresAt: Date.now() + lifetimeMs }));

describe("a server of one's own with StreamRenewal", { concurrency: true }, () => {
  it("keeps streams of grpc-js open for three lifetimes, and cuts them off at a revocation", async () => {
    const { auth, revocations } = authOf(
      rules(echo, { Unary: rule, Upload: rule, Download: rule, Chat: rule }),
    );
    const server = grpcAuth(auth).createServer();
    const idle = (): void => {};
    server.addService(echo, { Unary: idle, Upload: idle, Download: idle, Chat: idle });
    const renewal = implement(StreamRenewal, createStreamRenewal(auth));
    server.addService(renewal.definition, renewal.implementation);
    const port = await listen(server);
    const channel = createAuthenticatedChannel(`127.0.0.1:${port}`, source());
    const client = new EchoClient(port);
    const stub = channel.client(makeGenericClientConstructor(echo, "Echo")) as unknown as EchoClient["stub"];
    Object.assign(client, { stub });
    // A silent one: no header of an answer ever comes.
    const outcomes = [client.call("Download", {}), client.call("Chat", {}), client.call("Upload", {})];
    let over = 0;
    for (const outcome of outcomes) void outcome.then(() => over++);
    await pause(3 * lifetimeMs);
    assert.equal(over, 0);
    const began = performance.now();
    revocations.apply({ kind: "user", userId: "ada", state: "disabled" });
    for (const { code, details } of await Promise.all(outcomes))
      assert.deepEqual([code, details], [16, "User disabled"]);
    assert.ok(performance.now() - began < 1000);
    channel.close();
    server.forceShutdown();
  });

  it("and streams of Connect, in each protocol", async () => {
    const { auth, revocations } = authOf(
      rules(connectEcho, { unary: rule, read: rule, upload: rule, download: rule, chat: rule } as never),
    );
    const open = Promise.withResolvers<void>();
    async function* silent(): AsyncIterable<Line> {
      await open.promise;
      yield* [];
    }
    const empty = () => ({});
    const handlers = { unary: empty, read: empty, upload: empty, download: silent, chat: silent };
    const listener = connectListener(connectAuth(auth), {
      routes: (router) =>
        router
          .service(connectEcho, implementForConnect(connectEcho, handlers as never))
          .service(StreamRenewal, implementForConnect(StreamRenewal, createStreamRenewal(auth))),
    });
    const server = createServer(listener as never);
    const sessions = new Set<{ destroy(): void }>();
    server.on("session", (session) => sessions.add(session));
    await once(server.listen(0, "127.0.0.1"), "listening");
    const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const transports = [createGrpcTransport, createGrpcWebTransport, createConnectTransport].map((make) =>
      createAuthenticatedTransport(source(), (interceptors) =>
        make({ baseUrl, httpVersion: "2", interceptors }),
      ),
    );
    let over = 0;
    const outcomes = transports.map(async (transport) => {
      const client = createClient(connectEcho, transport) as unknown as {
        download(line: object): AsyncIterable<Line>;
      };
      try {
        for await (const _ of client.download({}));
        return "done";
      } catch (error) {
        return (error as Error).message;
      } finally {
        over += 1;
      }
    });
    await pause(3 * lifetimeMs);
    assert.equal(over, 0);
    revocations.apply({ kind: "user", userId: "ada", state: "disabled" });
    assert.deepEqual(
      await Promise.all(outcomes),
      Array.from({ length: 3 }, () => "[unauthenticated] User disabled"),
    );
    open.resolve();
    server.close();
    for (const session of sessions) session.destroy();
  });
});
