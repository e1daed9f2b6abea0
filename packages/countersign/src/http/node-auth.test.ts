import assert from "node:assert/strict";
import { once } from "node:events";
import { Agent, createServer, request as httpRequest } from "node:http";
import { connect as connectHttp2, constants, createServer as createHttp2Server } from "node:http2";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { it } from "node:test";
import { allow } from "../core/decision.ts";
import { byName, fakeAuthenticator, principal } from "../core/fakes.suite.ts";
import { isStaff } from "../core/guards.ts";
import { createRevocations } from "../core/revocation.ts";
import { until } from "../core/until.suite.ts";
import { describeDoor } from "./door.suite.ts";
import { type DoorSetup, type StartedDoor, suiteAuth } from "./door-routes.suite.ts";
import { nodeAuth } from "./node-auth.ts";

async function start({ auth, options, routes }: DoorSetup): Promise<StartedDoor> {
  const guard = nodeAuth(auth, options);
  const handled = Object.entries(routes).map(([name, { run, ...rule }]) => [
    name,
    {
      ...rule,
      handle: async (request: never, response: NodeJS.WritableStream, context: never, params: never) => {
        assert.equal(guard.context(request), context);
        const result = await run({ context, params });
        if (typeof result === "object" && result !== null && Symbol.asyncIterator in result)
          for await (const chunk of result as AsyncIterable<string>) response.write(chunk);
        else
          (response as unknown as { setHeader(name: string, value: string): void }).setHeader(
            "content-type",
            "application/json",
          );
        response.end(JSON.stringify(result));
      },
    },
  ]);
  const server = createServer(guard.listener(Object.fromEntries(handled)));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    close: () => server.close().closeAllConnections(),
  };
}

describeDoor({ name: "node", start, decoded: false });

const people = { ada: principal({ userId: "ada" }), boss: principal({ userId: "boss", isStaff: true }) };

it("decides about a request to change the protocol, and hangs up when its caller no longer may", async (t) => {
  const revocations = createRevocations();
  const authenticators = [byName(people, { header: "x-user" })] as const;
  const auth = suiteAuth({ authenticators, revocations });
  const ends: ((denial: never) => void)[] = [];
  const guard = nodeAuth({
    ...auth,
    watch(_call, _admitted, end) {
      ends.push(end);
      return () => {};
    },
  });
  const server = createServer(
    guard.listener({ "GET /plain": { guards: ["open"], handle: (_, response) => response.end() } }),
  );
  server.on(
    "upgrade",
    guard.upgrade({
      "GET /socket": {
        guards: [isStaff],
        handle: (_request, socket, _head, context) =>
          socket.write(
            `HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: t\r\nx-caller: ${context.userId}\r\n\r\n`,
          ),
      },
      "GET /fails": {
        guards: ["open"],
        handle: () => {
          throw new Error("secret");
        },
      },
    }),
  );
  auth.seal();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close().closeAllConnections());
  const { port } = server.address() as AddressInfo;
  const ask = async (path: string, user?: string) => {
    const headers = { connection: "upgrade", upgrade: "t", ...(user !== undefined && { "x-user": user }) };
    const sent = httpRequest({ port, host: "127.0.0.1", path, headers }).end();
    const [kind, response, socket] = await Promise.race([
      once(sent, "response").then(([answer]) => ["response", answer] as const),
      once(sent, "upgrade").then(([answer, got]) => ["upgrade", answer, got] as const),
    ]);
    if (kind === "response") response.resume();
    return { status: response.statusCode, caller: response.headers["x-caller"], socket };
  };
  assert.equal((await ask("/socket")).status, 401);
  assert.equal((await ask("/socket", "ada")).status, 403);
  assert.equal((await ask("/nothing", "boss")).status, 404);
  assert.equal((await ask("/plain", "boss")).status, 404);
  assert.equal((await ask("/fails")).status, 500);
  const { status, caller, socket } = await ask("/socket", "boss");
  assert.deepEqual([status, caller], [101, "boss"]);
  const closed = once(socket, "close");
  ends.at(-1)?.(undefined as never);
  await closed;
});

