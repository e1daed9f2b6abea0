import assert from "node:assert/strict";
import { it } from "node:test";
import { runWithoutNode } from "./run-without-node.suite.ts";

const auth = `
  import { allow, createAuth, isAuthenticated } from "../index.ts";
  const byName = {
    name: "name", header: "x-user", challenge: "Name", unrecognized: () => "TOKEN_INVALID",
    start: () => (value) => value === "ada" ? allow({ userId: value }, "name") : undefined,
  };
  const auth = createAuth({ authenticators: [byName], policy: [] });
`;
const ask = `
  const asked = (user) => new Request("http://x/me", { headers: { "x-user": user, origin: "https://app.example" } });
  const told = async (user) => { const answer = await handler(asked(user)); return [answer.status, await answer.json()]; };
  export const result = (async () => [typeof process, typeof Buffer, await told("ada"), (await told("eve")).at(0)])();
`;

it("countersign/http/fetch decides where nothing of Node's is to be had but AsyncLocalStorage", () => {
  const { result, modules } = runWithoutNode(`${auth}
    import { currentCall, fetchAuth } from "./fetch.ts";
    const handle = (request, context, { }) => Response.json(currentCall().userId);
    const handler = fetchAuth(auth, { cors: { origins: ["https://app.example"] } })
      .handler({ "GET /me": { guards: [isAuthenticated], handle } });
    ${ask}`);
  assert.deepEqual(result, ["undefined", "undefined", [200, "ada"], 401]);
  assert.ok(modules > 30, String(modules));
});

it("and so does countersign/http/hono", () => {
  const { result, modules } = runWithoutNode(`${auth}
    import { Hono } from "hono";
    import { honoAuth } from "./hono.ts";
    const guard = honoAuth(auth, { cors: { origins: ["https://app.example"] } });
    const app = new Hono().get("/me", guard.route({ guards: [isAuthenticated] }), (c) => c.json(c.var.context.userId));
    const handler = guard.protect(app).fetch;
    ${ask}`);
  assert.deepEqual(result, ["undefined", "undefined", [200, "ada"], 401]);
  assert.ok(modules > 30, String(modules));
});
