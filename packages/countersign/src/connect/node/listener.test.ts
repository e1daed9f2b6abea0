import assert from "node:assert/strict";
import { once } from "node:events";
import { Agent, type IncomingMessage, request } from "node:http";
import { connect } from "node:net";
import { it } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import type { CallContext } from "../../context/call-context.ts";
import { type Echo, type Line, repeating, startEcho, until } from "../echo.suite.ts";
import { connectListener } from "./listener.ts";

it("SECURITY: routes without a guard are no server", () => {
  const routes = (): never => assert.fail("they were registered");
  const unguarded = connectListener as unknown as (...given: readonly unknown[]) => unknown;
  for (const given of [[{ routes }], [{ routes }, { routes }], [undefined, { routes }]])
    assert.throws(() => unguarded(...given), TypeError);
});

/** Asks for the stream over HTTP/1.1. */
async function download(server: Echo, agent: Agent): Promise<IncomingMessage> {
  const message = Buffer.from('{"say":"x"}');
  const headers = { "content-type": "application/connect+json", "x-user": "ada" };
  const call = request(`${server.http}/t.Echo/Download`, { method: "POST", headers, agent });
  call.on("error", () => {});
  call.end(Buffer.concat([Buffer.from([0, 0, 0, 0, message.length]), message]));
  const [response] = (await once(call, "response")) as [IncomingMessage];
  return response.on("error", () => {});
}

it("over HTTP/1.1, who reads nothing after the end of a stream is hung up on", async () => {
  let aborted = false;
  const handlers = {
    ...repeating,
    async *download(_line: Line, { call }: CallContext) {
      call.signal.addEventListener("abort", () => (aborted = true), { once: true });
      for (;;) yield { say: "x".repeat(100_000) };
    },
  };
  await using server = await startEcho({ handlers });
  const agent = new Agent({ keepAlive: true });
  const response = await download(server, agent);
  response.pause();
  server.revocations.apply({ kind: "user", userId: "ada", state: "disabled" });
  await until(() => aborted);
  agent.destroy();
});

it("and who reads the end keeps the connection, and all that is asked on it", async () => {
  const handlers = {
    ...repeating,
    async *download(_line: Line, { call }: CallContext) {
      yield { say: "first" };
      await once(call.signal, "abort");
    },
    unary: () => wait(1500, {}),
  };
  await using server = await startEcho({ handlers });
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const response = await download(server, agent);
  server.revocations.apply({ kind: "user", userId: "ada", state: "disabled" });
  let text = "";
  for await (const chunk of response.setEncoding("utf8")) text += chunk;
  assert.match(text, /USER_DISABLED/);
  // It is on its way when the first would have been hung up on.
  const headers = { "content-type": "application/json", "x-user": "bob" };
  const second = request(`${server.http}/t.Echo/Unary`, { method: "POST", headers, agent }).end("{}");
  const [answer] = (await once(second, "response")) as [IncomingMessage];
  assert.deepEqual([answer.statusCode, second.reusedSocket], [200, true]);
  agent.destroy();
});

it("takes a target in absolute form for its path, and refuses what could be read differently", async () => {
  const said: (string | undefined)[] = [];
  const handlers = {
    ...repeating,
    unary: (_line: Line, { principal }: CallContext) => {
      said.push(principal?.userId);
      return {};
    },
  };
  await using server = await startEcho({ handlers });
  const { port } = new URL(server.http);
  const statusOf = async (target: string, ...lines: readonly string[]): Promise<number> => {
    const socket = connect(Number(port), "127.0.0.1");
    const head = [`POST ${target} HTTP/1.1`, ...lines, "content-type: application/json", "content-length: 2"];
    socket.write(`${head.join("\r\n")}\r\n\r\n{}`);
    const [first] = (await once(socket, "data")) as [Buffer];
    socket.destroy();
    return Number(/^HTTP\/1.1 (\d+)/.exec(first.toString())?.[1]);
  };
  const ada = "x-user: ada";
  for (const origin of ["http://x", "https://x:1", "http://[::1]:81"]) {
    assert.equal(await statusOf(`${origin}/t.Echo/Unary`, "host: x", ada), 200);
    assert.equal(await statusOf(`${origin}/t.Echo/Unary`, "host: x"), 401);
    assert.equal(await statusOf(`${origin}/t.Echo/Nothing`, "host: x", ada), 404);
  }
  assert.deepEqual(said, ["ada", "ada", "ada"]);
  for (const [target, ...lines] of [
    ["/t.Echo/Unary", "host: x", "host: y"],
    ["http://x/t.Echo/Unary", "host: x", "host: x"],
    ["/t.Echo/Unary", "host: x/t.Echo"],
    ["/t.Echo/Unary", "host: "],
    ["http://ada@x/t.Echo/Unary", "host: x"],
    ["http://x?/t.Echo/Unary", "host: x"],
    ["http:///t.Echo/Unary", "host: x"],
    ["ftp://x/t.Echo/Unary", "host: x"],
    ["*", "host: x"],
  ] as const)
    assert.equal(await statusOf(target, ...lines, ada), 400, [target, ...lines].join());
  assert.equal(said.length, 3);
});