it("refuses a target that is no path, and two hosts", async (t) => {
  const door = await start({
    auth: suiteAuth(),
    options: {},
    routes: { "GET /open": { guards: ["open"], run: () => ({}) } },
  });
  t.after(() => door.close());
  const statusOf = async (path: string, headers: readonly string[] = ["host", "x"]) => {
    const sent = httpRequest({
      port: door.port,
      host: "127.0.0.1",
      path,
      headers: headers as string[],
      setHost: false,
    }).end();
    const [response] = await once(sent, "response");
    response.resume();
    return response.statusCode;
  };
  assert.equal(await statusOf("/open"), 200);
  assert.equal(await statusOf("http://x/open"), 200);
  for (const target of ["*", "x:80", "x/open", "http://x", "http://x?/open", "http://u@x/open"])
    assert.equal(await statusOf(target), 400, target);
  assert.equal(await statusOf("/open", ["host", "x", "host", "y"]), 400);
});

it("serves HTTP/2, and ends a stream whose body it refused", async (t) => {
  const auth = suiteAuth();
  const server = createHttp2Server(
    nodeAuth(auth).listener({
      "POST /orders": { guards: [isStaff], handle: (_, response) => response.end("done") },
    }),
  );
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const client = connectHttp2(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  t.after(() => {
    client.destroy();
    server.close();
  });
  const ask = async (user: string) => {
    const stream = client.request({ ":method": "POST", ":path": "/orders", "x-user": user });
    stream.write("some, and more to come");
    const [headers] = await once(stream, "response");
    stream.resume();
    if (headers[":status"] === 200) stream.end();
    await once(stream, "close");
    return headers[":status"];
  };
  assert.equal(await ask("ada"), 403);
  assert.equal(await ask("staff"), 200);
});

it("runs nothing for who left before the decision: of connections to take over, and over HTTP/2", async (t) => {
  const asked: ((value: unknown) => void)[] = [];
  const authenticators = [
    fakeAuthenticator(
      async () => {
        await new Promise((resolve) => asked.push(resolve));
        return allow(people.boss, "fake");
      },
      { header: "x-user" },
    ),
  ] as const;
  const ended: number[] = [];
  const auth = suiteAuth({ authenticators, onCallEnd: ({ code }) => ended.push(code) });
  let watched = 0;
  let ran = 0;
  const handle = (): void => {
    ran += 1;
  };
  const guard = nodeAuth({
    ...auth,
    watch: () => {
      watched += 1;
      return () => {};
    },
  });
  const route = { guards: [isStaff], handle } as const;
  const sockets: Duplex[] = [];
  const server = createServer()
    .on("upgrade", (_request, socket) => sockets.push(socket))
    .on("upgrade", guard.upgrade({ "GET /x": route }));
  const server2 = createHttp2Server(guard.listener({ "GET /y": route }));
  t.after(() => {
    server.close().closeAllConnections();
    server2.close();
  });
  const portOf = async (started: typeof server | typeof server2): Promise<number> => {
    started.listen(0, "127.0.0.1");
    await once(started, "listening");
    return (started.address() as AddressInfo).port;
  };
  const headers = { connection: "upgrade", upgrade: "t", "x-user": "boss" };
  const sent = httpRequest({ port: await portOf(server), host: "127.0.0.1", path: "/x", headers });
  sent.on("error", () => {}).end();
  await until(() => asked.length === 1);
  sockets[0]?.destroy();
  const client = connectHttp2(`http://127.0.0.1:${await portOf(server2)}`);
  t.after(() => client.destroy());
  const stream = client.request({ ":path": "/y", "x-user": "boss" }).on("error", () => {});
  await until(() => asked.length === 2);
  stream.close(constants.NGHTTP2_CANCEL);
  await until(() => ended.length === 2);
  for (const decide of asked) decide(undefined);
  for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual([ran, watched, ended], [0, 0, [1, 1]]);
});

it("tells each request of the end of its connection, which has one listener for all of them", async (t) => {
  const auth = suiteAuth();
  const listeners: number[] = [];
  const signals: AbortSignal[] = [];
  const guard = nodeAuth(auth);
  const server = createServer(
    guard.listener({
      "GET /signal": {
        guards: ["open"],
        handle(request, response, { call }) {
          signals.push(call.signal);
          listeners.push(request.socket.listenerCount("close"));
          response.end();
        },
      },
    }),
  );
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close().closeAllConnections());
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const { port } = server.address() as AddressInfo;
  for (let at = 0; at < 4; at++) {
    const asking = httpRequest({ port, agent, path: "/signal" }).end();
    const [response] = await once(asking, "response");
    await once(response.resume(), "end");
  }
  assert.equal(new Set(listeners).size, 1);
  assert.equal(new Set(signals).size, 4);
  assert.ok(signals.every(({ aborted }) => !aborted));
  agent.destroy();
  await until(() => signals.every(({ aborted }) => aborted));
});
