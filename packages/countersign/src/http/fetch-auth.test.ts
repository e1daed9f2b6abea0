import assert from "node:assert/strict";
import { it } from "node:test";
import { serve } from "@hono/node-server";
import { denial } from "../core/denial.ts";
import { isStaff } from "../core/guards.ts";
import { describeDoor } from "./door.suite.ts";
import { type DoorSetup, type StartedDoor, suiteAuth } from "./door-routes.suite.ts";
import { fetchAuth } from "./fetch-auth.ts";

/** A `fetch` handler behind somebody else's server. */
function start({ auth, options, routes }: DoorSetup): Promise<StartedDoor> {
  const handled = Object.entries(routes).map(([name, { run, ...rule }]) => [
    name,
    {
      ...rule,
      handle: async (_request: Request, context: never, params: never) =>
        toResponse(await run({ context, params })),
    },
  ]);
  const handler = fetchAuth(auth, options).handler(Object.fromEntries(handled));
  return new Promise((resolve) => {
    const server = serve(
      { fetch: (request) => handler(request), hostname: "127.0.0.1", port: 0 },
      ({ port }) =>
        resolve({
          port,
          close: () => {
            server.close();
            if ("closeAllConnections" in server) server.closeAllConnections();
          },
        }),
    );
  });
}

export function toResponse(result: unknown): Response {
  if (typeof result !== "object" || result === null || !(Symbol.asyncIterator in result))
    return Response.json(result);
  const encoder = new TextEncoder();
  async function* bytes(chunks: AsyncIterable<string>) {
    for await (const chunk of chunks) yield encoder.encode(chunk);
  }
  return new Response(ReadableStream.from(bytes(result as AsyncIterable<string>)));
}

describeDoor({ name: "fetch", start, decoded: false });

it("guards single routes, for routers of others, by their names and not by the URL", async () => {
  const auth = suiteAuth();
  const guard = fetchAuth(auth, { peer: (_request, platform) => ({ address: String(platform) }) });
  const staff = guard.route("GET /staff/:id", {
    guards: [isStaff],
    handle: (_request, { userId, call }, { id }) => Response.json([userId, id, call.peer.address]),
  });
  auth.seal();
  const ask = (user: string) =>
    staff(new Request("http://x/open", { headers: { "x-user": user } }), { id: "7" }, "192.0.2.1:9");
  assert.equal((await ask("ada")).status, 403);
  assert.deepEqual(await (await ask("staff")).json(), ["staff", "7", "192.0.2.1:9"]);
});

it("refuses whom it would have answered, if the caller no longer may by then", async () => {
  const ends: (() => void)[] = [];
  const auth = suiteAuth();
  const guard = fetchAuth({
    ...auth,
    watch(_call, _admitted, end) {
      ends.push(() => end(denial("TOKEN_REVOKED")));
      return () => {};
    },
  });
  const handler = guard.handler({
    "GET /slow": {
      guards: ["optional"],
      handle: () => {
        ends.at(-1)?.();
        return new Response("too late");
      },
    },
  });
  const response = await handler(new Request("http://x/slow", { headers: { "x-user": "ada" } }));
  assert.deepEqual(
    [response.status, ((await response.json()) as { reason: string }).reason],
    [401, "TOKEN_REVOKED"],
  );
});

it("lets an answer go whose reader leaves, and one that is whole", async () => {
  const auth = suiteAuth();
  const open = new Set<object>();
  let cancelled: unknown;
  const guard = fetchAuth({
    ...auth,
    watch(call) {
      open.add(call);
      return () => open.delete(call);
    },
  });
  const endless = new ReadableStream({
    pull: (controller) => controller.enqueue(new Uint8Array([1])),
    cancel: (reason) => {
      cancelled = reason;
    },
  });
  const handler = guard.handler({
    "GET /endless": { guards: ["optional"], handle: () => new Response(endless) },
    "GET /text": { guards: ["optional"], handle: () => new Response("all of it") },
    "GET /none": { guards: ["optional"], handle: () => new Response(null, { status: 204 }) },
    "GET /throws": {
      guards: ["optional"],
      handle: () => {
        throw new TypeError("secret");
      },
    },
  });
  const ask = (path: string) => handler(new Request(`http://x${path}`, { headers: { "x-user": "ada" } }));
  const response = await ask("/endless");
  assert.equal(open.size, 1);
  await response.body?.cancel("enough");
  assert.equal(cancelled, "enough");
  assert.equal(await (await ask("/text")).text(), "all of it");
  assert.equal((await ask("/none")).status, 204);
  assert.equal((await ask("/throws")).status, 500);
  assert.equal(open.size, 0);
});
