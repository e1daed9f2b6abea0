import assert from "node:assert/strict";
import { once } from "node:events";
import { Agent, type IncomingMessage, request } from "node:http";
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
