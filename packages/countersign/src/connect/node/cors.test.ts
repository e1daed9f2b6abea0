import assert from "node:assert/strict";
import { it } from "node:test";
import { repeating, startEcho } from "../echo.suite.ts";

const origin = "https://app.example";
const adapter = { cors: { origins: [origin], allowedHeaders: ["x-user", "content-type"] } };
const preflight = (from: string) => ({
  method: "OPTIONS",
  headers: { origin: from, "access-control-request-method": "POST" },
});
const call = (from: string, user?: string) => ({
  method: "POST",
  headers: {
    origin: from,
    "content-type": "application/json",
    ...(user !== undefined && { "x-user": user }),
  },
  body: "{}",
});
const list = (response: Response, name: string) =>
  (response.headers.get(name) ?? "").toLowerCase().split(", ");

it("a preflight of an RPC is answered for a page of a named origin, with what the protocols need", async () => {
  await using server = await startEcho({ adapter, handlers: repeating });
  const response = await fetch(`${server.http}/t.Echo/Unary`, preflight(origin));
  assert.equal(response.status, 204);
  assert.equal(response.headers.get("access-control-allow-origin"), origin);
  assert.deepEqual(list(response, "access-control-allow-methods"), ["post", "get"]);
  const allowed = list(response, "access-control-allow-headers");
  for (const name of ["x-user", "content-type", "connect-protocol-version", "connect-timeout-ms"])
    assert.ok(allowed.includes(name), name);
  for (const name of ["x-grpc-web", "x-user-agent", "grpc-timeout"]) assert.ok(allowed.includes(name), name);
});

it("its page may read answers and refusals, and no other page may", async () => {
  await using server = await startEcho({ adapter, handlers: repeating });
  for (const [user, status] of [
    ["ada", 200],
    [undefined, 401],
  ] as const) {
    const response = await fetch(`${server.http}/t.Echo/Unary`, call(origin, user));
    await response.text();
    assert.equal(response.status, status);
    assert.equal(response.headers.get("access-control-allow-origin"), origin);
    assert.match(response.headers.get("vary") ?? "", /origin/);
    const exposed = list(response, "access-control-expose-headers");
    for (const name of ["grpc-status", "grpc-message", "grpc-status-details-bin", "x-request-id"])
      assert.ok(exposed.includes(name), name);
  }
  const other = await fetch(`${server.http}/t.Echo/Unary`, call("https://evil.example", "ada"));
  assert.equal(other.headers.get("access-control-allow-origin"), null);
  assert.equal((await fetch(`${server.http}/t.Echo/Unary`, preflight("https://evil.example"))).status, 405);
});

it("without the option nothing is said", async () => {
  await using server = await startEcho({ handlers: repeating });
  assert.equal((await fetch(`${server.http}/t.Echo/Unary`, preflight(origin))).status, 405);
  const response = await fetch(`${server.http}/t.Echo/Unary`, call(origin, "ada"));
  assert.equal(response.headers.get("access-control-allow-origin"), null);
});
